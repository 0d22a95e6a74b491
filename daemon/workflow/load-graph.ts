// What must hold across the stages of a workflow: names exist, are unique, and come in an order that ends.
//
// G1. A stage refers only to stages that it needs, directly or through others: nothing depends on luck in timing.
// G2. Checks read the file leniently, so a mistake in one stage hides no mistake in another.
import { listReferences, parseReference, parseWholeTemplate, type ValueReference } from '../../shared/state/workflow.ts';
import { endsWithCommit, type StageShape } from './load-shape.ts';
import { type Problem, problemAt, type Source, type SourcePath, suggestName } from '../../shared/yaml/source.ts';

/** A stage as far as it can be read, valid or not. */
interface Sketch {
  index: number;
  id: string | undefined;
  needs: string[];
  outputs: string[];
  /** Present when the stage passed its schema. */
  shape: StageShape | undefined;
}

interface Graph {
  source: Source;
  sketches: Sketch[];
  byId: Map<string, Sketch>;
  /** For each stage the ids of all stages that it needs, directly or through others. */
  reachable: Map<string, Set<string>>;
  /** For each artifact the stages that produce it. */
  makers: Map<string, string[]>;
  inputs: string[];
}

/** Every problem between stages; `shapes` holds undefined where a stage failed its own schema. */
export function listGraphProblems(
  source: Source,
  rawStages: readonly unknown[],
  shapes: readonly (StageShape | undefined)[],
  inputs: readonly string[],
): Problem[] {
  const sketches = rawStages.map((raw, index) => sketchStage(raw, index, shapes[index]));
  const graph = buildGraph(source, sketches, inputs);
  return [
    ...listIdProblems(graph),
    ...listNeedProblems(graph),
    ...listCycles(graph),
    ...listOutputProblems(graph),
    ...sketches.flatMap((sketch) => listReferenceProblems(graph, sketch)),
  ];
}

function sketchStage(raw: unknown, index: number, shape: StageShape | undefined): Sketch {
  const record = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
  return {
    index,
    id: typeof record.id === 'string' ? record.id : undefined,
    needs: texts(record.needs),
    outputs: texts(record.outputs),
    shape,
  };
}

function buildGraph(source: Source, sketches: Sketch[], inputs: readonly string[]): Graph {
  const byId = new Map<string, Sketch>();
  const makers = new Map<string, string[]>();
  for (const sketch of sketches) {
    if (sketch.id === undefined) continue;
    if (!byId.has(sketch.id)) byId.set(sketch.id, sketch);
    for (const output of sketch.outputs) makers.set(output, [...(makers.get(output) ?? []), sketch.id]);
  }
  const reachable = new Map([...byId.keys()].map((id) => [id, findReachable(byId, id)]));
  return { source, sketches, byId, reachable, makers, inputs: [...inputs] };
}

function findReachable(byId: ReadonlyMap<string, Sketch>, start: string): Set<string> {
  const found = new Set<string>();
  const open = [...(byId.get(start)?.needs ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(byId.get(id)?.needs ?? []));
  }
  return found;
}

function listIdProblems({ source, sketches, byId }: Graph): Problem[] {
  return sketches.flatMap(({ id, index }) => {
    const path = ['stages', index, 'id'];
    if (id === 'inputs')
      return [
        problemAt(source, path, { code: 'reserved-id', message: '`inputs` names the inputs of the run; give the stage another id.' }),
      ];
    const first = id === undefined ? undefined : byId.get(id);
    if (first === undefined || first.index === index) return [];
    return [problemAt(source, path, { code: 'duplicate-stage', message: `Two stages have the id \`${id}\`; give this one another.` })];
  });
}

function listNeedProblems(graph: Graph): Problem[] {
  return graph.sketches.flatMap((sketch) =>
    sketch.needs.flatMap((need, position) => {
      const path = ['stages', sketch.index, 'needs', position];
      if (!graph.byId.has(need)) return [unknownStage(graph, path, need)];
      if (sketch.needs.indexOf(need) !== position)
        return [problemAt(graph.source, path, { code: 'repeated-need', message: `\`${need}\` is named twice.` })];
      return [];
    }),
  );
}

/** Each cycle once, named in full and placed at the `needs` of its first stage in the file. */
function listCycles({ source, sketches, byId, reachable }: Graph): Problem[] {
  const reported = new Set<string>();
  return sketches.flatMap(({ id, index }) => {
    if (id === undefined || reported.has(id) || byId.get(id)?.index !== index || !reachable.get(id)?.has(id)) return [];
    const cycle = findShortestCycle(byId, id);
    for (const member of reachable.get(id) ?? []) if (reachable.get(member)?.has(id)) reported.add(member);
    const position = byId.get(id)?.needs.indexOf(cycle[1] ?? id) ?? 0;
    return [
      problemAt(source, ['stages', index, 'needs', position], {
        code: 'cycle',
        message: `These stages wait for one another and would never start: ${cycle.join(' -> ')}.`,
      }),
    ];
  });
}

function findShortestCycle(byId: ReadonlyMap<string, Sketch>, start: string): string[] {
  const cameFrom = new Map<string, string>();
  const open = [start];
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    for (const need of byId.get(id)?.needs ?? []) {
      if (need === start) {
        const path = [start];
        for (let step = id; step !== start; step = cameFrom.get(step) ?? start) path.unshift(step);
        return [start, ...path];
      }
      if (!cameFrom.has(need) && byId.has(need)) {
        cameFrom.set(need, id);
        open.push(need);
      }
    }
  }
  return [start, start];
}

function listOutputProblems({ source, sketches, makers }: Graph): Problem[] {
  return sketches.flatMap(({ id, index, outputs }) =>
    outputs.flatMap((output, position) => {
      const first = makers.get(output)?.[0];
      const repeated = outputs.indexOf(output) !== position || (id !== undefined && first !== id);
      return repeated
        ? [
            problemAt(source, ['stages', index, 'outputs', position], {
              code: 'duplicate-output',
              message: `\`${output}\` is already produced by stage \`${first}\`; an artifact has one maker.`,
            }),
          ]
        : [];
    }),
  );
}

/** A place in a stage where something else is named. */
interface Spot {
  graph: Graph;
  /** The stage that names it. */
  id: string;
  path: SourcePath;
}

function listReferenceProblems(graph: Graph, sketch: Sketch): Problem[] {
  const { shape, index, id } = sketch;
  if (shape === undefined || id === undefined) return [];
  const at = (...path: (string | number)[]): Spot => ({ graph, id, path: ['stages', index, ...path] });
  const value = (reference: ValueReference | undefined, spot: Spot) => (reference === undefined ? [] : listValueProblems(spot, reference));
  const template = (text: string, spot: Spot) => listReferences(text).flatMap((reference) => value(reference, spot));
  const { command, when, gate, worktree, merge } = shape;
  return [
    ...shape.inputs.flatMap((input, position) => listInputProblems(at('inputs', position), input)),
    ...(typeof when === 'string' ? value(parseReference(when), at('when')) : []),
    ...(Array.isArray(when)
      ? when.flatMap((condition, position) => value(parseReference(condition.value), at('when', position, 'value')))
      : []),
    ...(gate === undefined ? [] : listArtifactProblems(at('gate', 'proposals'), gate.proposals)),
    ...(typeof command === 'string' ? value(parseWholeTemplate(command), at('command')) : []),
    ...(Array.isArray(command) ? command.flatMap((text, position) => template(text, at('command', position))) : []),
    ...template(shape.prompt ?? '', at('prompt')),
    ...template(shape.stdin ?? '', at('stdin')),
    ...Object.entries(shape.env ?? {}).flatMap(([name, text]) => template(text, at('env', name))),
    ...(typeof worktree === 'object' ? listTreeProblems(at('worktree', 'from'), worktree.from) : []),
    ...(merge === undefined ? [] : listTreeProblems(at('merge', 'from'), merge.from)),
  ];
}

function listValueProblems(spot: Spot, { stage, value }: ValueReference): Problem[] {
  const { graph, path } = spot;
  if (stage !== 'inputs') return listOrderProblems(spot, stage);
  if (graph.inputs.includes(value)) return [];
  return [
    problemAt(graph.source, path, {
      code: 'unknown-input',
      message: `The workflow has no input \`${value}\`.`,
      hint: suggestName(value, graph.inputs),
    }),
  ];
}

function listInputProblems(spot: Spot, input: string): Problem[] {
  const { makers, byId } = spot.graph;
  const reference = parseReference(input);
  const isValue = !makers.has(input) && reference !== undefined && (reference.stage === 'inputs' || byId.has(reference.stage));
  return isValue ? listValueProblems(spot, reference) : listArtifactProblems(spot, input);
}

function listArtifactProblems(spot: Spot, artifact: string): Problem[] {
  const { graph, path } = spot;
  const maker = graph.makers.get(artifact)?.[0];
  if (maker !== undefined) return listOrderProblems(spot, maker, `\`${artifact}\` is produced by stage \`${maker}\``);
  return [
    problemAt(graph.source, path, {
      code: 'unknown-artifact',
      message: `No stage has \`${artifact}\` among its outputs.`,
      hint: suggestName(artifact, [...graph.makers.keys()]),
    }),
  ];
}

function listTreeProblems(spot: Spot, from: string): Problem[] {
  const order = listOrderProblems(spot, from);
  const shape = spot.graph.byId.get(from)?.shape;
  if (order.length > 0 || shape === undefined || endsWithCommit(shape)) return order;
  const message = `Stage \`${from}\` has no worktree, so it ends with no commit; give it \`worktree: own\`.`;
  return [problemAt(spot.graph.source, spot.path, { code: 'no-worktree', message })];
}

function listOrderProblems({ graph, id, path }: Spot, other: string, what = `Stage \`${other}\` is used here`): Problem[] {
  if (!graph.byId.has(other)) return [unknownStage(graph, path, other)];
  if (graph.reachable.get(id)?.has(other)) return [];
  const fix =
    other === id
      ? 'which is this one; it cannot use what it only makes itself.'
      : `but stage \`${id}\` does not wait for it; add \`${other}\` to its \`needs\`.`;
  return [problemAt(graph.source, path, { code: 'not-needed', message: `${what}, ${fix}` })];
}

function unknownStage(graph: Graph, path: SourcePath, name: string): Problem {
  return problemAt(graph.source, path, {
    code: 'unknown-stage',
    message: `There is no stage \`${name}\`.`,
    hint: suggestName(name, [...graph.byId.keys()]),
  });
}

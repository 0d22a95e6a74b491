// What must hold across the stages of a workflow: names exist, are unique, and come in an order that ends.
//
// G1. A stage refers only to stages that it needs, directly or through others: nothing depends on luck in timing.
// G2. Checks read the file leniently, so a mistake in one stage hides no mistake in another.
import { listReferences, parseReference, parseWholeTemplate, type ValueReference } from '../../shared/state/workflow.ts';
import { type Problem, problemAt, type Source, type SourcePath, suggestName } from '../../shared/yaml/source.ts';
import { findConditionProblem } from './condition.ts';
import { findItemsProblem } from './matrix.ts';
import { endsWithCommit, type StageShape } from './load-shape.ts';
import { findRouteValue, listBranches } from './load-stage.ts';
import { listContextProblems, listPreviousProblems } from './load-context.ts';
import { buildGraph, type Graph, type GraphAround, type PlacedStage, type Sketch, sketchStage } from './load-sketch.ts';

/** Every problem between stages; `known` are those that a run has already, and nothing is wrong with them. */
export function listGraphProblems(
  stages: readonly PlacedStage[],
  around: GraphAround,
  known: readonly Omit<Sketch, 'index'>[] = [],
): Problem[] {
  const before = known.map((sketch, index): Sketch => ({ ...sketch, index }));
  const sketches = stages.map((stage, i) => sketchStage(stage, before.length + i));
  const graph = { ...buildGraph([...before, ...sketches], around), sketches };
  return [
    ...listIdProblems(graph),
    ...listNeedProblems(graph),
    ...listCycles(graph),
    ...listOutputProblems(graph),
    ...sketches.flatMap((sketch) => listReferenceProblems(graph, sketch)),
  ];
}

function listIdProblems({ sketches, byId }: Graph): Problem[] {
  return sketches.flatMap(({ id, index, source, path, raw }) => {
    const at = [...path, typeof raw === 'object' && raw !== null && 'stage' in raw ? 'stage' : 'id'];
    if (id === 'inputs' || id === 'context' || id === 'previous' || id === 'item') {
      const message = `\`${id}\` means something else in templates; give the stage another id.`;
      return [problemAt(source, at, { code: 'reserved-id', message })];
    }
    const list = /^(.+)-[1-9][0-9]*$/.exec(id ?? '')?.[1];
    if (list !== undefined && byId.get(list)?.shape?.matrix) {
      const message = `Stage \`${list}\` is done for each item of a list, and \`${id ?? ''}\` is what one of them is called; give this stage another id.`;
      return [problemAt(source, at, { code: 'duplicate-stage', message })];
    }
    const first = id === undefined ? undefined : byId.get(id);
    if (first === undefined || first.index === index) return [];
    return [problemAt(source, at, { code: 'duplicate-stage', message: `Two stages have the id \`${id}\`; give this one another.` })];
  });
}

function listNeedProblems(graph: Graph): Problem[] {
  return graph.sketches.flatMap((sketch) => {
    const seen = new Set<string>();
    const unknownNext = sketch.next.filter(({ id }) => !graph.byId.has(id)).map((one) => unknownStage(graph, one, one.id));
    const needs = sketch.needs.flatMap((need) => {
      if (!graph.byId.has(need.id)) return [unknownStage(graph, need, need.id)];
      if (!need.path.includes('needs')) return [];
      if (seen.has(need.id))
        return [problemAt(need.source, need.path, { code: 'repeated-need', message: `\`${need.id}\` is named twice.` })];
      seen.add(need.id);
      return [];
    });
    return [...unknownNext, ...needs];
  });
}

/** Each cycle once, named in full and placed where its first stage in the file waits. */
function listCycles({ sketches, byId, reach }: Graph): Problem[] {
  const reported = new Set<string>();
  return sketches.flatMap(({ id, index }) => {
    if (id === undefined || reported.has(id) || byId.get(id)?.index !== index || !reach.has(id, id)) return [];
    const cycle = findShortestCycle(byId, id);
    for (const member of byId.keys()) if (reach.has(id, member) && reach.has(member, id)) reported.add(member);
    const need = byId.get(id)?.needs.find((one) => one.id === cycle[1]);
    if (!need) return [];
    const message = `These stages wait for one another and would never start: ${cycle.join(' -> ')}.`;
    const hint = 'A step back is written as `on_failure: { back_to: <stage> }`.';
    return [problemAt(need.source, need.path, { code: 'cycle', message, ...(need.path.includes('needs') ? {} : { hint }) })];
  });
}

function findShortestCycle(byId: ReadonlyMap<string, Sketch>, start: string): string[] {
  const cameFrom = new Map<string, string>();
  const open = [start];
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    for (const { id: need } of byId.get(id)?.needs ?? []) {
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

function listOutputProblems({ sketches, makers, reach, byId }: Graph): Problem[] {
  return sketches.flatMap(({ id, outputs, source, path }) =>
    outputs.flatMap((output, position) => {
      const first = makers.get(output)?.[0];
      if (outputs.indexOf(output) === position && (id === undefined || first === id)) return [];
      // Of two branches that exclude each other only one runs.
      if (id !== undefined && first !== undefined && first !== id && excludes({ reach, byId }, first, id)) return [];
      const message = `\`${output}\` is already produced by stage \`${first}\`; an artifact has one maker.`;
      return [problemAt(source, [...path, 'outputs', position], { code: 'duplicate-output', message })];
    }),
  );
}

/** Whether two stages are on different ways of one map of `next`. */
function excludes({ reach, byId }: Pick<Graph, 'reach' | 'byId'>, a: string, b: string): boolean {
  const cases = (id: string) => (byId.get(id)?.needs ?? []).filter((need) => need.path.length > 0 && need.path.at(-2) === 'next');
  return !reach.has(a, b) && !reach.has(b, a) && cases(a).some((one) => cases(b).some((other) => one.id === other.id));
}

/** A place in a stage where something else is named. */
interface Spot {
  graph: Graph;
  source: Source;
  /** The stage that names it. */
  id: string;
  path: SourcePath;
}

function listReferenceProblems(graph: Graph, sketch: Sketch): Problem[] {
  const { shape, id, source, path } = sketch;
  if (shape === undefined || id === undefined) return [];
  const at = (...rest: (string | number)[]): Spot => ({ graph, source, id, path: [...path, ...rest] });
  const value = (reference: ValueReference | undefined, spot: Spot) => (reference === undefined ? [] : listValueProblems(spot, reference));
  const template = (text: string, spot: Spot) =>
    listReferences(text).flatMap((reference) => listTemplateProblems(spot, reference, 'value'));
  const { command, when, gate, worktree, merge } = shape;
  const back = typeof shape.on_failure === 'object' ? shape.on_failure.back_to : undefined;
  return [
    ...shape.inputs.flatMap((input, position) => listInputProblems(at('inputs', position), input)),
    ...(typeof when === 'string' ? value(parseReference(when), at('when')) : []),
    ...(Array.isArray(when)
      ? when.flatMap((condition, position) => value(parseReference(condition.value), at('when', position, 'value')))
      : []),
    ...(gate === undefined || Array.isArray(gate) ? [] : listArtifactProblems(at('gate', 'proposals'), gate.proposals)),
    ...(typeof command === 'string' ? value(parseWholeTemplate(command), at('command')) : []),
    ...(Array.isArray(command) ? command.flatMap((text, position) => template(text, at('command', position))) : []),
    ...template(shape.stdin ?? '', at('stdin')),
    ...listReferences(shape.prompt ?? '').flatMap((reference) => listTemplateProblems(at('prompt'), reference, 'prompt')),
    ...(shape.workflow === undefined ? [] : Object.entries(shape.with ?? {})).flatMap(([name, text]) =>
      typeof text === 'string' ? template(text, at('with', name)) : [],
    ),
    ...Object.entries(shape.env ?? {}).flatMap(([name, text]) => template(text, at('env', name))),
    ...(typeof worktree === 'object' ? listTreeProblems(at('worktree', 'from'), worktree.from) : []),
    ...(merge === undefined ? [] : listTreeProblems(at('merge', 'from'), merge.from)),
    ...(merge?.checks ?? []).flatMap((check, i) => [check].flat().flatMap((text) => template(text, at('merge', 'checks', i)))),
    ...listBranchProblems(shape, at),
    ...listMatrixProblems(shape, sketch, at),
    ...(back === undefined ? [] : listBackProblems(at('on_failure', 'back_to'), back)),
    ...listConditionProblems(shape, at),
  ];
}

function listBranchProblems(shape: StageShape, at: (...rest: (string | number)[]) => Spot): Problem[] {
  const key = Array.isArray(shape.parallel) ? 'parallel' : 'parallel_agents';
  return listBranches(shape).flatMap(({ branch }, i) => [
    ...branch.inputs.flatMap((input, j) => listInputProblems(at(key, i, 'inputs', j), input)),
    ...(branch.tickets === undefined ? [] : listInputProblems(at(key, i, 'tickets'), branch.tickets)),
  ]);
}

/** A list is an artifact that ends in `[]`, an input that is a list, or a value; what a stage makes is known before this one. */
function listMatrixProblems({ matrix }: StageShape, { raw }: Sketch, at: (...rest: (string | number)[]) => Spot): Problem[] {
  if (!matrix) return [];
  const { over } = matrix;
  const written = (raw as { matrix: unknown }).matrix;
  const spot = typeof written === 'string' || Array.isArray(written) ? at('matrix') : at('matrix', 'over');
  const problem = (code: string, message: string) => [problemAt(spot.source, spot.path, { code, message })];
  if (typeof over !== 'string') {
    const wrong = over.length === 0 ? 'The list is empty.' : findItemsProblem(over, 'The list');
    return wrong === '' ? [] : problem('matrix-items', wrong);
  }
  const reference = parseReference(over);
  const isValue = reference !== undefined && !spot.graph.makers.has(over);
  if (isValue && reference.stage === 'inputs' && spot.graph.lists && spot.graph.inputs.includes(reference.value))
    return spot.graph.lists.includes(reference.value)
      ? []
      : problem('not-a-list', `Input \`${reference.value}\` is no list; give it \`type: list\`.`);
  if (!isValue && !over.endsWith('[]') && spot.graph.makers.has(over))
    return problem('not-a-list', `\`${over}\` is no list; the name of a list ends in \`[]\`.`);
  return listInputProblems(spot, over);
}

/** A step back leads to a stage that this one waits for, or to itself. */
function listBackProblems(spot: Spot, to: string): Problem[] {
  if (!spot.graph.byId.has(to)) return [unknownStage(spot.graph, spot, to)];
  if (to === spot.id)
    return [problemAt(spot.source, spot.path, { code: 'back-to-itself', message: 'To do the stage itself again, write `retry`.' })];
  return listOrderProblems(spot, to, 'A step back leads to a stage before');
}

function listConditionProblems(shape: StageShape, at: (...rest: (string | number)[]) => Spot): Problem[] {
  const check = (text: string | undefined, { source, path }: Spot, item = false): Problem[] => {
    const found = text === undefined ? undefined : findConditionProblem(text, item ? 'item' : 'run');
    return found ? [problemAt(source, path, { code: 'condition', message: `${found.message} (character ${found.start + 1})` })] : [];
  };
  const { next } = shape;
  const cases = Array.isArray(next) ? next : [];
  const map = next !== undefined && !Array.isArray(next);
  const noValue = map && findRouteValue(shape) === undefined;
  const message = 'Nothing says which value is looked at; write `next_by: <value>`, or one value among the outputs.';
  const spot = at('next');
  return [
    ...check(shape.if, at('if'), shape.matrix !== undefined),
    ...cases.flatMap((one, i) => (typeof one === 'string' ? [] : check(one.if, at('next', i, 'if')))),
    ...(noValue ? [problemAt(spot.source, spot.path, { code: 'no-route-value', message, on: 'key' })] : []),
  ];
}

function listValueProblems(spot: Spot, { stage, value }: ValueReference): Problem[] {
  const { graph, path, source } = spot;
  if (stage === 'context') return listContextProblems(graph, spot, value);
  if (stage === 'item') {
    if (graph.byId.get(spot.id)?.shape?.matrix) return [];
    const message = `\`item\` is what a stage of a list is about; this stage has no \`matrix\`.`;
    return [problemAt(source, path, { code: 'no-item', message })];
  }
  if (stage !== 'inputs') return listOrderProblems(spot, stage);
  if (graph.inputs.includes(value)) return [];
  return [
    problemAt(source, path, {
      code: 'unknown-input',
      message: `The workflow has no input \`${value}\`.`,
      hint: suggestName(value, graph.inputs),
    }),
  ];
}

/** A reference in a text: `previous` and the text of an output are for prompts alone. */
function listTemplateProblems(spot: Spot, reference: ValueReference, where: 'prompt' | 'value'): Problem[] {
  const { graph, path, source, id } = spot;
  const { stage, value } = reference;
  if (stage === 'previous')
    return listPreviousProblems(spot, { fits: where === 'prompt' && value === 'output', first: graph.byId.get(id)?.needs.length === 0 });
  const made = graph.byId.get(stage)?.outputs ?? [];
  if (where === 'value' && value === 'output' && stage !== 'inputs' && stage !== 'context' && !made.includes('output')) {
    const message = `The text of what \`${stage}\` made can stand only in a prompt.`;
    return [problemAt(source, path, { code: 'only-in-prompt', message })];
  }
  return listValueProblems(spot, reference);
}

function listInputProblems(spot: Spot, input: string): Problem[] {
  const { makers, byId } = spot.graph;
  const reference = parseReference(input);
  if (spot.graph.given.has(input)) return [];
  const isValue = !makers.has(input) && reference !== undefined && (reference.stage === 'inputs' || byId.has(reference.stage));
  return isValue ? listValueProblems(spot, reference) : listArtifactProblems(spot, input);
}

function listArtifactProblems(spot: Spot, artifact: string): Problem[] {
  const { graph, path, source } = spot;
  const maker = graph.makers.get(artifact)?.[0];
  if (maker !== undefined) return listOrderProblems(spot, maker, `\`${artifact}\` is produced by stage \`${maker}\``);
  return [
    problemAt(source, path, {
      code: 'unknown-artifact',
      message: `No stage has \`${artifact}\` among its outputs.`,
      hint: suggestName(artifact, [...graph.makers.keys()]),
    }),
  ];
}

function listTreeProblems(spot: Spot, from: string): Problem[] {
  const order = listOrderProblems(spot, from);
  const shape = spot.graph.byId.get(from)?.shape;
  if (order.length === 0 && shape?.matrix) {
    const message = `Stage \`${from}\` is done for each item of a list and ends with a commit for each; a stage that needs it begins with all of them, joined.`;
    return [problemAt(spot.source, spot.path, { code: 'many-commits', message })];
  }
  if (order.length > 0 || shape === undefined || spot.graph.nested || endsWithCommit(shape)) return order;
  const message = `Stage \`${from}\` has no worktree, so it ends with no commit; give it \`worktree: own\`.`;
  return [problemAt(spot.source, spot.path, { code: 'no-worktree', message })];
}

function listOrderProblems({ graph, source, id, path }: Spot, other: string, what = `Stage \`${other}\` is used here`): Problem[] {
  if (!graph.byId.has(other)) return [unknownStage(graph, { source, path }, other)];
  if (graph.reach.has(id, other)) return [];
  const fix =
    other === id
      ? 'which is this one; it cannot use what it only makes itself.'
      : `but stage \`${id}\` does not wait for it; add \`${other}\` to its \`needs\`.`;
  return [problemAt(source, path, { code: 'not-needed', message: `${what}, ${fix}` })];
}

function unknownStage(graph: Graph, { source, path }: Pick<Spot, 'source' | 'path'>, name: string): Problem {
  return problemAt(source, path, {
    code: 'unknown-stage',
    message: `There is no stage \`${name}\`.`,
    hint: suggestName(name, [...graph.byId.keys()]),
  });
}

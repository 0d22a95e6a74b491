// The stages of a file as far as they can be read, so that a mistake in one hides no mistake in another.
import { parseCriterion } from '../../shared/state/gate.ts';
import { isValueName } from '../../shared/state/workflow.ts';
import type { Source, SourcePath } from '../../shared/yaml/source.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { StageShape } from './load-shape.ts';
import { listDeliberationOutputs } from './load-deliberate.ts';
import { listBranches, listCriteria } from './load-stage.ts';
import { gatheredName } from './matrix.ts';
import { Reach } from './reach.ts';

/** A stage as it stands in a file. */
export interface PlacedStage {
  source: Source;
  path: SourcePath;
  raw: unknown;
  /** Absent where the stage failed its own schema. */
  shape: StageShape | undefined;
}

/** Something that a stage names, and where. */
interface Named {
  id: string;
  path: SourcePath;
  source: Source;
}

/** A stage as far as it can be read, valid or not. */
export interface Sketch extends PlacedStage {
  index: number;
  id: string | undefined;
  /** Written as `needs`, or as the `next` of another. */
  needs: Named[];
  next: Named[];
  outputs: string[];
}

export interface Graph {
  sketches: Sketch[];
  byId: Map<string, Sketch>;
  reach: Reach;
  /** For each artifact the stages that produce it. */
  makers: Map<string, string[]>;
  inputs: readonly string[];
  /** Of them, those that are lists; absent where that is not known. */
  lists?: readonly string[];
  /** Values that stages report, and that the bindings name. */
  context: ReadonlySet<string>;
  /** Inputs that no stage has to make. */
  given: ReadonlySet<string>;
  nested: boolean;
}

/** Values that a stage is known to report: named outputs, what its gate looks at, and what its deliberation comes to. */
function listReported(shape: StageShape): string[] {
  const metrics = listCriteria(shape).flatMap((one) => {
    const text = typeof one === 'string' ? one : 'metric' in one ? one.metric : undefined;
    return (text === undefined ? undefined : parseCriterion(text)?.metric) ?? [];
  });
  const branches = listBranches(shape).flatMap(({ branch }) => branch.outputs);
  const values = [...shape.outputs, ...branches].filter(isValueName);
  return [
    ...values,
    ...metrics,
    ...(shape.next_by === undefined ? [] : [shape.next_by]),
    ...(shape.deliberate ? ['leader', 'consensus', 'votes', 'rounds'] : []),
  ];
}

/** What the file and its bindings say beside the stages. */
export interface GraphAround {
  inputs: readonly string[];
  lists?: readonly string[];
  context: ReadonlySet<string>;
  given: ReadonlySet<string>;
  nested: boolean;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []);

/** What can be read of a stage, also where it is not valid. */
export function sketchStage(placed: PlacedStage, index: number): Sketch {
  const { raw, source, path } = placed;
  const record = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  const id = record.id ?? record.stage;
  const named = (list: readonly string[], key: string): Named[] =>
    list.map((one, position) => ({ id: one, path: [...path, key, position], source }));
  const branches = placed.shape ? listBranches(placed.shape).flatMap(({ branch }) => branch.outputs) : [];
  return {
    ...placed,
    index,
    id: typeof id === 'string' ? id : undefined,
    needs: named(texts(record.needs), 'needs'),
    next: listNext(record.next, [...path, 'next'], source),
    outputs: [
      ...((placed.shape && listDeliberationOutputs(placed.shape)) ??
        texts(record.outputs).map((output) => (record.matrix === undefined ? output : gatheredName(output)))),
      ...branches,
    ],
  };
}

/** A stage of a run as others may refer to it. */
export function sketchDefinition({ id, needs, outputs }: StageDefinition, source: Source): Omit<Sketch, 'index'> {
  return {
    ...{ source, path: [], raw: {}, shape: undefined, id, next: [], outputs },
    needs: needs.map((need) => ({ id: need, path: [], source })),
  };
}

function listNext(next: unknown, path: SourcePath, source: Source): Named[] {
  if (typeof next === 'string') return [{ id: next, path, source }];
  if (Array.isArray(next))
    return next.flatMap((one: unknown, i): Named[] =>
      typeof one === 'object' && one !== null && 'to' in one
        ? listNext(one.to, [...path, i, 'to'], source)
        : listNext(one, [...path, i], source),
    );
  if (typeof next !== 'object' || next === null) return [];
  return Object.entries(next).flatMap(([key, to]) => listNext(to, [...path, key], source));
}

/** The stages and how they follow one another. */
export function buildGraph(sketches: Sketch[], around: GraphAround): Graph {
  const byId = new Map<string, Sketch>();
  const makers = new Map<string, string[]>();
  for (const sketch of sketches) {
    if (sketch.id === undefined) continue;
    if (!byId.has(sketch.id)) byId.set(sketch.id, sketch);
    for (const output of sketch.outputs) {
      const known = makers.get(output);
      if (known) known.push(sketch.id);
      else makers.set(output, [sketch.id]);
    }
  }
  for (const { id, next } of sketches)
    for (const one of next) if (id !== undefined) byId.get(one.id)?.needs.push({ id, path: one.path, source: one.source });
  const reach = new Reach(new Map([...byId].map(([id, { needs }]) => [id, needs.map((need) => need.id)])));
  const context = new Set([...around.context, ...sketches.flatMap(({ shape }) => (shape ? listReported(shape) : []))]);
  return { ...around, sketches, byId, reach, makers, context };
}

// Reads stages that somebody adds to a run, and checks them against the graph as it is: what has begun stays what it is.
import * as z from 'zod';
import { isValueName, MAX_STAGES, type StageDefinition, type WorkflowDefinition } from '../../shared/state/workflow.ts';
import {
  listShapeProblems,
  type Problem,
  problemAt,
  readSource,
  type Source,
  sortProblems,
  strictShape,
} from '../../shared/yaml/source.ts';
import { connect, type WorkflowText } from './load.ts';
import { listGraphProblems } from './load-graph.ts';
import { StageShape } from './load-shape.ts';
import { type PlacedStage, sketchDefinition } from './load-sketch.ts';
import { type Around, expandStage } from './load-stage.ts';
import { listWorkProblems } from './load-work.ts';

/** Most stages that are added at once. */
const MAX_ADDED = 100;

const ExtensionShape = strictShape({
  stages: z.array(z.unknown()).min(1, 'there is at least one stage to add').max(MAX_ADDED, `at most ${MAX_ADDED} stages are added at once`),
});

/** The definition with the added stages, and the stages that wait for one of them now. */
export type Extension =
  | { ok: true; definition: WorkflowDefinition; added: StageDefinition[]; before: string[]; existing: boolean }
  | { ok: false; problems: Problem[] };

/** Reads `stages:` of a file and puts them into a definition; `begun` are the stages that have begun. */
export function loadExtension(text: WorkflowText, definition: WorkflowDefinition, begun: ReadonlySet<string>): Extension {
  const { source, problems } = readSource(text);
  if (!source) return { ok: false, problems };
  const shape = ExtensionShape.safeParse(source.data);
  if (!shape.success) return { ok: false, problems: sortProblems([...problems, ...listShapeProblems(source, shape.error, [])]) };
  const stages = shape.data.stages.map((raw, i): PlacedStage => {
    const read = StageShape.safeParse(raw);
    if (!read.success) problems.push(...listShapeProblems(source, read.error, ['stages', i]));
    return { source, path: ['stages', i], raw, shape: read.success ? read.data : undefined };
  });
  const around: Around = { nested: false, checks: {}, bindings: undefined };
  const shapes = stages.flatMap((stage) => stage.shape ?? []);
  if (problems.length === 0 && isThere(definition, shapes, around)) return { ok: true, definition, added: [], before: [], existing: true };
  problems.push(...stages.flatMap((stage) => listWorkProblems(stage, around)));
  const inputs = Object.entries(definition.inputs);
  const lists = inputs.filter(([, { type }]) => type === 'list').map(([name]) => name);
  const known = definition.stages.map((def) => sketchDefinition(def, source));
  problems.push(
    ...listGraphProblems(
      stages,
      { inputs: inputs.map(([name]) => name), lists, given: new Set(), nested: false, context: listReportedBy(definition) },
      known,
    ),
    ...stages.flatMap((stage) => listPlaceProblems(stage, definition, begun)),
  );
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return extend(definition, shapes, around, source);
}

function extend(definition: WorkflowDefinition, shapes: readonly StageShape[], around: Around, source: Source): Extension {
  const expanded = shapes.map((stage) => expandStage(stage, around));
  const added = [...expanded.flatMap(([main]) => main ?? []), ...expanded.flatMap(([, ...rest]) => rest)];
  const count = definition.stages.length + added.length;
  if (count > MAX_STAGES) {
    const message = `With these the run has ${count} stages; ${MAX_STAGES} is the most.`;
    return { ok: false, problems: [problemAt(source, ['stages'], { code: 'too-many-stages', message })] };
  }
  const stages = connect([...definition.stages, ...added], shapes);
  const ids = new Set(added.map(({ id }) => id));
  const before = definition.stages.filter((def, i) => stages[i]?.needs.length !== def.needs.length).map(({ id }) => id);
  return { ok: true, definition: { ...definition, stages }, added: stages.filter(({ id }) => ids.has(id)), before, existing: false };
}

/** True when all of it was added before: saying it again changes nothing. */
function isThere(definition: WorkflowDefinition, shapes: readonly StageShape[], around: Around): boolean {
  const known = new Map(definition.stages.map((def) => [def.id, JSON.stringify(plain(def))]));
  return shapes.every((shape) => expandStage(shape, around).every((def) => known.get(def.id) === JSON.stringify(plain(def))));
}

/** A stage without what others made of it. */
function plain({ needs, chosenBy = [], next: _, ...def }: StageDefinition): object {
  return { ...def, needs: needs.filter((id) => !chosenBy.includes(id)) };
}

/** Nothing comes before what has begun, and nothing has the id of an item of a list. */
function listPlaceProblems(
  { raw, shape, source, path }: PlacedStage,
  { stages }: WorkflowDefinition,
  begun: ReadonlySet<string>,
): Problem[] {
  const next = shape?.next;
  const named =
    next === undefined
      ? []
      : Array.isArray(next)
        ? next.flatMap((one) => (typeof one === 'string' ? one : one.to))
        : Object.values(next).flat();
  const late = named.filter((id) => begun.has(id));
  const list = stages.find(({ id, matrix }) => matrix && new RegExp(`^${id}-[1-9][0-9]*$`).test(shape?.id ?? ''));
  const at = typeof raw === 'object' && raw !== null && 'stage' in raw ? 'stage' : 'id';
  return [
    ...late.map((id) => {
      const message = `The stage \`${id}\` has begun already, so nothing can come before it.`;
      return problemAt(source, [...path, 'next'], { code: 'begun-already', message });
    }),
    ...(list
      ? [
          problemAt(source, [...path, at], {
            code: 'duplicate-stage',
            message: `\`${shape?.id ?? ''}\` is what an item of \`${list.id}\` is called.`,
          }),
        ]
      : []),
  ];
}

/** Values that the stages so far are known to report. */
function listReportedBy({ stages }: WorkflowDefinition): ReadonlySet<string> {
  const metrics = stages.flatMap(({ criteria = [] }) => criteria.flatMap((one) => ('metric' in one ? [one.metric] : [])));
  return new Set([...stages.flatMap(({ outputs }) => outputs.filter(isValueName)), ...metrics]);
}

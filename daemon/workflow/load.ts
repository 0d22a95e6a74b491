// Reads a workflow file into a definition that is safe to run, or says everything that is wrong with it.
// Pure: the texts come as parameters. What the engine does with a definition is `advance.ts`.
import type { TriggerDefinition } from '../../shared/state/trigger-definition.ts';
import { MAX_FILE_STAGES, type StageDefinition, type WorkflowDefinition } from '../../shared/state/workflow.ts';
import {
  listShapeProblems,
  type Problem,
  problemAt,
  readSource,
  type Source,
  type SourcePath,
  sortProblems,
} from '../../shared/yaml/source.ts';
import { type Bindings, type Parts, type PlacedHandoff, readParts } from './load-bindings.ts';
import { type Caller, type OtherWorkflows, readCalls } from './load-call.ts';
import { listGraphProblems } from './load-graph.ts';
import type { PlacedStage } from './load-sketch.ts';
import { attachHandoffs, listStrangers } from './load-handoffs.ts';
import { NestedWorkflowShape, StageShape, WorkflowShape } from './load-shape.ts';
import { type Around, expandStage, listBranches } from './load-stage.ts';
import { defineSource } from './load-source.ts';
import { listTriggerProblems } from './load-triggers.ts';
import { listWorkProblems } from './load-work.ts';

export type { Problem } from '../../shared/yaml/source.ts';

/** A definition, or at least one problem, sorted by place. */
export type LoadedWorkflow =
  /** `called` are the workflows that its stages run, and theirs. */
  { ok: true; definition: WorkflowDefinition; called: WorkflowDefinition[] } | { ok: false; problems: Problem[] };

/** A text and the name under which its problems are reported. */
export interface WorkflowText {
  text: string;
  file: string;
}

interface WorkflowInputs extends WorkflowText {
  /** Files that stand beside it: bindings and handoffs. */
  parts?: readonly WorkflowText[] | undefined;
  /** The workflows that it may run. */
  others?: OtherWorkflows | undefined;
  /** Those that are being read because each runs the next. */
  callers?: readonly Caller[];
}

/** Reads, checks and normalises one workflow. */
export function loadWorkflow(input: WorkflowInputs): LoadedWorkflow {
  const { source, problems } = readSource(input);
  const parts = readParts(input.parts ?? []);
  problems.push(...parts.problems);
  if (source === undefined) return { ok: false, problems };
  const nested = isRecord(source.data) && isRecord(source.data.workflow);
  const base: SourcePath = nested ? ['workflow'] : [];
  const workflow = readWorkflow(source, nested);
  if (!workflow.success) problems.push(...listShapeProblems(source, workflow.error, base));
  const around: Around = {
    nested,
    checks: { ...parts.bindings?.shape.checks, ...(workflow.success ? workflow.data.checks : {}) },
    bindings: parts.bindings?.shape,
  };
  const stages = readStages(source, base, parts, problems);
  const called = readCalls(stages, readingOf(input, source, base));
  problems.push(...called.problems);
  around.calls = called.calls;
  problems.push(...stages.flatMap((stage) => listWorkProblems(stage, around)));
  const given = new Set(Object.keys(parts.bindings?.shape.inputs ?? {}));
  problems.push(
    ...listGraphProblems(stages, { ...listInputNames(source.data), given, nested, context: listContextNames(source.data, base, parts) }),
  );
  if (workflow.success) {
    const names = [...Object.keys(workflow.data.inputs), ...Object.keys(parts.bindings?.shape.context ?? {})];
    problems.push(
      ...listDefaultProblems(source, workflow.data.inputs),
      ...listTriggerProblems({ source, base }, workflow.data.triggers ?? [], names),
    );
  }
  if (!workflow.success || problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return finishDefinition(workflow.data, { source, stages, parts, around });
}

function readingOf(input: WorkflowInputs, source: Source, base: SourcePath): Parameters<typeof readCalls>[1] {
  const { others, callers } = input;
  const key = base.length > 0 ? 'id' : 'workflow';
  const holder = base.length > 0 && isRecord(source.data) ? source.data.workflow : source.data;
  const name = isRecord(holder) ? String(holder[key]).toLowerCase() : '';
  const load = (text: WorkflowText, through: readonly Caller[]) => loadWorkflow({ ...text, others, callers: through });
  return { others, callers: callers ?? [{ name, place: input.file }], load };
}

function readWorkflow(source: Source, nested: boolean) {
  if (!nested) return WorkflowShape.safeParse(source.data);
  return NestedWorkflowShape.safeParse((source.data as { workflow: unknown }).workflow);
}

interface Read {
  source: Source;
  stages: readonly PlacedStage[];
  parts: Parts;
  around: Around;
}

/** Everything is right by itself: stages become what the engine runs, and handoffs find who receives them. */
function finishDefinition(shape: WorkflowShape, read: Read): LoadedWorkflow {
  const { source, parts, around } = read;
  const shapes = read.stages.flatMap(({ shape: stage }) => stage ?? []);
  const expanded = shapes.map((stage) => expandStage(stage, around));
  const first = expanded.flatMap(([main]) => main ?? []);
  const stages = connect([...first, ...expanded.flatMap(([, ...rest]) => rest)], shapes);
  const { description, trigger, triggers, base, sla, inputs, handoffs } = shape;
  const bound = parts.bindings?.shape;
  const all = [...(triggers ?? []), ...listBoundSources(trigger, bound)];
  const definition: WorkflowDefinition = {
    workflow: shape.workflow,
    version: shape.version,
    ...(description === undefined ? {} : { description }),
    inputs: {
      ...inputs,
      ...Object.fromEntries(Object.entries(bound?.context ?? {}).map(([name, type]) => [name, { type, optional: true }])),
    },
    ...(trigger === undefined ? {} : { trigger: readTrigger(trigger, bound?.principals) }),
    ...(all.length === 0 ? {} : { triggers: all }),
    ...(base === undefined ? {} : { base }),
    ...(sla === undefined ? {} : { slaMs: sla }),
    stages,
  };
  const givers = new Map(shapes.flatMap(listGivers));
  const own = handoffs.map((handoff, i): PlacedHandoff => ({ shape: handoff, source, path: ['handoffs', i] }));
  const people = [...new Set([...givers.values(), ...stages.map(({ id }) => id)])];
  const attached = attachHandoffs(definition, [...own, ...parts.handoffs], { givers, checks: around.checks });
  const problems = [...own.flatMap((handoff) => listStrangers(handoff, people)), ...attached.problems];
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  const called = [...(around.calls?.values() ?? [])].flatMap((one) => [...one.called, one.definition]);
  return { ok: true, definition: { ...definition, stages: attached.stages }, called };
}

/** A source that the workflow names and the bindings define. */
function listBoundSources(trigger: TriggerShape | undefined, bound: Bindings | undefined): TriggerDefinition[] {
  const found = bound?.sources[trigger?.source ?? ''];
  if (!found) return [];
  const id = (trigger?.source ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 64);
  return [defineSource({ id, inputs: found.inputs, overlap: 'queue' }, found.source)];
}

type TriggerShape = NonNullable<WorkflowShape['trigger']>;

function readTrigger(
  trigger: TriggerShape,
  principals: Readonly<Record<string, readonly string[]>> = {},
): NonNullable<WorkflowDefinition['trigger']> {
  if (trigger.type === 'automatic') return { kind: 'source', source: trigger.source ?? '' };
  const authorized = (trigger.authorized ?? []).flatMap((name) => principals[name] ?? [name.toLowerCase()]);
  return { kind: 'manual', authorized };
}

/** Who does each stage, as the file calls them. */
function listGivers(shape: StageShape): [string, string][] {
  const branches = listBranches(shape).flatMap(({ id, branch }): [string, string][] =>
    typeof branch.agent === 'string' ? [[id, branch.agent]] : [],
  );
  return typeof shape.agent === 'string' ? [[shape.id, shape.agent], ...branches] : branches;
}

/** Turns `next` into `needs` of the stages that come next; who comes before a stage with branches comes before its branches. */
export function connect(stages: readonly StageDefinition[], shapes: readonly StageShape[]): StageDefinition[] {
  const branches = new Map(stages.flatMap(({ id, join, needs }) => (join ? [[id, needs] as const] : [])));
  for (const shape of shapes)
    branches.set(
      shape.id,
      listBranches(shape).map(({ id }) => id),
    );
  const heads = (id: string): string[] => (branches.get(id)?.length ? (branches.get(id) ?? []) : [id]);
  const routed = stages.map((stage) =>
    stage.next ? { ...stage, next: stage.next.map((one) => ({ ...one, to: one.to.flatMap(heads) })) } : stage,
  );
  const choosers = new Map<string, string[]>();
  for (const { id, next } of routed)
    for (const to of new Set(next?.flatMap((one) => one.to))) {
      const known = choosers.get(to);
      if (known) known.push(id);
      else choosers.set(to, [id]);
    }
  return routed.map((stage) => {
    const chosenBy = choosers.get(stage.id);
    if (!chosenBy) return stage;
    const needs = [...stage.needs, ...chosenBy.filter((id) => !stage.needs.includes(id))];
    return { ...stage, needs, chosenBy };
  });
}

/** The stages of the file, and of the bindings those that the file names and does not define. */
function readStages(source: Source, base: SourcePath, parts: Parts, problems: Problem[]): PlacedStage[] {
  const place = (raw: unknown, from: Source, path: SourcePath): PlacedStage => {
    const stage = StageShape.safeParse(raw);
    if (!stage.success) problems.push(...listShapeProblems(from, stage.error, path));
    return { source: from, path, raw, shape: stage.success ? stage.data : undefined };
  };
  const stages = listRawStages(source.data, base).map((raw, i) => place(raw, source, [...base, 'stages', i]));
  const { bindings } = parts;
  if (!bindings) return stages;
  const others = bindings.shape.stages.map((raw, i) => place(raw, bindings.source, ['stages', i]));
  for (const stage of stages) {
    const names = stage.shape ? JSON.stringify([stage.shape.next ?? [], stage.shape.needs]) : '';
    for (const other of others)
      if (other.shape && names.includes(`"${other.shape.id}"`) && !stages.some((one) => one.shape?.id === other.shape?.id))
        stages.push(other);
  }
  return stages;
}

function listDefaultProblems(source: Source, inputs: WorkflowDefinition['inputs']): Problem[] {
  return Object.entries(inputs).flatMap(([name, input]) => {
    const given = Array.isArray(input.default) ? 'list' : typeof input.default;
    if (input.default === undefined || given === input.type) return [];
    return [
      problemAt(source, ['inputs', name, 'default'], {
        code: 'wrong-default',
        message: `Input \`${name}\` is a ${input.type}, but its default is a ${given}.`,
      }),
    ];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listRawStages(data: unknown, base: SourcePath): unknown[] {
  const holder = isRecord(data) && base.length > 0 ? data.workflow : data;
  const stages = isRecord(holder) ? holder.stages : undefined;
  // A file with too many stages is refused anyway; its graph is not worth the time.
  return Array.isArray(stages) ? stages.slice(0, MAX_FILE_STAGES) : [];
}

/** The inputs of a workflow, and those that are lists. */
function listInputNames(data: unknown): { inputs: string[]; lists: string[] } {
  const inputs = isRecord(data) && isRecord(data.inputs) ? Object.entries(data.inputs) : [];
  const lists = inputs.filter(([, input]) => isRecord(input) && input.type === 'list');
  return { inputs: inputs.map(([name]) => name), lists: lists.map(([name]) => name) };
}

/** Values that the bindings, and the handoffs, say to be known. */
function listContextNames(data: unknown, base: SourcePath, { bindings, handoffs }: Parts): ReadonlySet<string> {
  const own = base.length === 0 && isRecord(data) && Array.isArray(data.handoffs) ? data.handoffs : [];
  const required = [...handoffs.map(({ shape }) => shape), ...own].flatMap((one: unknown) =>
    isRecord(one) && Array.isArray(one.required_context) ? one.required_context : [],
  );
  const names = required.flatMap((text: unknown) => (typeof text === 'string' ? text.replace(/(\[\])?(:.*)?$/, '').trim() : []));
  return new Set([...Object.keys(bindings?.shape.context ?? {}), ...names]);
}

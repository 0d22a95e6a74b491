import type { State } from '../../shared/state/evolve.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import {
  fillTemplate,
  listReferences,
  parseReference,
  parseWholeTemplate,
  type StageDefinition,
  type ValueReference,
  type WorkflowDefinition,
} from '../../shared/state/workflow.ts';
import type { CommandOf } from '../commands.ts';
import { chooseAgent } from './agents.ts';
import { graphOf } from './graph.ts';

/** Settings that the engine needs, in milliseconds. */
export interface EngineSettings {
  taskTimeoutMs: number;
  /** Whether an attempt goes on from one that was cut off, in the same session of its agent; absent: it begins anew. */
  resume?: 'session' | 'fresh';
}

/** One run, with all that its next steps follow from. */
export interface Place {
  state: State;
  run: Run;
  definition: WorkflowDefinition;
  settings: EngineSettings;
}

/** A run as one of its stages sees it: with the item that the stage is about. */
export type SeenRun = Run & { item?: StageDefinition['instance'] };

/** The run as a stage sees it. */
export function seenBy(run: Run, { instance }: Pick<StageDefinition, 'instance'>): SeenRun {
  return instance ? { ...run, item: instance } : run;
}

/** A field of the item; else the item itself as `value`, and its place in the list as `index`, from 1. */
function readItem({ item, index }: NonNullable<StageDefinition['instance']>, name: string): unknown {
  if (typeof item === 'object' && item !== null && !Array.isArray(item) && Object.hasOwn(item, name)) return item[name];
  return name === 'value' ? item : name === 'index' ? index : undefined;
}

/** Looks a reference up among the run's inputs and the values of its stages; `context.x` is an input, else what a stage reported last. */
export function resolveReference(state: State, run: SeenRun, reference: ValueReference): unknown {
  if (reference.stage === 'item' && run.item) return readItem(run.item, reference.value);
  if (reference.stage === 'inputs') return run.inputs[reference.value];
  if (reference.stage === 'context') return findContext(state, run, reference.value);
  const stage = stageOf(state, run.id, reference.stage);
  return stage?.values[reference.value] ?? (reference.value === 'commit' ? stage?.commit : undefined);
}

/** A value of the run's context: its input of that name, else the newest that a stage reported; undefined when nobody knows it. */
export function findContext(state: State, run: Run, name: string): unknown {
  if (Object.hasOwn(run.inputs, name)) return run.inputs[name];
  const stages = [...(state.stages.get(run.id)?.values() ?? [])];
  return stages.findLast((stage) => Object.hasOwn(stage.values, name))?.values[name];
}

/** The program and arguments of a stage's command, with its references filled in; undefined when they give no argv. */
export function resolveArgv(state: State, run: SeenRun, command: string | readonly string[]): string[] | undefined {
  if (typeof command === 'string') {
    const whole = parseWholeTemplate(command);
    const value = whole && resolveReference(state, run, whole);
    const argv = Array.isArray(value) ? value : undefined;
    return argv?.every((a): a is string => typeof a === 'string') && argv.length > 0 ? argv : undefined;
  }
  return command.map((part) => fill(state, run, part));
}

/** A template with the values of the run in it. */
export function fill(state: State, run: SeenRun, template: string): string {
  return fillTemplate(template, (reference) => {
    const value = resolveReference(state, run, reference);
    return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  });
}

/** True when the argv of the stage's command comes from what another stage found, and not from the workflow file. */
export function isFoundCommand(def: StageDefinition): boolean {
  return typeof def.command === 'string';
}

/** Id of the task, or of the run, of a stage's round; it follows from run and stage, so that it is made once. */
export function taskId(
  { run, definition }: Pick<Place, 'run' | 'definition'>,
  { instance }: StageDefinition,
  stage: Pick<Stage, 'id' | 'turn' | 'round'>,
): string {
  const { number } = graphOf(definition);
  const first = `${run.id}.${instance ? `${number.get(instance.of) ?? 0}i${instance.index}` : (number.get(stage.id) ?? 0)}`;
  const turn = stage.turn ?? 1;
  return turn === 1 && stage.round === 1 ? first : `${first}.${turn}-${stage.round}`;
}

/** The command that makes a task of an admitted stage; undefined when no agent that could do it is registered. */
export function submitStage(place: Place, def: StageDefinition, stage: Stage): CommandOf<'task/submit'> | undefined {
  const { state } = place;
  const wants = chooseAgent(state, fillSelection(place, def));
  if (wants === undefined) return undefined;
  const { artifacts, payload } = gatherTask(place, def, stage);
  const { attempts = 1, ...retry } = def.retry ?? {};
  return {
    type: 'task/submit',
    task: taskId(place, def, stage),
    run: place.run.id,
    stage: def.id,
    wants,
    action: def.action ?? ('argv' in payload ? 'run' : 'prompt' in payload ? 'prompt' : ''),
    priority: 0,
    timeoutMs: def.timeoutMs ?? 0,
    maxAttempts: attempts,
    payload,
    artifacts,
    ...(def.optional || def.onFailure?.last === 'skip' ? { critical: false as const } : {}),
    ...(def.retry === undefined ? {} : { retry: retry as NonNullable<CommandOf<'task/submit'>['retry']> }),
  };
}

/** What a selection asks for may follow from what the run knows: `component:{context.component}`. */
export function fillSelection({ state, run: plain }: Place, def: StageDefinition) {
  const { agent, select } = def;
  if (!select) return { agent };
  const run = seenBy(plain, def);
  const each = (list: string[] | undefined): string[] | undefined => list?.map((text) => fill(state, run, text));
  const role = select.role === undefined ? {} : { role: fill(state, run, select.role) };
  const capabilities = each(select.capabilities);
  const tags = each(select.tags);
  const region = select.region === undefined ? {} : { region: fill(state, run, select.region) };
  return { agent, select: { ...role, ...region, ...(capabilities ? { capabilities } : {}), ...(tags ? { tags } : {}) } };
}

/** The prompt with the run's values in it; what takes the text of artifacts is filled in when they are read. */
function promptOf(state: State, run: SeenRun, { prompt }: StageDefinition): Record<string, unknown> {
  if (prompt === undefined) return {};
  const takesText = listReferences(prompt).some(({ value }) => value === 'output');
  return takesText ? { prompt, template: true } : { prompt: fill(state, run, prompt) };
}

/** What the work of a stage is given: artifacts by name, and a payload. */
export function gatherTask({ state, run: plain, definition }: Place, def: StageDefinition, stage: Stage) {
  const run = seenBy(plain, def);
  const artifacts: Record<string, string> = {};
  const payload: Record<string, unknown> = {};
  const made = state.artifacts.get(run.id);
  for (const input of def.inputs) {
    const artifact = made?.get(input);
    const reference = parseReference(input);
    if (artifact) artifacts[input] = artifact.digest;
    else if (givenList(def, input) !== undefined) artifacts[input] = made?.get(givenList(def, input) ?? '')?.digest ?? '';
    else if (reference && !definition.stages.some((s) => s.outputs.includes(input)))
      payload[input] = resolveReference(state, run, reference) ?? null;
  }
  // Whoever does it again sees what was made before.
  for (const name of def.outputs) if (made?.get(name)?.stale) artifacts[`earlier/${name}`] = made.get(name)?.digest ?? '';
  if (def.gate) {
    payload['allowed'] = stage.results.filter((r) => r.allowed).map((r) => r.key);
    payload['refused'] = Object.fromEntries(stage.results.filter((r) => !r.allowed).map((r) => [r.key, r.reason]));
  }
  const argv = def.command === undefined ? undefined : resolveArgv(state, run, def.command);
  if (argv) payload['argv'] = argv;
  Object.assign(payload, promptOf(state, run, def));
  if (def.stdin !== undefined) payload['stdin'] = fill(state, run, def.stdin);
  if (def.env) payload['env'] = Object.fromEntries(Object.entries(def.env).map(([name, value]) => [name, fill(state, run, value)]));
  if (def.with) payload['with'] = def.with;
  if (def.instance) payload['item'] = def.instance.item;
  if (stage.feedback !== undefined) payload['feedback'] = stage.feedback;
  return { artifacts, payload };
}

/** The list that an input is a part of, where the bindings say so. */
function givenList(def: StageDefinition, input: string): string | undefined {
  const given = (def.with?.['given'] as Record<string, { list?: string }> | undefined)?.[input];
  return given?.list;
}

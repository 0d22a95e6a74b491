import type { State } from '../../shared/state/evolve.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import {
  fillTemplate,
  parseReference,
  parseWholeTemplate,
  type StageDefinition,
  type ValueReference,
  type WorkflowDefinition,
} from '../../shared/state/workflow.ts';
import type { CommandOf } from '../commands.ts';

/** Settings that the engine needs, in milliseconds. */
export interface EngineSettings {
  taskTimeoutMs: number;
}

/** One run, with all that its next steps follow from. */
export interface Place {
  state: State;
  run: Run;
  definition: WorkflowDefinition;
  settings: EngineSettings;
}

/** Looks a reference up among the run's inputs and the values of its stages. */
export function resolveReference(state: State, run: Run, reference: ValueReference): unknown {
  if (reference.stage === 'inputs') return run.inputs[reference.value];
  const stage = stageOf(state, run.id, reference.stage);
  return stage?.values[reference.value] ?? (reference.value === 'commit' ? stage?.commit : undefined);
}

/** The program and arguments of a stage's command, with its references filled in; undefined when they give no argv. */
export function resolveArgv(state: State, run: Run, command: string | readonly string[]): string[] | undefined {
  if (typeof command === 'string') {
    const whole = parseWholeTemplate(command);
    const value = whole && resolveReference(state, run, whole);
    const argv = Array.isArray(value) ? value : undefined;
    return argv?.every((a): a is string => typeof a === 'string') && argv.length > 0 ? argv : undefined;
  }
  return command.map((part) => fill(state, run, part));
}

function fill(state: State, run: Run, template: string): string {
  return fillTemplate(template, (reference) => {
    const value = resolveReference(state, run, reference);
    return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  });
}

/** True when the argv of the stage's command comes from what another stage found, and not from the workflow file. */
export function isFoundCommand(def: StageDefinition): boolean {
  return typeof def.command === 'string';
}

/** The command that makes a task of an admitted stage. Its id follows from run and stage, so that it is made once. */
export function submitStage({ state, run, definition }: Place, def: StageDefinition, stage: Stage): CommandOf<'task/submit'> {
  const artifacts: Record<string, string> = {};
  const payload: Record<string, unknown> = {};
  const made = state.artifacts.get(run.id);
  for (const input of def.inputs) {
    const artifact = made?.get(input);
    const reference = parseReference(input);
    if (artifact) artifacts[input] = artifact.digest;
    else if (reference && !definition.stages.some((s) => s.outputs.includes(input)))
      payload[input] = resolveReference(state, run, reference) ?? null;
  }
  if (def.gate) {
    payload['allowed'] = stage.results.filter((r) => r.allowed).map((r) => r.key);
    payload['refused'] = Object.fromEntries(stage.results.filter((r) => !r.allowed).map((r) => [r.key, r.reason]));
  }
  const argv = def.command === undefined ? undefined : resolveArgv(state, run, def.command);
  if (argv) payload['argv'] = argv;
  if (def.prompt !== undefined) payload['prompt'] = fill(state, run, def.prompt);
  if (def.stdin !== undefined) payload['stdin'] = fill(state, run, def.stdin);
  if (def.env) payload['env'] = Object.fromEntries(Object.entries(def.env).map(([name, value]) => [name, fill(state, run, value)]));
  return {
    type: 'task/submit',
    task: `${run.id}.${definition.stages.indexOf(def)}`,
    run: run.id,
    stage: def.id,
    wants: def.agent ?? '',
    action: def.action ?? (argv ? 'run' : def.prompt === undefined ? '' : 'prompt'),
    priority: 0,
    timeoutMs: def.timeoutMs ?? 0,
    maxAttempts: 1,
    payload,
    artifacts,
  };
}

/**
 * What follows from what was recorded: the next steps of runs, assignments, and effects. Everything that it decides
 * goes back to the coordinator's queue; effects start from recorded events only.
 */
import type { Event } from '../../shared/events/envelope.ts';
import type { Recorded, State } from '../../shared/state/evolve.ts';
import { othersInto } from '../../shared/state/merge-turn.ts';
import { stageOf } from '../../shared/state/select.ts';
import { runEnded, type Run } from '../../shared/state/run.ts';
import type { Command, CommandResult } from '../commands.ts';
import { assignPending, retryHeld } from '../scheduler/schedule.ts';
import { advanceRun } from '../workflow/advance.ts';
import type { EngineSettings } from '../workflow/submit.ts';
import { startAttempts, type Attempts } from './attempts.ts';
import type { Coordinator } from './coordinator.ts';
import { tallyRound } from './deliberate.ts';
import { expandStage } from './expand.ts';
import { judgeStage } from './judge.ts';
import { performMerge, performUndo } from './merges.ts';
import { createPermissions } from './permissions.ts';
import type { Ports } from './ports.ts';
import { prepareStage } from './prepare.ts';
import { type RemoteCalls, startRemoteCalls } from './remote-calls.ts';

export interface Reactor {
  /** Takes up what a restart left: preparations, merges and undos that were under way, tasks that wait. */
  resume(): void;
  /** Answers a call of an attempt that a worker does. */
  callFrom: RemoteCalls['call'];
  /** Looks at the tasks again that the policy does not let go yet. */
  retryHeld(): void;
  /** From now on nothing new is started; ends what runs within `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

/** What an effect may do: read the state and put commands on the queue. */
export interface EffectContext {
  ports: Ports;
  settings: EngineSettings;
  state: State;
  /** Puts a command on the queue; a refusal is logged, since nobody else would hear of it. `principal` is the daemon unless said. */
  tell(command: Command, cause: string, principal?: string): Promise<CommandResult>;
}

/** What may let a task go that was held. */
const FREES = /^(attempt\.ended|policy\.loaded|agent\.ready|approval\.(granted|denied|expired))$/;

/** Lets the coordinator's record drive runs, agents and branches. */
export function createReactor(coordinator: Coordinator, ports: Ports, settings: EngineSettings, newId: () => string): Reactor {
  const { state } = coordinator;
  let draining = false;

  const tell = async (command: Command, cause: string, principal = 'daemon'): Promise<CommandResult> => {
    const result = await coordinator.submit(command, { principal, cause });
    if (!result.ok) ports.log('command.refused', { command: command.type, cause, ...result.refusal });
    return result;
  };
  const context: EffectContext = { ports, settings, state, tell };
  const permissions = createPermissions(context);
  const remoteCalls = startRemoteCalls(context, permissions);
  const attempts = startAttempts(context, permissions);

  const advance = (id: string, cause: string, touched?: ReadonlySet<string>): void => {
    const run = state.runs.get(id);
    const definition = run && ports.definitionOf(run.workflow.digest);
    if (!run || runEnded(run)) return;
    if (!definition) return loadFor(ports, run, () => advance(id, cause));
    for (const command of advanceRun(state, run, definition, { ...settings, touched })) void tell(command, cause);
  };
  coordinator.followWith((tentative) => (draining ? [] : assignPending(tentative, newId)));
  let turn = 0;
  const retry = (): void => {
    if (draining || state.pending.size === 0) return;
    turn += 1;
    // Not with `tell`: that an agent has no slot left for it is no news.
    for (const command of retryHeld(state, newId, turn)) void coordinator.submit(command, { principal: 'daemon', cause: 'held' });
  };
  const react = (commits: readonly Recorded[]): void => {
    const { runs, freed } = readTouched(state, commits);
    for (const { events } of commits)
      for (const { type, attempt } of events) if (type === 'attempt.ended') remoteCalls.forget(attempt ?? '');
    if (!draining) for (const { events } of commits) for (const event of events) startEffect(event, context, attempts);
    if (freed) retry();
    if (!draining) for (const [run, { cause, stages, whole }] of runs) advance(run, cause, whole ? undefined : stages);
  };
  coordinator.onRecorded(react);

  return {
    resume() {
      for (const run of state.runs.values()) resumeRun(context, run);
      for (const run of state.runs.values()) advance(run.id, 'restart');
      for (const command of assignPending(state, newId)) void tell(command, 'restart');
    },
    callFrom: remoteCalls.call,
    retryHeld: retry,
    async drain(graceMs) {
      draining = true;
      await attempts.drain(graceMs);
    },
  };
}

/** Of a run that another one started the definition may not be in memory yet. */
function loadFor(ports: Ports, { id, workflow }: Run, then: () => void): void {
  void ports.loadDefinition(workflow.digest).then(then, (error: unknown) => ports.log('definition.unreadable', { run: id, error }));
}

/** What the commits are about: the runs that may go on, and whether a task that was held may. */
function readTouched(state: State, commits: readonly Recorded[]): { runs: Map<string, Touched>; freed: boolean } {
  const runs = new Map<string, Touched>();
  let freed = false;
  for (const event of commits.flatMap(({ events }) => events)) {
    if (event.run !== undefined) runs.set(event.run, touch(runs.get(event.run), event));
    const parent = event.stage === undefined ? state.runs.get(event.run ?? '')?.parent : undefined;
    if (parent) runs.set(parent.run, touch(runs.get(parent.run), { ...event, ...parent }));
    for (const other of wakeMerges(state, event)) runs.set(other.id, { cause: event.id, stages: new Set(), whole: true });
    freed ||= FREES.test(event.type);
  }
  return { runs, freed };
}

/** A merge has ended: the runs that may have waited for their turn. */
function wakeMerges(state: State, event: Event): Run[] {
  if (!/^stage\.(completed|failed|skipped|canceled)$/.test(event.type)) return [];
  const run = state.runs.get(event.run ?? '');
  return run && stageOf(state, run.id, event.stage ?? '')?.merges === true ? othersInto(state, run) : [];
}

/** What happened to a run: the stages that it was about, or all of it. */
interface Touched {
  cause: string;
  stages: Set<string>;
  whole: boolean;
}

/** Events of a run that change nothing about which stages may go on. */
const NO_STEP = new Set<Event['type']>(['run.waiting', 'run.continued', 'run.submitted']);

function touch(before: Touched | undefined, event: Event): Touched {
  const stages = before?.stages ?? new Set();
  if (event.stage !== undefined) stages.add(event.stage);
  const alone = event.stage === undefined && !NO_STEP.has(event.type);
  const whole = (before?.whole ?? false) || alone || event.type === 'run.returned';
  return { cause: event.id, stages, whole };
}

/** Starts again what the last daemon had under way for a run, other than attempts. */
function resumeRun(context: EffectContext, run: Run): void {
  if (run.merge?.state === 'undoing') void performUndo(context, run.id, 'restart');
  if (runEnded(run)) return;
  if (run.merge?.state === 'started') void performMerge(context, run.id, 'restart');
  for (const stage of context.state.stages.get(run.id)?.values() ?? []) {
    if (stage.status === 'deciding' && !stage.decided) void prepareStage(context, run.id, stage.id, 'restart');
    if (stage.status === 'admitted') void expandStage(context, run.id, stage.id, 'restart');
    if (stage.status === 'checking') void judgeStage(context, run.id, stage.id, 'restart');
    if (stage.status === 'running' && stage.deliberation) void tallyRound(context, run.id, stage.id, 'restart');
  }
}

function startEffect(event: Event, context: EffectContext, attempts: Attempts): void {
  switch (event.type) {
    case 'stage.started':
      void prepareStage(context, event.run ?? '', event.stage ?? '', event.id);
      return;
    case 'stage.admitted':
      void expandStage(context, event.run ?? '', event.stage ?? '', event.id);
      return;
    case 'stage.checking':
      void judgeStage(context, event.run ?? '', event.stage ?? '', event.id);
      return;
    case 'task.completed':
    case 'task.failed':
    case 'task.timeout':
    case 'task.canceled':
      noteEnded(event, context);
      return;
    case 'stage.deliberating':
      // With nobody to ask the round is over at once.
      void tallyRound(context, event.run ?? '', event.stage ?? '', event.id);
      return;
    case 'task.assigned':
      void attempts.start(event.task ?? '', event.attempt ?? '', event.id);
      return;
    case 'task.cancel_requested':
      void attempts.cancel(event.attempt ?? '', event.data.reason);
      return;
    case 'attempt.ended':
      void attempts.forget(event.attempt ?? '', event.data.status);
      return;
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired':
    case 'approval.voided':
      attempts.answered(event.data.approval);
      return;
    case 'workspace.merge_started':
      void performMerge(context, event.run ?? '', event.id);
      return;
    case 'workspace.undo_started':
      void performUndo(context, event.run ?? '', event.id);
      return;
    default:
  }
}

/** What belongs to a stage has ended and is not its own work. */
function noteEnded(event: Event, context: EffectContext): void {
  const { run = '', stage = '' } = event;
  const part = context.state.tasks.get(event.task ?? '')?.part;
  if (part === 'check') void judgeStage(context, run, stage, event.id);
  if (part === 'deliberate') void tallyRound(context, run, stage, event.id);
}

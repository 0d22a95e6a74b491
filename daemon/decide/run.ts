import type { Correlation, NewEvent } from '../../shared/events/envelope.ts';
import { approvalsOf, childrenOf, openTasksOf, stageOf } from '../../shared/state/select.ts';
import type { State } from '../../shared/state/evolve.ts';
import { RUN_TABLE, runEnded, type Answering, type Continued, type Run, type RunStatus } from '../../shared/state/run.ts';
import { mayMove } from '../../shared/state/table.ts';
import type { CommandOf } from '../commands.ts';
import { settleAll } from './approval.ts';
import { event, isRefusal, later, ofRun, refuse, type Context, type Verdict } from './context.ts';
import { cancelEvents } from './task.ts';
import { decideStart, settleStart } from './trigger.ts';

const gone = (id: string) => refuse('not_found', `There is no run ${id}.`, { run: id });

/** A run with this id is started once; the same workflow runs once at a time on a repository unless asked for again. */
export function startRun(state: State, command: CommandOf<'run/start'>, context: Context): Verdict {
  const known = state.runs.get(command.run);
  if (known) {
    const same = known.workflow.digest === command.workflow.digest && known.repo === command.repository?.repo;
    return same ? [] : refuse('id_taken', `The id ${command.run} belongs to another run.`, { run: command.run });
  }
  const busy = command.continues && findUser(state, command.continues);
  if (busy !== undefined) {
    const text = `Run ${busy} is at work in that worktree. Wait for its end, or cancel it.`;
    return refuse('invalid_transition', text, { run: busy });
  }
  const active = command.again ? undefined : findSame(state, command);
  if (active) {
    const text = `${command.workflow.name} is already running there, as ${active.id}.`;
    return refuse('run_active', text, { run: active.id, submittedAt: active.submittedAt, status: active.status });
  }
  const parent = state.runs.get(command.parent?.run ?? '');
  if (command.parent && stageOf(state, command.parent.run, command.parent.stage)?.status !== 'admitted') return [];
  const { repo, ...where } = command.repository ?? {};
  const of = { ...(repo === undefined ? {} : { repo }), run: command.run };
  const { workflow, inputs, startedBy, continues, inherited } = command;
  const { stages: _, artifacts: __, ...goesOn } = inherited ?? {};
  const more = {
    ...answeringOf(command, context),
    ...fromParent(command, parent),
    ...(startedBy === undefined ? {} : { startedBy }),
    ...(continues === undefined ? {} : { continues }),
    ...goesOn,
  };
  const submitted = event('run.submitted', `run/${command.run}`, of, { workflow, inputs, ...where, ...more });
  const started = decideStart(state, command, submitted, context);
  return isRefusal(started) ? started : [...started, ...takeOver(command, of)];
}

/** What had ended in the run that this one goes on from, and what that had made. */
function takeOver({ run, inherited }: CommandOf<'run/start'>, of: Correlation): NewEvent[] {
  const stream = `run/${run}`;
  return [
    ...(inherited?.stages ?? []).map(({ id, ...ended }) => event('stage.inherited', stream, { ...of, stage: id }, ended)),
    ...(inherited?.artifacts ?? []).map(({ stage, digest, name, size, mediaType }) => {
      const about = { ...of, ...(stage === '' ? {} : { stage }), artifact: digest };
      return event('artifact.recorded', stream, about, { name, digest, size, mediaType });
    }),
  ];
}

/** Who started the run whose stage it is said what becomes of the questions. */
function fromParent({ parent }: CommandOf<'run/start'>, run: Run | undefined): { parent?: Run['parent'] & object; answering?: Answering } {
  return parent ? { parent, ...(run?.answering === undefined ? {} : { answering: run.answering }) } : {};
}

/** The same for each run that does the work of its stages. */
function withChildren(state: State, run: Run, make: (run: Run) => NewEvent[]): NewEvent[] {
  return [run, ...childrenOf(state, run.id)].flatMap(make);
}

/** Ends the runs that do the work of a run's stages. */
export function cancelChildren(state: State, run: string, reason: string, stage?: string): NewEvent[] {
  return childrenOf(state, run)
    .filter((one) => one.cancelReason === undefined && one.parent?.run === run && (stage === undefined || one.parent.stage === stage))
    .map((one) => event('run.cancel_requested', `run/${one.id}`, ofRun(one), { reason }));
}

function answeringOf({ answering }: CommandOf<'run/start'>, context: Context): { answering?: Answering } {
  if (!answering || (answering.mode === 'ask' && answering.deadlineMs === undefined)) return {};
  const { mode, deadlineMs } = answering;
  return { answering: { mode, ...(deadlineMs === undefined ? {} : { until: later(context, deadlineMs) }) } };
}

/** The run that uses a worktree, or is about to. */
function findUser(state: State, { path }: Continued): string | undefined {
  const there = [...state.attempts.values()].filter(({ workspace }) => workspace?.path === path);
  const placed = there.find(({ endedAt }) => endedAt === undefined);
  if (placed) return placed.run ?? placed.task;
  // One that has worked there waits for something else by now, for instance for its merge.
  const hasWorked = ({ id }: Run): boolean => there.some(({ run, status }) => run === id && status !== 'interrupted');
  return [...state.runs.values()].find((run) => !runEnded(run) && run.continues?.path === path && !hasWorked(run))?.id;
}

function findSame(state: State, command: CommandOf<'run/start'>): Run | undefined {
  if (!command.repository) return undefined;
  const { repo, into } = command.repository;
  for (const run of state.runs.values())
    if (!runEnded(run) && run.repo === repo && run.workflow.name === command.workflow.name && run.into === into) return run;
  return undefined;
}

function step(state: State, id: string, to: RunStatus, make: (run: Run) => NewEvent[]): Verdict {
  const run = state.runs.get(id);
  if (!run) return gone(id);
  if (run.status === to) return [];
  if (!mayMove(RUN_TABLE, run.status, to))
    return refuse('invalid_transition', `A run that is ${run.status} cannot become ${to}.`, { run: id });
  return make(run);
}

export function beginRun(state: State, command: CommandOf<'run/begin'>): Verdict {
  return step(state, command.run, 'running', (run) => {
    const { begins, events } = settleStart(state, run);
    return begins ? [...events, event('run.started', `run/${run.id}`, ofRun(run), {})] : events;
  });
}

export function waitForApproval(state: State, command: CommandOf<'run/wait'>): Verdict {
  return step(state, command.run, 'waiting_approval', (run) => [
    event('run.waiting', `run/${run.id}`, ofRun(run), { approvals: command.approvals }),
  ]);
}

export function continueRun(state: State, command: CommandOf<'run/continue'>): Verdict {
  return step(state, command.run, 'running', (run) => [event('run.continued', `run/${run.id}`, ofRun(run), {})]);
}

/** Nothing new is started until somebody resumes the run; what is under way comes to its end. */
export function pauseRun(state: State, command: CommandOf<'run/pause'>): Verdict {
  const { by, reason } = command;
  return step(state, command.run, 'paused', (run) =>
    withChildren(state, run, (one) =>
      one.id === run.id || mayMove(RUN_TABLE, one.status, 'paused')
        ? [event('run.paused', `run/${one.id}`, ofRun(one), { by, reason })]
        : [],
    ),
  );
}

export function resumeRun(state: State, command: CommandOf<'run/resume'>): Verdict {
  const run = state.runs.get(command.run);
  if (!run) return gone(command.run);
  if (run.status !== 'paused') return [];
  return withChildren(state, run, (one) =>
    one.status === 'paused' ? [event('run.resumed', `run/${one.id}`, ofRun(one), { by: command.by })] : [],
  );
}

/** Goes back to a stage: what is under way of the stages that are done again is ended, and their questions are withdrawn. */
export function returnRun(state: State, command: CommandOf<'run/return'>): Verdict {
  const run = state.runs.get(command.run);
  if (!run) return gone(command.run);
  if (run.cancelReason !== undefined || run.status === 'success' || run.status === 'canceled')
    return refuse('run_ended', `The run is over, or ending (${run.status}).`, { run: run.id, status: run.status });
  const { from, to, stages, code, feedback, by, told } = command;
  const again = new Set(stages);
  const merged = run.merge !== undefined && run.merge.state !== 'failed';
  if (merged) return refuse('invalid_transition', 'The run has merged already; start a new one, or undo the merge.', { run: run.id });
  const open = approvalsOf(state, run.id).filter((a) => again.has(a.stage ?? '') && (a.status === 'pending' || a.status === 'granted'));
  const reason = `The run went back to ${to}.`;
  const voided = open.map((a) => {
    const of = ofRun(run, a.stage);
    return a.status === 'pending'
      ? event('approval.voided', `approval/${a.id}`, of, { approval: a.id, reason })
      : event('approval.lapsed', `approval/${a.id}`, of, { approval: a.id, reason });
  });
  const tasks = openTasksOf(state, run.id);
  const ended = stages.flatMap((id) => [
    ...(tasks.get(id) ?? []).flatMap((task) => cancelEvents(state, task, reason)),
    ...cancelChildren(state, run.id, reason, id),
  ]);
  return [
    ...voided,
    ...ended,
    event('run.returned', `run/${run.id}`, ofRun(run, from), { from, to, stages, code, feedback, by, ...(told ? { told } : {}) }),
  ];
}

/** Asks that the run end; it has ended when nothing of it runs any more. */
export function cancelRun(state: State, command: CommandOf<'run/cancel'>): Verdict {
  const run = state.runs.get(command.run);
  if (!run) return gone(command.run);
  if (runEnded(run)) return refuse('run_ended', `The run has ended already (${run.status}).`, { run: run.id, status: run.status });
  if (run.cancelReason !== undefined) return [];
  return [event('run.cancel_requested', `run/${run.id}`, ofRun(run), { reason: command.reason || 'asked to cancel' })];
}

/** Ends a run; questions that nobody answered are withdrawn, grants that nobody used lapse. */
export function finishRun(state: State, command: CommandOf<'run/finish'>, _context: Context): Verdict {
  const { status, code, summary } = command;
  return step(state, command.run, status, (run) => {
    const of = ofRun(run);
    const stream = `run/${run.id}`;
    const end =
      status === 'success'
        ? event('run.succeeded', stream, of, { summary })
        : status === 'failure'
          ? event('run.failed', stream, of, { code, summary })
          : event('run.canceled', stream, of, { summary });
    return [...settleAll(approvalsOf(state, run.id), 'The run ended.'), end];
  });
}

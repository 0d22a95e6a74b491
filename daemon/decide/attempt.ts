import { MAX_FIELD_BYTES, type NewEvent } from '../../shared/events/envelope.ts';
import { ATTEMPT_TABLE } from '../../shared/state/attempt.ts';
import type { State } from '../../shared/state/evolve.ts';
import { approvalsOf } from '../../shared/state/select.ts';
import { mayMove } from '../../shared/state/table.ts';
import type { Task } from '../../shared/state/task.ts';
import { answerFailure, waitBefore } from '../../shared/state/failure.ts';
import type { AttemptEnding, CommandOf, Used } from '../commands.ts';
import { settleTaskApprovals } from './approval.ts';
import { event, later, ofTask, refuse, type Context, type Verdict } from './context.ts';
import { switchBreaker } from './breaker.ts';
import { holdLease, ofAttempt, type Lease } from './lease.ts';
import { cancelChildren } from './task.ts';

/** A task whose attempts were cut off so often is not tried again: it may be what brings the daemon down. */
const MAX_TOKENS = 10;

/** The attempt's process runs. */
export function runAttempt(state: State, command: CommandOf<'attempt/run'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  if (lease.attempt.status === 'running') return [];
  const { pid, startTime, enforcement } = command;
  const data = {
    ...(pid === undefined ? {} : { pid }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(enforcement === undefined ? {} : { enforcement }),
  };
  const of = ofAttempt(lease);
  return [event('attempt.running', `attempt/${lease.attempt.id}`, of, data), event('task.running', `task/${lease.task.id}`, of, {})];
}

export function placeAttempt(state: State, command: CommandOf<'attempt/workspace'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const { path, branch, base, home } = command;
  const placed = { path, branch, base, ...(home === undefined ? {} : { home }) };
  return [event('workspace.created', `attempt/${lease.attempt.id}`, ofAttempt(lease), placed)];
}

/** A commit that the attempt made; the grant that allowed it is used with it. */
export function commitAttempt(state: State, command: CommandOf<'attempt/commit'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const { key, commit, summary } = command;
  if (lease.attempt.commits.some((c) => c.key === key)) return [];
  const made = event('attempt.committed', `attempt/${lease.attempt.id}`, ofAttempt(lease), { key, commit, summary });
  return [...useGrants(state, lease.task, key), made];
}

/** What the audit of an attempt found. */
export function findInAttempt(state: State, command: CommandOf<'attempt/find'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const { paths, message, ...rest } = command.finding;
  const finding = { ...rest, paths: paths.slice(0, 50).map((path) => path.slice(0, 500)), message: message.slice(0, 2_000) };
  return [event('agent.rogue_edit', `attempt/${lease.attempt.id}`, ofAttempt(lease), finding)];
}

/** A tool call of the attempt's agent is over. */
export function callInAttempt(state: State, command: CommandOf<'attempt/call'>): Verdict {
  const lease = holdLease(state, command);
  return 'code' in lease ? lease : [event('agent.tool_called', `attempt/${lease.attempt.id}`, ofAttempt(lease), command.call)];
}

/** The attempt's agent has a session. */
export function openSession(state: State, command: CommandOf<'attempt/session'>): Verdict {
  const lease = holdLease(state, command);
  return 'code' in lease ? lease : [event('agent.session_opened', `attempt/${lease.attempt.id}`, ofAttempt(lease), command.session)];
}

/** The attempt's agent said what it means to do. */
export function planAttempt(state: State, command: CommandOf<'attempt/plan'>): Verdict {
  const lease = holdLease(state, command);
  return 'code' in lease ? lease : [event('agent.planned', `attempt/${lease.attempt.id}`, ofAttempt(lease), command.plan)];
}

/** Values that the attempt's agent reported; all of them together stay small, since the record holds them. */
export function reportValues(state: State, command: CommandOf<'attempt/report'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const { attempt } = lease;
  const values = Object.fromEntries(Object.entries(command.values).filter(([name, value]) => !isSame(attempt.reported?.[name], value)));
  if (Object.keys(values).length === 0) return [];
  const bytes = new TextEncoder().encode(JSON.stringify({ ...attempt.reported, ...values })).length;
  if (bytes > MAX_FIELD_BYTES)
    return refuse('commit_too_large', `All that one attempt reports may have ${MAX_FIELD_BYTES} bytes; this would make it ${bytes}.`, {
      bytes,
    });
  return [event('attempt.reported', `attempt/${attempt.id}`, ofAttempt(lease), { values })];
}

const isSame = (before: unknown, now: unknown): boolean => before !== undefined && JSON.stringify(before) === JSON.stringify(now);

/** Tool calls of which only the number is recorded. */
export function omitCalls(state: State, command: CommandOf<'attempt/omit-calls'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  return [event('agent.tool_calls_omitted', `attempt/${lease.attempt.id}`, ofAttempt(lease), { calls: command.calls })];
}

/** What an attempt used since it was last told. */
export function useAttempt(state: State, command: CommandOf<'attempt/use'>): Verdict {
  const lease = holdLease(state, command);
  return 'code' in lease ? lease : [reportUse(lease, command.usage)];
}

function reportUse(lease: Lease, usage: Used): NewEvent {
  return event('usage.reported', `attempt/${lease.attempt.id}`, ofAttempt(lease), usage);
}

/** Uses what the task's stage was granted before it began; what its attempts ask for themselves is used as it comes. */
function useGrants(state: State, task: Task, key: string | undefined): NewEvent[] {
  if (task.run === undefined) return [];
  const mine = approvalsOf(state, task.run).filter(
    (a) => a.stage === task.stage && a.task === undefined && a.status === 'granted' && (key === undefined || a.key === key),
  );
  return mine.map((a) => event('approval.used', `approval/${a.id}`, ofTask(task), { approval: a.id }));
}

/** What a check of a stage's work uses is its own question, and not what the stage itself was granted; undefined for everything else. */
function keyOfPart({ id, part }: Task): string | undefined {
  return part === 'check' ? `check:${/\.check-(\d+)$/.exec(id)?.[1] ?? ''}` : undefined;
}

/**
 * Ends an attempt and says what becomes of its task. A grant is used by an attempt that came to an end of its own;
 * one that was interrupted leaves it, so that the next attempt need not ask again.
 */
export function endAttempt(state: State, command: CommandOf<'attempt/end'>, context: Context): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const { attempt, task } = lease;
  const { values: _, usage, ...how } = command.ending;
  const of = ofAttempt(lease);
  const began: NewEvent[] = [];
  if (how.status === 'succeeded' && attempt.status === 'starting') {
    began.push(event('attempt.running', `attempt/${attempt.id}`, of, {}), event('task.running', `task/${task.id}`, of, {}));
  } else if (!mayMove(ATTEMPT_TABLE, attempt.status, how.status)) {
    return refuse('invalid_transition', `An attempt that is ${attempt.status} cannot become ${how.status}.`, { attempt: attempt.id });
  }
  if (usage) began.push(reportUse(lease, usage));
  const ended = event('attempt.ended', `attempt/${attempt.id}`, of, how);
  const used = how.status === 'interrupted' || how.status === 'canceled' ? [] : useGrants(state, task, keyOfPart(task));
  const ending = { ...command.ending, values: { ...attempt.reported, ...command.ending.values } };
  const after = afterAttempt(task, ending, state.agents.get(attempt.agent)?.breaker?.state === 'open', context);
  // What its agent had others do ends with it; a task that is tried again finds it as it stands.
  const over = after.type === 'task.requeued' ? [] : [...settleTaskApprovals(state, task), ...cancelChildren(state, task)];
  return [...began, ended, ...used, ...over, after, ...switchBreaker(state, lease, how, context)];
}

function requeue(task: Task, { code, message }: { code: string; message: string }, failures: number, context: Context): NewEvent {
  const notBefore = later(context, waitBefore(code, task.retry, failures, context.random()));
  return event('task.requeued', `task/${task.id}`, ofTask(task), { reason: message, failures, notBefore });
}

function afterAttempt(task: Task, ending: AttemptEnding, open: boolean, context: Context): NewEvent {
  const stream = `task/${task.id}`;
  const of = ofTask(task);
  const message = ending.message ?? '';
  if (task.cancelReason !== undefined && ending.status !== 'succeeded')
    return event('task.canceled', stream, of, { reason: task.cancelReason });
  switch (ending.status) {
    case 'succeeded':
      return event('task.completed', stream, of, { values: ending.values });
    case 'canceled':
      return event('task.canceled', stream, of, { reason: message || 'canceled' });
    case 'interrupted': {
      const code = 'interrupted_too_often';
      if (task.token >= MAX_TOKENS)
        return event('task.failed', stream, of, { code, message: `${MAX_TOKENS} attempts were cut off: ${message}`, deadLetter: true });
      return event('task.requeued', stream, of, { reason: message || 'interrupted', failures: task.failures });
    }
    case 'failed':
    case 'timeout': {
      const failures = task.failures + 1;
      const code = ending.code ?? (ending.status === 'timeout' ? 'task_timeout' : 'failed');
      const critical = task.critical !== false;
      const answer = answerFailure({ open, code, on: task.retry?.on, failures, attempts: task.maxAttempts, critical });
      if (answer === 'retry') return requeue(task, { code, message }, failures, context);
      const how = { deadLetter: task.run === undefined && critical, answer };
      if (ending.status === 'timeout') return event('task.timeout', stream, of, { message, ...how });
      return event('task.failed', stream, of, { code: ending.code ?? 'failed', message, ...how });
    }
  }
}

/** What became of the worktree of an attempt that has ended. */
export function leaveWorkspace(state: State, command: CommandOf<'workspace/leave'>): Verdict {
  const attempt = state.attempts.get(command.attempt);
  const task = state.tasks.get(attempt?.task ?? '');
  if (!attempt || !task) return refuse('not_found', `There is no attempt ${command.attempt}.`, { attempt: command.attempt });
  const of = ofAttempt({ attempt, task });
  const { path, kept } = command;
  if (kept !== '') return [event('workspace.kept', `attempt/${attempt.id}`, of, { path, reason: kept })];
  return [event('workspace.removed', `attempt/${attempt.id}`, of, { path })];
}

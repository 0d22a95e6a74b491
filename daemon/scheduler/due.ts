import { dueAt, type Approval } from '../../shared/state/approval.ts';
import type { Escalation } from '../../shared/state/action.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Command } from '../commands.ts';
import { listHeldUp } from './held-up.ts';
import { listLate } from './late.ts';
import { listOverRounds } from './rounds.ts';

/** An adapter ends its attempt at the timeout; what is still there so much later is given up, in milliseconds. */
const GRACE_MS = 30_000;

/** What time has brought about by `now` (milliseconds since 1970): questions that wait, tasks that have waited long enough, attempts past their lease. */
export function listDue(state: State, now: number, reminders: readonly number[], escalation: readonly Escalation[] = []): Command[] {
  const asked = [...state.asked].flatMap((id): Command[] => {
    const approval = state.approvals.get(id);
    return approval ? listDueOf(approval, now, reminders) : [];
  });
  const rested = [...state.pending]
    .filter((id) => Date.parse(state.tasks.get(id)?.notBefore ?? '') <= now)
    .map((task): Command => ({ type: 'task/wake', task }));
  const trials = [...state.agents.values()]
    .filter(({ breaker }) => breaker?.state === 'open' && Date.parse(breaker.until ?? '') <= now)
    .map(({ id: agent }): Command => ({ type: 'agent/breaker', agent, to: 'half_open', by: '' }));
  return [
    ...asked,
    ...rested,
    ...trials,
    ...listLate(state, now),
    ...listOverRounds(state, now),
    ...listHeldUp(state, now, escalation),
    ...listOverdue(state, now),
  ];
}

/** The deadline first; else the highest level whose time has come, and one reminder for all that are due. `reminders` are fractions of a person's time. */
function listDueOf(approval: Approval, now: number, reminders: readonly number[]): Command[] {
  const { id, expiresAt, escalate = [] } = approval;
  const end = Date.parse(expiresAt);
  if (end <= now) return [{ type: 'approval/expire', approval: id }];
  const reached = escalate.filter((step) => dueAt(approval, step.afterMs) <= now && step.level > (approval.level ?? 3));
  // A person's time begins when a person is asked.
  const start = dueAt(approval, escalate.at(-1)?.afterMs ?? 0);
  const count = reminders.filter((part) => start + part * (end - start) <= now).length;
  return [
    ...reached.map(({ level }): Command => ({ type: 'approval/escalate', approval: id, level })),
    ...(count > (approval.reminders ?? 0) ? [{ type: 'approval/remind', approval: id, count } as const] : []),
  ];
}

function listOverdue(state: State, now: number): Command[] {
  // The time that it waits for a person is given back with the answer.
  const waiting = new Set([...state.asked].map((id) => state.approvals.get(id)?.attempt));
  const due: Command[] = [];
  // Each second, over all that is active: nothing is made for what is not due, and those of one commit share their time.
  let said = '';
  let from = 0;
  for (const id of state.active) {
    const attempt = state.attempts.get(id);
    const task = state.tasks.get(attempt?.task ?? '');
    if (!attempt || !task || waiting.has(id)) continue;
    if (attempt.leaseFrom !== said) {
      said = attempt.leaseFrom;
      from = Date.parse(said);
    }
    const end = from + task.timeoutMs;
    if (end > now || (state.agents.get(attempt.agent)?.adapter !== 'remote' && end + GRACE_MS > now)) continue;
    const message = `It had not ended ${task.timeoutMs} ms after it started.`;
    const ending = { status: 'timeout', code: 'task_timeout', message, values: {} } as const;
    due.push({ type: 'attempt/end', attempt: id, token: attempt.token, ending });
  }
  return due;
}

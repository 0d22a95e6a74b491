import type { State } from '../../shared/state/evolve.ts';
import type { Command } from '../commands.ts';

/** An adapter ends its attempt at the timeout; what is still there so much later is given up, in milliseconds. */
const GRACE_MS = 30_000;

/** What time has brought about by `now` (milliseconds since 1970): approvals that nobody answered, attempts past their lease. */
export function listDue(state: State, now: number): Command[] {
  const expired = [...state.asked]
    .filter((id) => Date.parse(state.approvals.get(id)?.expiresAt ?? '') <= now)
    .map((approval): Command => ({ type: 'approval/expire', approval }));
  return [...expired, ...listOverdue(state, now)];
}

function listOverdue(state: State, now: number): Command[] {
  // The time that it waits for a person is given back with the answer.
  const waiting = new Set([...state.asked].map((id) => state.approvals.get(id)?.attempt));
  return [...state.active].flatMap((id): Command[] => {
    const attempt = state.attempts.get(id);
    const task = state.tasks.get(attempt?.task ?? '');
    if (!attempt || !task || waiting.has(id)) return [];
    const grace = state.agents.get(attempt.agent)?.adapter === 'remote' ? 0 : GRACE_MS;
    if (Date.parse(attempt.leaseFrom) + task.timeoutMs + grace > now) return [];
    const message = `It had not ended ${task.timeoutMs} ms after it started.`;
    return [
      { type: 'attempt/end', attempt: id, token: attempt.token, ending: { status: 'timeout', code: 'task_timeout', message, values: {} } },
    ];
  });
}

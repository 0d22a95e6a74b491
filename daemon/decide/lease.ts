import type { Correlation } from '../../shared/events/envelope.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { Attempt } from '../../shared/state/attempt.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Task } from '../../shared/state/task.ts';
import { ofTask, refuse } from './context.ts';

/** An attempt that holds the newest lease of its task. */
export interface Lease {
  attempt: Attempt;
  task: Task;
}

/** The attempt, if it still holds the newest lease of its task. */
export function holdLease(state: State, command: { attempt: string; token?: number }): Lease | Refusal {
  const attempt = state.attempts.get(command.attempt);
  const task = state.tasks.get(attempt?.task ?? '');
  if (!attempt || !task) return refuse('not_found', `There is no attempt ${command.attempt}.`, { attempt: command.attempt });
  const late =
    attempt.endedAt !== undefined || task.token !== attempt.token || (command.token !== undefined && command.token !== attempt.token);
  if (late) return refuse('stale_lease', 'The attempt was given up or has ended; what it says changes nothing.', { attempt: attempt.id });
  return { attempt, task };
}

/** What every event of an attempt carries. */
export const ofAttempt = ({ attempt, task }: Lease): Correlation => ({ ...ofTask(task), attempt: attempt.id, agent: attempt.agent });

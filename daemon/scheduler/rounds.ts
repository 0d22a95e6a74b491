import type { State } from '../../shared/state/evolve.ts';
import { runEnded } from '../../shared/state/run.ts';
import { taskEnded } from '../../shared/state/task.ts';
import type { CommandOf } from '../commands.ts';

/**
 * The tasks of rounds whose time is over by `now` (milliseconds since 1970): who has not answered by then has said nothing. A
 * member that waits for a person is not cut off, and neither is anybody while the run is paused.
 */
export function listOverRounds(state: State, now: number): CommandOf<'task/cancel'>[] {
  const asking = new Set([...state.asked].map((id) => state.approvals.get(id)?.task));
  const found: CommandOf<'task/cancel'>[] = [];
  for (const run of state.runs.values()) {
    if (runEnded(run) || run.status === 'paused') continue;
    for (const { status, deliberation } of state.stages.get(run.id)?.values() ?? []) {
      if (status !== 'running' || !deliberation || Date.parse(deliberation.from) + deliberation.roundMs > now) continue;
      for (const { task: id } of deliberation.asked) {
        const task = state.tasks.get(id);
        if (!task || taskEnded(task) || task.cancelReason !== undefined || asking.has(id)) continue;
        found.push({ type: 'task/cancel', task: id, reason: 'The time of the round was over.' });
      }
    }
  }
  return found;
}

import type { ArchiveEvent } from '../events/archive.ts';
import type { Event } from '../events/envelope.ts';
import type { State } from './evolve.ts';

/** Takes what was archived out of every table, or a run back in. */
export function evolveArchive(state: State, event: Event & ArchiveEvent): void {
  if (event.type === 'archive.restored') {
    state.runs.set(event.data.run.id, event.data.run);
    return;
  }
  const runs = new Set(event.data.runs.filter((id) => state.runs.has(id)));
  const retried = new Set<string>();
  const alone = new Set(event.data.tasks);
  for (const id of event.data.tasks) {
    const task = state.tasks.get(id);
    if (!task) continue;
    // Most tasks had one attempt, and the task names it.
    if (task.token > 1) retried.add(id);
    else if (task.attempt !== undefined) state.attempts.delete(task.attempt);
    state.tasks.delete(id);
  }
  for (const id of runs) for (const table of [state.runs, state.stages, state.artifacts, state.usage.runs]) table.delete(id);
  const mine = (run: string | undefined): boolean => run !== undefined && runs.has(run);
  if (runs.size > 0) for (const { id, run } of state.tasks.values()) if (mine(run)) state.tasks.delete(id);
  for (const { id, run, task } of state.approvals.values()) if (mine(run) || alone.has(task ?? '')) state.approvals.delete(id);
  if (runs.size > 0 || retried.size > 0)
    for (const { id, run, task } of state.attempts.values()) if (mine(run) || retried.has(task)) state.attempts.delete(id);
}

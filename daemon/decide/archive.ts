import { runSettled, taskSettled } from '../../shared/state/document.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { CommandOf } from '../commands.ts';
import { event, ofRun, type Context, type Verdict } from './context.ts';

/** What the archive has, durably, leaves memory; whatever is no longer settled meanwhile stays. */
export function moveToArchive(state: State, command: CommandOf<'archive/move'>, context: Context): Verdict {
  const runs = command.runs.filter((id) => {
    const run = state.runs.get(id);
    return run !== undefined && runSettled(state, run, context.now);
  });
  const tasks = command.tasks.filter((id) => {
    const task = state.tasks.get(id);
    return task !== undefined && taskSettled(task);
  });
  return runs.length + tasks.length === 0 ? [] : [event('archive.moved', 'archive', {}, { runs, tasks })];
}

/** Brings a run back that something is to be done with. */
export function restoreRun(state: State, { run }: CommandOf<'archive/restore'>): Verdict {
  return state.runs.has(run.id) ? [] : [event('archive.restored', `run/${run.id}`, ofRun(run), { run })];
}

/**
 * Takes what has finished out of memory, oldest first, when there is more of it than the settings keep, or it is old.
 *
 * 1. The archive has it durably before the command that removes it from the state is on the queue.
 * 2. One batch at a time, of bounded size, so that neither the disk nor the event loop is held up.
 */
import { documentOf, runSettled, taskDocumentOf, taskSettled } from '../../shared/state/document.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Command, CommandResult } from '../commands.ts';
import type { ArchiveStore } from '../store/archive.ts';

/** How many finished runs, and finished tasks of no run, stay in memory, and how long, in milliseconds. */
export interface Keep {
  runs: number;
  tasks: number;
  ageMs: number;
}

export interface Archivist {
  /** Moves what is due, until nothing is; calls meanwhile wait for the same. */
  move(): Promise<void>;
  /** Says that something was recorded; without that only age can make anything due. */
  note(): void;
  stop(): void;
}

const TICK_MS = 1_000;
/** How often all that is in memory is looked at for its age, in milliseconds. */
const AGE_MS = 600_000;
/** Runs of one batch, and tasks: many, because each batch waits for the disk several times; a commit holds at most so many ids. */
const MAX_RUNS = 20;
const MAX_TASKS = 4_096;
const MAX_IDS = 400;
/** Tasks beyond the number to keep that are waited for, as a part of it, so that they leave by many at once. */
const SLACK = 0.1;

/**
 * What is to leave memory at `now` (milliseconds since 1970): ids, oldest first, of one batch; without `byAge` only what is more
 * than is kept, which does not look at every task. Pure.
 */
export function listDueForArchive(state: State, now: number, keep: Keep, byAge = true): { runs: string[]; tasks: string[] } {
  // Times of the record are compared as they are written.
  const oldest = new Date(Math.max(0, now - keep.ageMs)).toISOString();
  const isOld = (endedAt: string | undefined): boolean => endedAt !== undefined && endedAt < oldest;
  const ended = [...state.runs.values()]
    .filter((run) => run.endedAt !== undefined)
    .sort((a, b) => ((a.endedAt ?? '') < (b.endedAt ?? '') ? -1 : 1));
  const runs = ended.filter((run, i) => (i < ended.length - keep.runs || isOld(run.endedAt)) && runSettled(state, run, now));
  const surplus = countSurplus(state, keep);
  const tasks: string[] = [];
  let passed = 0;
  for (const task of state.tasks.values()) {
    if (tasks.length >= MAX_TASKS || (!byAge && passed >= surplus)) break;
    if (taskSettled(task) && (passed++ < surplus || isOld(task.endedAt))) tasks.push(task.id);
  }
  return { runs: runs.slice(0, MAX_RUNS).map((run) => run.id), tasks };
}

/** How many finished tasks are more than are kept. */
function countSurplus(state: State, keep: Keep): number {
  const most = keep.tasks * (1 + SLACK);
  // At most: what waits or goes on has not finished.
  if (state.tasks.size - state.pending.size - state.active.size <= most) return 0;
  let settled = 0;
  for (const task of state.tasks.values()) if (taskSettled(task)) settled += 1;
  return settled > most ? settled - keep.tasks : 0;
}

/** Starts to look, once a second while something happens. */
export function startArchivist(parts: {
  state: State;
  archive: Pick<ArchiveStore, 'write'>;
  keep: Keep;
  now(): number;
  tell(command: Command): Promise<CommandResult>;
  log(event: string, facts: Record<string, unknown>): void;
}): Archivist {
  const { state, archive, keep, now, tell, log } = parts;
  let moving: Promise<void> | undefined;
  let noted = true;
  let lookedByAge = 0;
  let stopped = false;

  const moveAll = async (byAge: boolean): Promise<void> => {
    for (;;) {
      const { runs, tasks } = listDueForArchive(state, now(), keep, byAge);
      if (runs.length + tasks.length === 0 || stopped) return;
      await archive.write({
        runs: runs.flatMap((id) => state.runs.get(id) ?? []).map((run) => documentOf(state, run)),
        tasks: tasks.flatMap((id) => state.tasks.get(id) ?? []).map((task) => taskDocumentOf(state, task)),
      });
      const results = await Promise.all(listCommands(runs, tasks).map(tell));
      // What is refused stays due; another look a second later is soon enough.
      if (!results.some((result) => result.ok && result.commit)) return;
    }
  };
  const move = (byAge = true): Promise<void> => {
    moving ??= moveAll(byAge)
      .catch((error: unknown) => log('archive.failed', { error }))
      .finally(() => (moving = undefined));
    return moving;
  };
  const timer = setInterval(() => {
    const byAge = now() - lookedByAge >= AGE_MS;
    if (!noted && !byAge) return;
    noted = false;
    if (byAge) lookedByAge = now();
    void move(byAge);
  }, TICK_MS);
  return {
    move: () => move(),
    note: () => void (noted = true),
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

function listCommands(runs: string[], tasks: string[]): Command[] {
  const commands: Command[] = runs.length > 0 ? [{ type: 'archive/move', runs, tasks: [] }] : [];
  for (let from = 0; from < tasks.length; from += MAX_IDS)
    commands.push({ type: 'archive/move', runs: [], tasks: tasks.slice(from, from + MAX_IDS) });
  return commands;
}

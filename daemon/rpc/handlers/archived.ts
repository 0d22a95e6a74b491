/** Runs and tasks wherever they are: in memory first, then in the archive, in pages. */
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { documentOf, type RunDocument } from '../../../shared/state/document.ts';
import { runEnded, type Run } from '../../../shared/state/run.ts';
import { listDeadLetters } from '../../../shared/state/select.ts';
import { taskEnded, type Task } from '../../../shared/state/task.ts';
import type { Core } from './core.ts';

/** A run with all that belongs to it; undefined when there is none. */
export async function readRun({ state, archive }: Pick<Core, 'state' | 'archive'>, id: string): Promise<RunDocument | undefined> {
  const run = state.runs.get(id);
  const document = run && documentOf(state, run);
  // One that was brought back from the archive has its details there.
  if (document && document.stages.length > 0) return document;
  const archived = await archive.readRun(id);
  return archived && run ? { ...archived, run } : (archived ?? document);
}

/** Where a page goes on: behind an entry that was in memory, or before a place of the archive. */
type Onward = { live: string } | { archived: number };

function encode(onward: Onward): string {
  return Buffer.from(JSON.stringify(onward)).toString('base64url');
}

function decode(cursor: string): Onward {
  try {
    const value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as { live?: unknown; archived?: unknown };
    if (typeof value.live === 'string') return { live: value.live };
    if (Number.isSafeInteger(value.archived) && Number(value.archived) >= 0) return { archived: Number(value.archived) };
  } catch {
    // The same as any other text that is no cursor.
  }
  throw new SignalboxError({ code: 'cursor_unknown', message: 'The cursor is not one that a list gave. List from the start without it.' });
}

interface Wanted<Entry> {
  live: Entry[];
  limit: number;
  cursor: string | undefined;
  /** Reads on in the archive; undefined when what is asked for cannot be there. */
  archived: ((before: number | undefined, limit: number) => Promise<{ entries: Entry[]; next: number | undefined }>) | undefined;
}

async function readPage<Entry extends { id: string }>({
  live,
  limit,
  cursor,
  archived,
}: Wanted<Entry>): Promise<{ entries: Entry[]; cursor?: string }> {
  const onward = cursor === undefined ? undefined : decode(cursor);
  const newest = live.toReversed();
  // An entry that is no longer in memory was archived meanwhile: then the rest of memory was older, and is shown again.
  const from = onward === undefined ? 0 : 'live' in onward ? newest.findIndex((entry) => entry.id === onward.live) + 1 : newest.length;
  const page = newest.slice(from, from + limit);
  const last = page.at(-1);
  if (from + limit < newest.length && last) return { entries: page, cursor: encode({ live: last.id }) };
  if (!archived) return { entries: page };
  if (page.length === limit && last) return { entries: page, cursor: encode({ live: last.id }) };
  const { entries, next } = await archived(onward && 'archived' in onward ? onward.archived : undefined, limit - page.length);
  const known = new Set(live.map(({ id }) => id));
  return {
    entries: [...page, ...entries.filter(({ id }) => !known.has(id))],
    ...(next === undefined ? {} : { cursor: encode({ archived: next }) }),
  };
}

interface Query {
  active: boolean;
  limit: number;
  cursor: string | undefined;
}

/** One page of runs, newest first. */
export async function listRuns(
  { state, archive }: Core,
  { repo, active, limit, cursor }: Query & { repo: string | undefined },
): Promise<{ runs: Run[]; cursor?: string }> {
  const live = [...state.runs.values()].filter((r) => (repo === undefined || r.repo === repo) && !(active && runEnded(r)));
  const wanted = (line: { repo?: string }): boolean => repo === undefined || line.repo === repo;
  const archived = (before: number | undefined, count: number) =>
    archive.listRuns({ limit: count, wanted, ...(before === undefined ? {} : { before }) });
  const { entries, ...rest } = await readPage({ live, limit, cursor, archived: active ? undefined : archived });
  return { runs: entries, ...rest };
}

/** One page of tasks, newest first. */
export async function listTasks(
  { state, archive }: Core,
  { run, active, dead, limit, cursor }: Query & { run: string | undefined; dead: boolean },
): Promise<{ tasks: Task[]; cursor?: string }> {
  if (dead) {
    const letters = listDeadLetters(state).filter((task) => run === undefined || task.run === run);
    const { entries: tasks, ...onward } = await readPage({ live: letters, limit, cursor, archived: undefined });
    return { tasks, ...onward };
  }
  const live = [...state.tasks.values()].filter((t) => (run === undefined || t.run === run) && !(active && taskEnded(t)));
  const archived = (before: number | undefined, count: number) =>
    archive.listTasks({ limit: count, ...(before === undefined ? {} : { before }) });
  const ofRun = run !== undefined && !active && live.length === 0 ? (await archive.readRun(run))?.tasks : undefined;
  const { entries, ...rest } = await readPage({
    live: ofRun ?? live,
    limit,
    cursor,
    archived: active || run !== undefined ? undefined : archived,
  });
  return { tasks: entries, ...rest };
}

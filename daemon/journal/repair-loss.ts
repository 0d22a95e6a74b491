// What a cut takes away, in words that somebody can decide by.
import type { Commit } from '../../shared/events/envelope.ts';

/** What is lost: commits that can still be read in the original, lines that nobody can read, and what they were about. */
export interface Loss {
  commits: number;
  unreadable: number;
  first?: Place;
  last?: Place;
  /** Events by type. */
  events: Record<string, number>;
  /** Ids that the lost events name: the first of them, and how many there are. */
  runs: { ids: string[]; count: number };
  tasks: { ids: string[]; count: number };
}

/** A commit and when it was recorded. */
export interface Place {
  seq: number;
  at: string;
}

/** What is known of the lines behind a cut, while they are read. */
export interface Behind {
  commits: number;
  unreadable: number;
  first?: Place;
  last?: Place;
  readonly events: Map<string, number>;
  readonly runs: Set<string>;
  readonly tasks: Set<string>;
}

/** Ids that are listed one by one. */
const LISTED = 20;

/** Nothing behind the cut yet. */
export function nothingBehind(): Behind {
  return { commits: 0, unreadable: 0, events: new Map(), runs: new Set(), tasks: new Set() };
}

/** Adds one line; undefined for one that is not a commit whose hash fits. */
export function addBehind(behind: Behind, commit: Commit | undefined): void {
  if (!commit) {
    behind.unreadable++;
    return;
  }
  const { seq, at, events } = commit;
  behind.commits++;
  behind.first ??= { seq, at };
  behind.last = { seq, at };
  for (const { type, run, task } of events) {
    behind.events.set(type, (behind.events.get(type) ?? 0) + 1);
    if (run !== undefined) behind.runs.add(run);
    if (task !== undefined) behind.tasks.add(task);
  }
}

/** The same as something to print. */
export function summariseLoss({ commits, unreadable, first, last, events, runs, tasks }: Behind): Loss {
  const list = (ids: ReadonlySet<string>) => ({ ids: [...ids].slice(0, LISTED), count: ids.size });
  const places = { ...(first ? { first } : {}), ...(last ? { last } : {}) };
  return { commits, unreadable, ...places, events: Object.fromEntries(events), runs: list(runs), tasks: list(tasks) };
}

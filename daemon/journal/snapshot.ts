/**
 * From the journal to a state, with snapshots to make it short.
 *
 * 1. A snapshot is only a shortcut: with all of them gone the journal gives the same state.
 * 2. It is used only when it is unchanged, of this version of `evolve`, and its (seq, hash) is in the chain.
 * 3. Making one reads files and writes a file; it needs nothing of the process that appends.
 */
import type { Commit } from '../../shared/events/envelope.ts';
import { evolve, type State } from '../../shared/state/evolve.ts';
import { nodeDisk } from './disk.ts';
import type { Journal } from './port.ts';
import { readJournal } from './read.ts';
import { readBase } from './start.ts';
import { listSnapshots, readSnapshot, writeSnapshot, type SnapshotFlaw } from './snapshot-file.ts';

/** Something about snapshots that whoever reads the daemon's log should know. */
export type SnapshotNotice = SnapshotFlaw | { code: 'snapshot_ahead' | 'snapshot_not_in_chain'; message: string };

/** A state, how it came about, how many commits were folded for it, and the hash of the last one. */
export interface LoadedState {
  state: State;
  hash: string;
  from: 'snapshot' | 'journal';
  replayed: number;
  notices: SnapshotNotice[];
}

/** The part of a journal that loading needs. */
export type Readable = Pick<Journal, 'read'> & { readonly head: { readonly seq: number } };

/** The state at the journal's head, from the newest good snapshot in `dir` and what follows it. Throws JournalDamaged. */
export async function loadState(dir: string, journal: Readable): Promise<LoadedState> {
  const notices: SnapshotNotice[] = [];
  for (const candidate of await listSnapshots(dir)) {
    if (candidate.seq > journal.head.seq) {
      notices.push({ code: 'snapshot_ahead', message: describeLostEnd(candidate, journal.head.seq) });
      continue;
    }
    const snapshot = await readSnapshot(candidate);
    if ('code' in snapshot) {
      notices.push(snapshot);
      continue;
    }
    const folded = await foldFrom(journal, candidate.seq, snapshot);
    if (folded) return { ...folded, from: 'snapshot', notices };
    notices.push({
      code: 'snapshot_not_in_chain',
      message: `The snapshot ${candidate.path} belongs to another journal: commit ${candidate.seq} has another hash.`,
    });
  }
  const base = await readBase(dir);
  const folded = await foldFrom(journal, Math.max(1, base.state.seq), base);
  if (!folded) throw new Error('A fold from the beginning has no snapshot that could be of another chain.');
  return { ...folded, from: 'journal', notices };
}

/** A snapshot is made of durable commits only, so one that is ahead proves that the journal had more. */
function describeLostEnd({ seq, path }: { seq: number; path: string }, head: number): string {
  return (
    `The journal lost its end: it stops at commit ${head}, and a snapshot has commit ${seq}. What was recorded between is gone, and work may be done again. ` +
    'Stop the daemon with `signalbox down` and bring the folder journal/ back from a copy; `signalbox journal verify --expect HEAD` holds it against a head that was kept. ' +
    `If the journal was cut on purpose, remove ${path}.`
  );
}

/** Folds from a commit on; that commit itself is only compared when the state has it already. Undefined when it is another. */
async function foldFrom(
  journal: Readable,
  from: number,
  base: { state: State; hash: string },
): Promise<Pick<LoadedState, 'state' | 'hash' | 'replayed'> | undefined> {
  const { state } = base;
  let { hash } = base;
  let replayed = 0;
  for await (const commit of journal.read(from)) {
    if (commit.seq === state.seq) {
      if (commit.hash !== hash) return undefined;
      continue;
    }
    evolve(state, commit);
    hash = commit.hash;
    replayed++;
  }
  return { state, hash, replayed };
}

/** A snapshot that was made, or was there already. */
export interface MadeSnapshot {
  seq: number;
  file: string;
  replayed: number;
}

/** Makes the snapshot at commit `upTo`, which must be durable, from the one before it and the journal's files. Throws JournalDamaged. */
export async function makeSnapshot(dir: string, upTo: number): Promise<MadeSnapshot> {
  const read = await readJournal(nodeDisk, dir);
  const journal: Readable = { head: { seq: upTo }, read: (from) => flatten(read({ from, to: upTo })) };
  const { state, hash, replayed } = await loadState(dir, journal);
  if (state.seq !== upTo) throw new RangeError(`There is no commit ${upTo} to make a snapshot of.`);
  return { seq: upTo, file: await writeSnapshot(dir, { seq: upTo, hash, state }), replayed };
}

async function* flatten(lists: AsyncIterable<Commit[]>): AsyncGenerator<Commit> {
  for await (const list of lists) yield* list;
}

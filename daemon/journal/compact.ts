/**
 * Removes old sealed segments, and keeps what replay and verification need in their place.
 *
 * 1. The state at the cut is durable (`journal/base-<seq>.json`), then the cut itself (`journal/compacted.json`), and only then a segment goes.
 * 2. Segments go oldest first: a crash in between leaves one piece, and the next compaction takes the rest.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Commit } from '../../shared/events/envelope.ts';
import { EVOLVE_VERSION } from '../../shared/state/evolve.ts';
import { toJson } from '../../shared/state/serialize.ts';
import { writeFileAtomic } from '../platform/atomic.ts';
import { journalFolder, nodeDisk } from './disk.ts';
import { sha256 } from './format.ts';
import type { Head } from './port.ts';
import { readJournal, readLists } from './read.ts';
import { headBefore, listSegments, openSegment, type Segment } from './segments.ts';
import { listSnapshots } from './snapshot-file.ts';
import { loadState } from './snapshot.ts';
import { basePath, COMPACTED_FILE, readRemovals, type Removal } from './start.ts';

/** What a compaction is asked for: the state folder, times in RFC 3339, and who asks. Nothing may append meanwhile: hold the lock. */
export interface Compact {
  dir: string;
  before: string;
  now: string;
  by: string;
}

/** What it did; nothing is removed when no sealed segment is old enough as a whole. */
export interface Compaction {
  removed: Removal | undefined;
  segments: number;
  bytes: number;
}

/** Removes the sealed segments whose commits are all older than `before`. Throws JournalDamaged when what is to be removed cannot be read whole. */
export async function compactJournal({ dir, before, now, by }: Compact): Promise<Compaction> {
  const segments: Segment[] = [];
  for (const path of await listSegments(nodeDisk, dir)) segments.push(await openSegment(nodeDisk, path, segments[0]?.header.installation));
  const removals = await readRemovals(dir);
  const old = await pickOld(segments, before);
  const last = old.at(-1);
  const next = segments[old.length];
  if (!last || !next) return { removed: undefined, segments: 0, bytes: 0 };
  const cut = headBefore(next.header);
  const removed: Removal = { first: old[0]?.header.first ?? 1, last: cut.seq, hash: cut.hash, at: now, by, before };
  if (cut.seq > (removals.at(-1)?.last ?? 0)) await writeCut(dir, cut, [...removals, removed]);
  let bytes = 0;
  for (const snapshot of await listSnapshots(dir)) if (snapshot.seq <= cut.seq) await nodeDisk.remove(snapshot.path);
  for (const { path } of old) {
    bytes += (await stat(path)).size;
    await nodeDisk.remove(path);
    await nodeDisk.syncFolder(journalFolder(dir));
  }
  for (const { last: seq } of removals) if (seq < cut.seq) await rm(basePath(dir, seq), { force: true });
  return { removed, segments: old.length, bytes };
}

/** The segments at the beginning whose newest commit is older than `before`; never the one that is written. */
async function pickOld(segments: readonly Segment[], before: string): Promise<Segment[]> {
  const old: Segment[] = [];
  for (const [at, segment] of segments.entries()) {
    const next = segments[at + 1];
    if (!next) break;
    const seq = next.header.first - 1;
    let newest: Commit | undefined;
    for await (const commits of readLists(nodeDisk, [segment], { from: seq, to: seq })) newest = commits.at(-1);
    if (!newest || newest.at >= before) break;
    old.push(segment);
  }
  return old;
}

/** Makes the state at the cut durable, and then the cut. */
async function writeCut(dir: string, cut: Head, removals: Removal[]): Promise<void> {
  const read = await readJournal(nodeDisk, dir);
  async function* flatten(from: number): AsyncGenerator<Commit> {
    for await (const list of read({ from, to: cut.seq })) yield* list;
  }
  const { state, hash } = await loadState(dir, { head: { seq: cut.seq }, read: flatten });
  if (state.seq !== cut.seq || hash !== cut.hash) throw new Error(`The state at commit ${cut.seq} could not be made; nothing was removed.`);
  const text = JSON.stringify({ evolve: EVOLVE_VERSION, seq: cut.seq, hash, state: toJson(state) });
  await writeFileAtomic(basePath(dir, cut.seq), text);
  await writeFileAtomic(join(journalFolder(dir), COMPACTED_FILE), JSON.stringify({ format: 1, sum: sha256(text), removals }));
}

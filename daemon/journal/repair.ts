/**
 * Cuts a journal behind a commit that somebody chose, so that a daemon starts on it again.
 *
 * 1. The original stays, whole, as `journal.before-<time>`; it is complete and synced before anything is changed.
 * 2. Only a commit that continues the chain, with a hash that fits, is kept; where frames or headers were damaged they are made anew.
 * 3. After a crash at any moment the journal is the damaged one or the cut one: files are taken away from the end, then the last is replaced.
 * 4. Whoever calls holds the lock of the state folder.
 */
import { copyFile, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncFolder } from '../platform/atomic.ts';
import { journalFolder, nodeDisk, writeNewFile } from './disk.ts';
import { encodeBatch, encodeHeader } from './format.ts';
import type { Head } from './port.ts';
import { summariseLoss, type Loss } from './repair-loss.ts';
import { readSound, type SoundSegment } from './repair-read.ts';
import { listSegments, segmentName } from './segments.ts';
import { listSnapshots } from './snapshot-file.ts';

/** What a repair did, or (planned) would do. */
export type Repair =
  | { kind: 'repaired' | 'planned'; head: Head; before: string; lost: Loss }
  | { kind: 'sound'; head: Head }
  | { kind: 'refused'; code: 'not_sound' | 'not_there'; message: string; sound: Head };

/** How to repair: the state folder, the last commit to keep, the time (RFC 3339) that names the original, and whether to change anything. */
export interface RepairJournal {
  dir: string;
  to: number;
  now: string;
  dryRun?: boolean;
}

/** Cuts the journal in `dir/journal` behind commit `to`. */
export async function repairJournal({ dir, to, now, dryRun = false }: RepairJournal): Promise<Repair> {
  const read = await readSound(nodeDisk, dir, to);
  const { head, intact } = read;
  const lost = summariseLoss(read.behind);
  const isLast = lost.commits + lost.unreadable === 0;
  if (to < read.start.seq) {
    const message = `The journal begins behind commit ${read.start.seq}: what was before it was removed by a compaction. Cut there, or later.`;
    return { kind: 'refused', code: 'not_there', message, sound: head };
  }
  if (head.seq < to) {
    const text = `Commit ${to} cannot be kept: the journal is sound up to commit ${head.seq}`;
    return isLast
      ? { kind: 'refused', code: 'not_there', message: `${text}, which is its last.`, sound: head }
      : { kind: 'refused', code: 'not_sound', message: `${text}, and what follows is damaged. Cut there, or earlier.`, sound: head };
  }
  if (intact && isLast) return { kind: 'sound', head };
  const before = join(dir, `journal.before-${now.replaceAll(/[^\w.-]/g, '')}`);
  if (dryRun) return { kind: 'planned', head, before, lost };
  await keepOriginal(dir, before);
  await cut(dir, read.segments);
  await moveSnapshots(dir, before, to);
  return { kind: 'repaired', head, before, lost };
}

/** Gives every file of the journal a second name; files that are replaced later keep their bytes under it. */
async function keepOriginal(dir: string, before: string): Promise<void> {
  await mkdir(before, { mode: 0o700 });
  for (const entry of await readdir(journalFolder(dir), { withFileTypes: true, recursive: true })) {
    const from = join(entry.parentPath, entry.name);
    const to = join(before, from.slice(journalFolder(dir).length + 1));
    if (entry.isDirectory()) await mkdir(to, { recursive: true, mode: 0o700 });
    else if (entry.isFile()) await keepFile(from, to);
  }
  await syncFolder(before);
  await syncFolder(dir);
}

async function keepFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    // Not every file system has links.
    await copyFile(from, to);
    const file = await open(to, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Writes what is kept; segments that are sound as they are stay, but for the last, which will be appended to. */
async function cut(dir: string, segments: readonly SoundSegment[]): Promise<void> {
  const folder = journalFolder(dir);
  const kept = new Set(segments.map(({ header }) => segmentName(header.first)));
  for (const path of (await listSegments(nodeDisk, dir)).reverse()) {
    if (kept.has(basename(path))) continue;
    await rm(path);
    await syncFolder(folder);
  }
  for (const segment of [...segments].reverse()) {
    const isLast = segment === segments.at(-1);
    if (segment.intact && !isLast) continue;
    const bytes = [Buffer.from(encodeHeader(segment.header)), ...segment.batches.map((lines) => encodeBatch(lines))];
    await writeNewFile(nodeDisk, join(folder, segmentName(segment.header.first)), Buffer.concat(bytes));
  }
}

/** A snapshot of what was cut off belongs to the original. */
async function moveSnapshots(dir: string, before: string, to: number): Promise<void> {
  const ahead = (await listSnapshots(dir)).filter(({ seq }) => seq > to);
  if (ahead.length === 0) return;
  const folder = join(before, 'snapshots');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { path } of ahead) await rename(path, join(folder, basename(path)));
  await syncFolder(folder);
  await syncFolder(join(dir, 'snapshots'));
}

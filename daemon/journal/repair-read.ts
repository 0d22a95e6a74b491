/**
 * Reads what of a journal can be kept, by lines and not by what frames promise.
 *
 * 1. A line is kept when its hash fits, it continues the one before it, and everything before it is kept.
 * 2. What is not kept is handed over as well, so that somebody can be told what is lost.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listSegments, openSegment, type Segment } from './segments.ts';
import { readStart } from './start.ts';
import { computeHash, parseCommit, readLink, type Header } from './format.ts';
import { JournalDamaged, type Head } from './port.ts';
import type { Disk, DiskFile } from './disk.ts';
import { addBehind, nothingBehind, type Behind } from './repair-loss.ts';
import { walkBatches } from './scan.ts';
import { linesFrom, SHORTER_THAN_A_COMMIT } from './verify-lines.ts';
import type { Commit } from '../../shared/events/envelope.ts';

/** The part of a segment that can be kept; `intact` when its file is this and nothing else. */
export interface SoundSegment {
  header: Header;
  batches: string[][];
  intact: boolean;
}

/** A journal up to a commit. */
export interface SoundJournal {
  segments: SoundSegment[];
  /** Where it begins: commit 0, or the last that a compaction removed. */
  start: Head;
  head: Head;
  /** True when every file up to the head is as it was written. */
  intact: boolean;
  behind: Behind;
}

/** Reads the journal in `dir/journal` up to commit `to`, or to the last that can be kept. */
export async function readSound(disk: Disk, dir: string, to: number): Promise<SoundJournal> {
  const paths = await listSegments(disk, dir);
  const start = await readStart(dir, await openFirst(disk, paths[0]));
  const journal: SoundJournal = { segments: [], start, head: start, intact: true, behind: nothingBehind() };
  const installation = await findInstallation(disk, dir, paths);
  for (const path of paths) {
    const intact = await isIntact(disk, path, journal.head, installation);
    const segment: SoundSegment = { header: headerAfter(journal.head, installation), batches: [], intact };
    const file = await disk.open(path, 'read');
    try {
      await readSegment(file, segment, journal, to);
    } finally {
      await file.close();
    }
    if (!segment.intact) journal.intact = false;
    if (segment.batches.length > 0 || journal.segments.length === 0) pushSegment(journal.segments, segment);
  }
  return journal;
}

/** The first segment, unless its header cannot be read. */
async function openFirst(disk: Disk, path: string | undefined): Promise<Segment | undefined> {
  try {
    return path === undefined ? undefined : await openSegment(disk, path, undefined);
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    return undefined;
  }
}

/** Only what may have to be written again is kept in memory: segments that are not intact, and the last. */
function pushSegment(segments: SoundSegment[], segment: SoundSegment): void {
  const before = segments.at(-1);
  if (before?.intact) before.batches = [];
  segments.push(segment);
}

const headerAfter = (head: Head, installation: string): Header => ({ first: head.seq + 1, prev: head.hash, installation });

/** The id that the first readable header carries; else that of the state folder. */
async function findInstallation(disk: Disk, dir: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    try {
      return (await openSegment(disk, path, undefined)).header.installation;
    } catch (error) {
      if (!(error instanceof JournalDamaged)) throw error;
    }
  }
  const { id } = JSON.parse(await readFile(join(dir, 'installation.json'), 'utf8')) as { id: string };
  return id;
}

/** Whether header and frames of a segment are as they were written. */
async function isIntact(disk: Disk, path: string, before: Head, installation: string): Promise<boolean> {
  const file = await disk.open(path, 'read');
  try {
    const { header, marks } = await openSegment(disk, path, installation);
    if (header.first !== before.seq + 1 || header.prev !== before.hash) return false;
    const walk = walkBatches(file, marks[0] ?? { offset: 0, line: 1 }, await file.size());
    for (let step = await walk.next(); ; step = await walk.next()) if (step.done) return step.value.kind === 'end';
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    return false;
  } finally {
    await file.close();
  }
}

async function readSegment(file: DiskFile, segment: SoundSegment, journal: SoundJournal, to: number): Promise<void> {
  let batch: string[] = [];
  for await (const { bytes, number, ended } of linesFrom(file, { offset: 0, line: 1 }, await file.size())) {
    // A frame or header, as it was or changed: a commit is longer.
    if (bytes.length <= SHORTER_THAN_A_COMMIT || (number === 1 && !readLink(bytes))) {
      batch = [];
      continue;
    }
    const mayFollow = ended && journal.head.seq < to && journal.behind.commits + journal.behind.unreadable === 0;
    const commit = mayFollow ? continued(bytes, journal.head) : undefined;
    if (!commit) {
      addBehind(journal.behind, readWhole(bytes));
      continue;
    }
    if (batch.length === 0) segment.batches.push(batch);
    batch.push(bytes.toString('utf8'));
    journal.head = { seq: commit.seq, hash: commit.hash };
  }
}

/** The commit of a line, if it is the one that follows the head. */
function continued(line: Buffer, head: Head): Commit | undefined {
  const link = readLink(line);
  return link?.seq === head.seq + 1 && link.prev === head.hash ? readWhole(line) : undefined;
}

/** The commit of a line whose hash fits. */
function readWhole(line: Buffer): Commit | undefined {
  const link = readLink(line);
  return link && computeHash(line) === link.hash ? parseCommit(line) : undefined;
}

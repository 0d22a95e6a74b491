/**
 * Finds out at the start what the last process left, and makes it sound.
 *
 * 1. Behind the last whole batch of the last segment stands what was never answered: it is copied aside, then cut off.
 * 2. Anything else that is not as it was written is damage: it throws, and no byte is changed.
 * 3. Names are made durable before anything is appended under them.
 * 4. Sealed segments are looked at where they join; their inside is checked when it is read.
 */
import { basename, join } from 'node:path';
import { journalFolder, shortWrite, writeNewFile, type Disk, type DiskFile } from './disk.ts';
import { isInstallationId } from './format.ts';
import { JournalDamaged, type Head } from './port.ts';
import { checkLines, findWholeBatch, linesOf, walkBatches, type Batch } from './scan.ts';
import { addMark, BEGINNING, createSegment, headBefore, joinFlaw, lastHash, listSegments, openSegment, type Segment } from './segments.ts';
import { readStart } from './start.ts';

/** The unsynced end of a journal that was moved away: how many bytes, from where, and to which file. */
export interface SetAside {
  bytes: number;
  from: string;
  file: string;
}

/** A sound journal, before its last segment is opened for appending; `line` is that of the next batch. */
export interface Recovered {
  segments: Segment[];
  head: Head;
  end: number;
  line: number;
  setAside?: SetAside;
}

/** What recovery has to know: the state folder, this installation, and the time that names what is set aside. */
export interface RecoverOptions {
  dir: string;
  installation: string;
  now: string;
}

/** Checks the journal in `dir` and cuts off an unsynced end; makes the first segment where there is none. Throws JournalDamaged. */
export async function recoverJournal(disk: Disk, options: RecoverOptions): Promise<Recovered> {
  const { dir, installation } = options;
  if (!isInstallationId(installation)) throw new TypeError(`Not an id of an installation: ${JSON.stringify(installation)}`);
  await disk.makeFolder(journalFolder(dir));
  await removeTemporaries(disk, dir);
  // The last process may have made a segment, or the folder, and died before the name of it was durable; what is appended to it would go with it.
  await disk.syncFolder(journalFolder(dir));
  await disk.syncFolder(dir);
  const segments = await joinSegments(disk, dir, installation);
  const last = segments[segments.length - 1];
  if (last) return recoverLast(disk, options, segments, last);
  const first = await createSegment(disk, dir, BEGINNING, installation);
  return { segments: [first], head: BEGINNING, end: first.end ?? 0, line: 2 };
}

/** A half-made segment was never anybody's: only its rename would have made it one. */
async function removeTemporaries(disk: Disk, dir: string): Promise<void> {
  const folder = journalFolder(dir);
  for (const name of await disk.list(folder)) {
    if (/^\d{16}\.ndjson\.tmp$/.test(name)) await disk.remove(join(folder, name));
  }
}

async function joinSegments(disk: Disk, dir: string, installation: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const path of await listSegments(disk, dir)) {
    const before = segments[segments.length - 1];
    const segment = await openSegment(disk, path, installation);
    const flaw = joinFlaw(segment, before ? await endOf(disk, before, segment) : await readStart(dir, segment));
    if (flaw) throw new JournalDamaged(flaw);
    segments.push(segment);
  }
  return segments;
}

/** The head at the end of a sealed segment, without reading it whole: its hash proves its seq, when the next segment names the same. */
async function endOf(disk: Disk, sealed: Segment, next: Segment): Promise<Head> {
  const hash = await lastHash(disk, sealed.path);
  if (hash === next.header.prev) return { seq: next.header.first - 1, hash };
  const { seq, line, flaw } = await walkToEnd(disk, sealed);
  if (flaw || hash === undefined) {
    const message = flaw ?? 'The segment was sealed, and it does not end with a whole commit.';
    throw new JournalDamaged({ file: sealed.path, line, seq: seq + 1, code: 'cut_off', message });
  }
  return { seq, hash };
}

async function walkToEnd(disk: Disk, segment: Segment): Promise<{ seq: number; line: number; flaw?: string }> {
  const file = await disk.open(segment.path, 'read');
  try {
    const [mark] = segment.marks;
    const walk = walkBatches(file, mark ?? { offset: 0, line: 1 }, await file.size());
    for (let seq = headBefore(segment.header).seq; ; ) {
      const step = await walk.next();
      if (!step.done) seq += step.value.frame.count;
      else return { seq, line: step.value.line, ...(step.value.kind === 'flaw' ? { flaw: step.value.message } : {}) };
    }
  } finally {
    await file.close();
  }
}

async function recoverLast(disk: Disk, options: RecoverOptions, segments: Segment[], last: Segment): Promise<Recovered> {
  const file = await disk.open(last.path, 'repair');
  try {
    const size = await file.size();
    const { head, end, line, batch } = await walkLast(file, last, size);
    const setAside = end < size ? await setTailAside(disk, options, { file, path: last.path, end, size }) : undefined;
    await makeDurable(file, last.path, batch);
    last.end = end;
    last.checked = true;
    return { segments, head, end, line, ...(setAside ? { setAside } : {}) };
  } finally {
    await file.close();
  }
}

interface Walked {
  head: Head;
  end: number;
  line: number;
  batch: Batch | undefined;
}

/** Checks every batch of the last segment; returns where the whole ones end. */
async function walkLast(file: DiskFile, last: Segment, size: number): Promise<Walked> {
  const [mark] = last.marks;
  if (!mark) throw new Error(`The segment ${last.path} has no mark behind its header.`);
  let { head } = mark;
  let batch: Batch | undefined;
  const walk = walkBatches(file, mark, size);
  for (;;) {
    const step = await walk.next();
    if (step.done) {
      const { offset, line } = step.value;
      // A crash leaves one unfinished batch and nothing whole behind it. Whatever is followed by a whole one was durable once.
      if (step.value.kind === 'flaw' && (await findWholeBatch(file, offset, size)) !== undefined) {
        throw new JournalDamaged({ file: last.path, line, seq: head.seq + 1, code: step.value.code, message: step.value.message });
      }
      return { head, end: offset, line, batch };
    }
    batch = step.value;
    addMark(last, batch, head);
    const next = checkLines(batch, linesOf(batch.body), head, true);
    if ('code' in next) throw new JournalDamaged({ ...next, file: last.path });
    head = next;
  }
}

async function setTailAside(
  disk: Disk,
  { dir, now }: RecoverOptions,
  tail: { file: DiskFile; path: string; end: number; size: number },
): Promise<SetAside> {
  const bytes = Buffer.alloc(tail.size - tail.end);
  for (let filled = 0; filled < bytes.length; ) {
    const read = await tail.file.read(bytes.subarray(filled), tail.end + filled);
    if (read === 0) throw shortWrite(tail.path, filled, bytes.length);
    filled += read;
  }
  const folder = join(journalFolder(dir), 'set-aside');
  await disk.makeFolder(folder);
  const file = join(folder, await freeName(disk, folder, `${now.replaceAll(/[^\w.-]/g, '')}-${basename(tail.path, '.ndjson')}`));
  await writeNewFile(disk, file, bytes);
  await tail.file.truncate(tail.end);
  return { bytes: bytes.length, from: tail.path, file };
}

async function freeName(disk: Disk, folder: string, stem: string): Promise<string> {
  const taken = new Set(await disk.list(folder));
  for (let count = 0; ; count++) {
    const name = count === 0 ? `${stem}.tail` : `${stem}.${count}.tail`;
    if (!taken.has(name)) return name;
  }
}

/**
 * Writes the last batch over itself and syncs. After a failed sync the system may hold bytes that it believes are
 * on the disk and that are not; reading them back proves nothing, writing them again does.
 */
async function makeDurable(file: DiskFile, path: string, batch: Batch | undefined): Promise<void> {
  if (batch) {
    const { count, bytes, crc } = batch.frame;
    const again = Buffer.concat([Buffer.from(`{"batch":${count},"bytes":${bytes},"crc":"${crc}"}\n`), batch.body]);
    const written = await file.overwrite(again, batch.offset);
    if (written !== again.length) throw shortWrite(path, written, again.length);
  }
  await file.datasync();
}

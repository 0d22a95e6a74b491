/**
 * The files of a journal: names, headers, and how they follow each other.
 *
 * 1. A segment is named after its first seq and begins with a header that repeats it.
 * 2. It appears under its name with a whole header, or not at all.
 * 3. A segment is sealed when another follows it; it is never written again.
 */
import { basename, join } from 'node:path';
import { journalFolder, writeNewFile, type Disk, type DiskFile } from './disk.ts';
import { encodeHeader, MAX_MARK_BYTES, parseHeader, readHash, type Header } from './format.ts';
import { JournalDamaged, NO_HASH, type Damage, type Head } from './port.ts';
import type { Batch, Mark } from './scan.ts';

const NAME = /^(\d{16})\.ndjson$/;
/** A read that starts in the middle of a segment walks over at most this many bytes to get there. */
const MARK_EVERY = 64 * 1024;

/** A segment as this process knows it. */
export interface Segment {
  path: string;
  header: Header;
  /** Bytes that are known to be durable; undefined for a sealed segment: the whole file. */
  end: number | undefined;
  /** Where reads may start, ascending; the first is behind the header. */
  marks: Mark[];
  /** True when every hash in it was computed since the start of this process, or it was written by it. */
  checked: boolean;
}

/** File name of the segment that begins with `first`. */
export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.ndjson`;
}

/** The segment files of a state folder, oldest first. */
export async function listSegments(disk: Disk, dir: string): Promise<string[]> {
  const folder = journalFolder(dir);
  const names = (await disk.list(folder)).filter((name) => NAME.test(name));
  return names.sort().map((name) => join(folder, name));
}

/** The seq that a segment's name says. */
export function firstOf(path: string): number {
  return Number(NAME.exec(basename(path))?.[1] ?? 0);
}

/** Makes an empty segment behind `head`, durably. */
export async function createSegment(disk: Disk, dir: string, head: Head, installation: string): Promise<Segment> {
  const header = { first: head.seq + 1, prev: head.hash, installation };
  const bytes = Buffer.from(encodeHeader(header));
  const path = join(journalFolder(dir), segmentName(header.first));
  await writeNewFile(disk, path, bytes);
  return { ...newSegment(path, header, bytes.length), end: bytes.length, checked: true };
}

function newSegment(path: string, header: Header, headerBytes: number): Segment {
  return { path, header, end: undefined, marks: [{ offset: headerBytes, line: 2, head: headBefore(header) }], checked: false };
}

/** The head that a segment continues. */
export function headBefore(header: Header): Head {
  return { seq: header.first - 1, hash: header.prev };
}

/** Reads and checks the header of a segment; throws JournalDamaged. */
export async function openSegment(disk: Disk, path: string, installation: string | undefined): Promise<Segment> {
  const file = await disk.open(path, 'read');
  try {
    return await readSegment(file, path, installation);
  } finally {
    await file.close();
  }
}

async function readSegment(file: DiskFile, path: string, installation: string | undefined): Promise<Segment> {
  const start = Buffer.alloc(MAX_MARK_BYTES);
  const text = start.toString('latin1', 0, await file.read(start, 0));
  const line = text.includes('\n') ? text.slice(0, text.indexOf('\n')) : text;
  const header = text.includes('\n') ? parseHeader(line) : 'The first line is not the header of a journal segment.';
  const damage = { file: path, line: 1, seq: firstOf(path) };
  if (typeof header === 'string') throw new JournalDamaged({ ...damage, code: 'header', message: header });
  if (header.first !== firstOf(path)) {
    throw new JournalDamaged({
      ...damage,
      code: 'header',
      message: `The file is named after commit ${firstOf(path)}, and its header says ${header.first}.`,
    });
  }
  if (installation !== undefined && header.installation !== installation) {
    const message = `The segment belongs to installation ${header.installation}, and this is ${installation}.`;
    throw new JournalDamaged({ ...damage, code: 'installation', message });
  }
  return newSegment(path, header, line.length + 1);
}

/** The hash that the last line of a sealed segment carries; undefined when it does not end with a commit. */
export async function lastHash(disk: Disk, path: string): Promise<string | undefined> {
  const file = await disk.open(path, 'read');
  try {
    const end = Buffer.alloc(MAX_MARK_BYTES);
    const size = await file.size();
    const from = Math.max(0, size - end.length);
    const read = end.subarray(0, await file.read(end, from));
    return read[read.length - 1] === 0x0a ? readHash(read.subarray(0, -1)) : undefined;
  } finally {
    await file.close();
  }
}

/** What is wrong between a segment and the head that it should continue, if anything. */
export function joinFlaw(segment: Segment, before: Head): Damage | undefined {
  const { first, prev } = segment.header;
  if (prev === before.hash && first === before.seq + 1) return undefined;
  const gone = first > before.seq + 1 ? `Commits ${before.seq + 1} to ${first - 1} are missing before this segment.` : '';
  const message = gone || `The segment does not continue commit ${before.seq}, which ends what stands before it.`;
  return { file: segment.path, line: 1, seq: before.seq + 1, code: gone ? 'missing_segment' : 'chain', message };
}

/** The head that the first segment of a journal must continue. */
export const BEGINNING: Head = { seq: 0, hash: NO_HASH };

/** Remembers where a batch begins, if the last mark is far enough behind. */
export function addMark(segment: Segment, batch: Pick<Batch, 'offset' | 'line'>, head: Head): void {
  const last = segment.marks[segment.marks.length - 1];
  if (!last || batch.offset - last.offset >= MARK_EVERY) segment.marks.push({ offset: batch.offset, line: batch.line, head });
}

/** The last mark before the commit `seq`. */
export function markBefore(segment: Segment, seq: number): Mark {
  const found = segment.marks.findLast((mark) => mark.head.seq < seq) ?? segment.marks[0];
  if (!found) throw new Error(`The segment ${segment.path} has no mark behind its header.`);
  return found;
}

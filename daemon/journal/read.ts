/**
 * Reads commits back, across segments.
 *
 * 1. Every commit that is handed out continues the chain from the one before it, and its batch's checksum was good.
 * 2. Hashes are computed where nobody in this process has done so yet.
 * 3. A place that is not what was written throws JournalDamaged; nothing behind it is handed out.
 */
import type { Commit } from '../../shared/events/envelope.ts';
import type { Disk, DiskFile } from './disk.ts';
import { parseCommit } from './format.ts';
import { JournalDamaged, type DamageCode, type Head } from './port.ts';
import { checkLines, linesOf, skipBatch, walkBatches, type Batch } from './scan.ts';
import { addMark, joinFlaw, listSegments, markBefore, openSegment, type Segment } from './segments.ts';

/** The first and last seq to read. */
export interface Range {
  from: number;
  to: number;
}

/** The commits of a range, in lists as they come from the disk; throws JournalDamaged, also when the range is not all there. */
export async function* readLists(disk: Disk, segments: readonly Segment[], range: Range): AsyncGenerator<Commit[]> {
  if (range.from > range.to) return;
  let at = Math.max(
    0,
    segments.findLastIndex((segment) => segment.header.first <= range.from),
  );
  let head: Head | undefined;
  for (let segment = segments[at]; segment; segment = segments[++at]) {
    const flaw = head && joinFlaw(segment, head);
    if (flaw) throw new JournalDamaged(flaw);
    head = yield* readSegment(disk, segment, range);
    if (head.seq >= range.to) return;
  }
  const file = segments[segments.length - 1]?.path ?? '';
  const seq = (head?.seq ?? 0) + 1;
  throw new JournalDamaged({
    file,
    line: 0,
    seq,
    code: 'missing',
    message: `The journal ends before commit ${seq}; commit ${range.to} was there.`,
  });
}

async function* readSegment(disk: Disk, segment: Segment, range: Range): AsyncGenerator<Commit[], Head> {
  const file = await disk.open(segment.path, 'read');
  try {
    return yield* readBatches(file, segment, range);
  } finally {
    await file.close();
  }
}

async function* readBatches(file: DiskFile, segment: Segment, range: Range): AsyncGenerator<Commit[], Head> {
  const mark = markBefore(segment, range.from);
  let head = mark.head;
  let whole = !segment.checked && mark === segment.marks[0];
  const walk = walkBatches(file, mark, segment.end ?? (await file.size()));
  for (;;) {
    const step = await walk.next();
    if (step.done) {
      if (step.value.kind === 'flaw') throw damageAt(segment, head, step.value);
      if (whole) segment.checked = true;
      return head;
    }
    const batch = step.value;
    addMark(segment, batch, head);
    if (head.seq + batch.frame.count < range.from) {
      const next = skipBatch(batch, head);
      if (!next)
        throw damageAt(segment, head, {
          line: batch.line + batch.frame.count,
          code: 'not_a_commit',
          message: 'This line has not the form of a commit.',
        });
      head = next;
      whole = false;
      continue;
    }
    const { commits, next } = parseBatch(segment, batch, head);
    head = next;
    yield commits.filter(({ seq }) => seq >= range.from && seq <= range.to);
    if (head.seq >= range.to) return head;
  }
}

function parseBatch(segment: Segment, batch: Batch, head: Head): { commits: Commit[]; next: Head } {
  const lines = linesOf(batch.body);
  const next = checkLines(batch, lines, head, !segment.checked);
  if ('code' in next) throw damageAt(segment, head, next);
  const commits = lines.map((line, index) => {
    const commit = parseCommit(line);
    if (commit) return commit;
    throw damageAt(
      segment,
      { ...head, seq: head.seq + index },
      { line: batch.line + 1 + index, code: 'not_a_commit', message: 'This line is not a commit.' },
    );
  });
  return { commits, next };
}

function damageAt(segment: Segment, head: Head, flaw: { line: number; code: DamageCode; message: string; seq?: number }): JournalDamaged {
  return new JournalDamaged({ file: segment.path, line: flaw.line, seq: flaw.seq ?? head.seq + 1, code: flaw.code, message: flaw.message });
}

/** Reads a journal that another process writes, up to a commit that this one was told is durable. */
export async function readJournal(disk: Disk, dir: string): Promise<(range: Range) => AsyncGenerator<Commit[]>> {
  const segments: Segment[] = [];
  for (const path of await listSegments(disk, dir)) segments.push(await openSegment(disk, path, undefined));
  return (range) => readLists(disk, segments, range);
}

/**
 * Looks at every byte of a journal and names what is not as it was written; it changes nothing.
 *
 * 1. It goes on behind a problem, so that one changed line does not hide another.
 * 2. It goes by lines and not by what frames promise, so that it can name a record that an editor changed.
 * 3. What recovery would set aside is no problem: it is the `tail`.
 */
import { dirname } from 'node:path';
import { nodeDisk, type Disk, type DiskFile } from './disk.ts';
import { JournalDamaged, type Damage, type DamageCode, type Head } from './port.ts';
import { findWholeBatch, walkBatches } from './scan.ts';
import { firstOf, joinFlaw, listSegments, openSegment, type Segment } from './segments.ts';
import { readStart } from './start.ts';
import { linesFrom, LineChecks } from './verify-lines.ts';

/** What verification found. */
export interface Verification {
  /** True without problems. */
  ok: boolean;
  /** Sound commits. */
  commits: number;
  /** The newest sound commit. */
  head: Head;
  /** The first problems, in the order of the files. */
  problems: Damage[];
  /** How many there are in all. */
  problemCount: number;
  /** An unfinished batch at the very end: left by a crash, or being written now. */
  tail?: { file: string; bytes: number };
}

/** Most problems that are listed one by one. */
export const MAX_PROBLEMS = 100;

/** Verifies the journal in `dir/journal`; `expect` is a head that was exported earlier and must be in the chain. */
export async function verifyJournal(
  dir: string,
  { disk = nodeDisk, expect }: { disk?: Disk; expect?: Head & { installation?: string } } = {},
): Promise<Verification> {
  const paths = await listSegments(disk, dir);
  const problems: Damage[] = [];
  let problemCount = 0;
  const report = (problem: Damage): void => {
    problemCount++;
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const checks = new LineChecks(report, expect);
  let tail: Verification['tail'];
  for (const path of paths) {
    const from = await startSegment(disk, path, checks, report);
    const file = await disk.open(path, 'read');
    try {
      const size = await file.size();
      const end = path === paths[paths.length - 1] ? await findTail(file, from, size) : size;
      if (end < size) tail = { file: path, bytes: size - end };
      for await (const line of linesFrom(file, from, end)) checks.look(path, line);
      checks.endFile(path);
    } finally {
      await file.close();
    }
  }
  if (expect?.installation !== undefined && checks.installation !== undefined && expect.installation !== checks.installation)
    report(otherInstallation(expect.installation, checks.installation, paths));
  else if (expect && !checks.expectedSeen) report(expectedGone(expect, checks.head, paths));
  return { ok: problemCount === 0, commits: checks.commits, head: checks.head, problems, problemCount, ...(tail ? { tail } : {}) };
}

/** Where the lines behind the header begin. */
async function startSegment(
  disk: Disk,
  path: string,
  checks: LineChecks,
  report: (problem: Damage) => void,
): Promise<{ offset: number; line: number }> {
  let segment: Segment;
  try {
    segment = await openSegment(disk, path, checks.installation);
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    const { file, line, seq, code } = error;
    report({ file, line, seq, code, message: damageText(code) });
    // The name still says where it begins, and the first line is taken for the header.
    checks.startSegment({ seq: firstOf(path) - 1, hash: undefined }, undefined);
    return { offset: 0, line: 0 };
  }
  const flaw = joinFlaw(segment, checks.started ? checks.head : await readStart(dirname(dirname(path)), segment));
  if (flaw && !(checks.started && checks.unsure)) report(flaw);
  checks.startSegment({ seq: segment.header.first - 1, hash: segment.header.prev }, segment.header.installation);
  const [mark] = segment.marks;
  return { offset: mark?.offset ?? 0, line: mark?.line ?? 1 };
}

function damageText(code: DamageCode): string {
  return code === 'installation'
    ? 'The segment belongs to another installation than the ones before it.'
    : 'The first line is not a valid header of this segment.';
}

/** Where the last whole batch ends, if nothing whole stands behind it; the size otherwise, and its problem will be found line by line. */
async function findTail(file: DiskFile, from: { offset: number; line: number }, size: number): Promise<number> {
  if (from.line === 0) return size;
  const walk = walkBatches(file, from, size);
  for (;;) {
    const step = await walk.next();
    if (!step.done) continue;
    const { kind, offset } = step.value;
    return kind === 'flaw' && (await findWholeBatch(file, offset, size)) === undefined ? offset : size;
  }
}

function otherInstallation(expected: string, found: string, paths: readonly string[]): Damage {
  const message = `The given head is of installation ${expected}, and this journal is of installation ${found}.`;
  return { file: paths[0] ?? '', line: 0, seq: 1, code: 'installation', message };
}

function expectedGone(expect: Head, head: Head, paths: readonly string[]): Damage {
  const file = paths[paths.length - 1] ?? '';
  const message =
    expect.seq > head.seq
      ? `The journal ends at commit ${head.seq}, and the given head is commit ${expect.seq}: its end is missing.`
      : `Commit ${expect.seq} has another hash than the given head: the journal was rewritten.`;
  return { file, line: 0, seq: Math.min(expect.seq, head.seq + 1), code: expect.seq > head.seq ? 'missing' : 'chain', message };
}

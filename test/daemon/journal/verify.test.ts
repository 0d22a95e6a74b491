import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { sampleCommits, taken } from '../../contracts/journal.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { encodeBatch } from '../../../daemon/journal/format.ts';
import type { Head } from '../../../daemon/journal/port.ts';
import { verifyJournal, type Verification } from '../../../daemon/journal/verify.ts';
import { FaultDisk, FOLDER } from './fault-disk.ts';

/** Batches of three, in segments of two batches. */
async function fill(commits: number): Promise<{ disk: FaultDisk; head: Head }> {
  const disk = new FaultDisk();
  const { journal } = await openJournal({
    dir: '/state',
    installation: 'test',
    now: '2026-01-02T03:04:05.678Z',
    segmentBytes: 2_000,
    disk,
  });
  for (let seq = 0; seq < commits; seq += 3) taken(await journal.append(seq, sampleCommits(seq + 1, seq + 3)));
  await journal.close();
  return { disk, head: journal.head };
}

type Edit = (lines: string[]) => string[];

/** What verification says after somebody edited the lines of one segment; `honest` makes frames anew, as a careful forger would. */
async function afterEdit(edit: Edit, { segment = 0, honest = false, commits = 24 } = {}): Promise<string[]> {
  const { disk } = await fill(commits);
  const [path, bytes] = disk.files[segment] ?? ['', Buffer.alloc(0)];
  const [header = '', ...lines] = bytes.toString('utf8').trimEnd().split('\n');
  const edited = edit(honest ? lines.filter((line) => line.startsWith('{"seq"')) : lines);
  const body = honest ? encodeBatch(edited).toString('utf8') : `${edited.join('\n')}\n`;
  disk.put(path, Buffer.from(`${header}\n${body}`));
  return summary(await verifyJournal('/state', { disk }));
}

function summary(found: Verification): string[] {
  assert.equal(found.ok, found.problems.length === 0);
  assert.equal(found.problemCount, found.problems.length);
  for (const { file, line } of found.problems) assert.ok(file.startsWith(FOLDER) && line > 0);
  return listed(found);
}

function listed(found: Verification): string[] {
  return found.problems.map(({ seq, code }) => `${seq} ${code}`);
}

const without =
  (seq: number): Edit =>
  (lines) =>
    lines.filter((line) => !line.startsWith(`{"seq":${seq},`));
const change =
  (seq: number): Edit =>
  (lines) =>
    lines.map((line) => line.replace(`event ${seq}"`, `EVENT ${seq}"`));
const swap =
  (first: number): Edit =>
  (lines) => {
    const at = lines.findIndex((line) => line.startsWith(`{"seq":${first},`));
    return lines.with(at, lines[at + 1] ?? '').with(at + 1, lines[at] ?? '');
  };
/** Changes a commit and gives it the hash that it then should have. */
const rewrite =
  (seq: number): Edit =>
  (lines) =>
    change(seq)(lines).map((line) => {
      if (!line.includes(`EVENT ${seq}"`)) return line;
      const start = line.slice(0, line.lastIndexOf(',"hash":"'));
      return `${start},"hash":"${createHash('sha256').update(start).digest('hex')}"}`;
    });

describe('journal verify', () => {
  it('finds nothing in a sound journal, and the head that was exported', async () => {
    const { disk, head } = await fill(24);
    const found = await verifyJournal('/state', { disk, expect: head });
    assert.deepEqual(found, { ok: true, commits: 24, head, problems: [], problemCount: 0 });
  });

  const cases: [string, Edit, string[]][] = [
    ['a changed commit', change(2), ['2 changed']],
    ['two changed commits', (lines) => change(2)(change(5)(lines)), ['2 changed', '5 changed']],
    ['a removed commit', without(2), ['2 missing']],
    ['exchanged commits', swap(2), ['2 missing', '4 reordered']],
    ['a commit that was changed and hashed again', rewrite(2), ['2 chain']],
    [
      'a line of something else',
      (lines) => lines.flatMap((line) => (line.startsWith('{"seq":2,') ? ['x'.repeat(300), line] : [line])),
      ['2 not_a_commit'],
    ],
    [
      'a commit that cannot be read',
      (lines) => lines.map((line) => (line.startsWith('{"seq":2,') ? line.replace('{"seq"', '{"sEq"') : line)),
      ['2 not_a_commit'],
    ],
  ];
  for (const [name, edit, problems] of cases) {
    for (const honest of [false, true]) {
      it(`names ${name}${honest ? ', with frames made to fit' : ''}`, async () => {
        assert.deepEqual(await afterEdit(edit, { honest }), problems);
      });
    }
  }

  it('names a changed frame and a changed checksum', async () => {
    assert.deepEqual(await afterEdit((lines) => lines.with(0, (lines[0] ?? '').replace('"batch":3', '"batch":4'))), ['1 frame']);
    assert.deepEqual(await afterEdit((lines) => lines.with(0, (lines[0] ?? '').replace('"batch"', '"botch"'))), ['1 frame']);
    assert.deepEqual(
      await afterEdit((lines) =>
        lines.with(
          0,
          (lines[0] ?? '').replace(/"crc":"."?/, (crc) => crc.replace(/.$/, crc.endsWith('0') ? '1' : '0')),
        ),
      ),
      ['1 checksum'],
    );
  });

  it('names a commit that was removed from the end of a sealed segment, or the start of the last', async () => {
    assert.deepEqual(await afterEdit(without(6), { honest: true }), ['6 missing_segment']);
    assert.deepEqual(await afterEdit(without(7), { segment: 1, honest: true }), ['7 missing']);
  });

  it('names a missing segment and a changed header, and goes on behind them', async () => {
    const { disk } = await fill(24);
    const [, [second] = ['']] = disk.files;
    const gone = disk.copy();
    gone.delete(second);
    assert.deepEqual(summary(await verifyJournal('/state', { disk: gone })), ['7 missing_segment']);
    const headless = disk.copy();
    headless.put(second, Buffer.from(headless.file(second).toString().replace('"installation":"test"', '"installation":"tost"')));
    const found = await verifyJournal('/state', { disk: headless });
    assert.deepEqual([summary(found), found.commits], [['7 header'], 24]);
  });

  it('says that an unfinished batch at the end is the tail, and no damage', async () => {
    const { disk } = await fill(6);
    const [path, bytes] = disk.files[0] ?? ['', Buffer.alloc(0)];
    disk.put(path, bytes.subarray(0, bytes.length - 10));
    const found = await verifyJournal('/state', { disk });
    assert.deepEqual([found.ok, found.commits, found.tail?.file], [true, 3, path]);
  });

  it('finds a cut end and a rewritten whole against an exported head', async () => {
    const { disk, head } = await fill(24);
    const shorter = disk.copy();
    for (const [path] of disk.files.slice(-1)) shorter.delete(path);
    assert.deepEqual(listed(await verifyJournal('/state', { disk: shorter })), []);
    assert.deepEqual(listed(await verifyJournal('/state', { disk: shorter, expect: head })), ['19 missing']);
    assert.deepEqual(listed(await verifyJournal('/state', { disk, expect: { seq: 20, hash: 'a'.repeat(64) } })), ['20 chain']);
  });

  it('counts problems that it does not list', async () => {
    const { disk } = await fill(600);
    for (const [path, bytes] of disk.files) disk.put(path, Buffer.from(bytes.toString().replaceAll('event ', 'EVENT ')));
    const found = await verifyJournal('/state', { disk });
    assert.deepEqual([found.ok, found.problems.length, found.problemCount > 590], [false, 100, true]);
  });
});

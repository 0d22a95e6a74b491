import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnchainedCommit } from '../../../shared/events/envelope.ts';
import { decodeCursor, encodeCursor } from '../../../daemon/coordinator/cursor.ts';
import { readEvents } from '../../../daemon/boot/events.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { indexSealed } from '../../../daemon/journal/run-index.ts';
import type { Journal } from '../../../daemon/journal/port.ts';
import { sampleCommit, taken } from '../../contracts/journal.ts';

/** Two runs one after the other, and one that goes all the way. */
const runOf = (seq: number): string | undefined => (seq % 100 === 0 ? 'long' : seq < 300 ? 'first' : seq < 600 ? 'second' : undefined);

function commitOf(seq: number): UnchainedCommit {
  const commit = sampleCommit(seq);
  const run = runOf(seq);
  return run === undefined ? commit : { ...commit, events: commit.events.map((event) => ({ ...event, run })) };
}

describe('the index of runs', () => {
  let dir: string;
  let journal: Journal;
  let reads: number[];
  const index = (): string => join(dir, 'index');

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-run-index-'));
    ({ journal } = await openJournal({ dir, installation: 'test', now: 'now', segmentBytes: 20_000 }));
    for (let seq = 1; seq <= 900; seq += 10)
      taken(
        await journal.append(
          seq - 1,
          Array.from({ length: 10 }, (_, n) => commitOf(seq + n)),
        ),
      );
    reads = [];
  });
  afterEach(async () => {
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** The journal, which notes which commits were handed out. */
  const source = () => ({
    installation: 'test',
    home: dir,
    journal: {
      head: journal.head,
      read: async function* (from: number) {
        for await (const commit of journal.read(from)) {
          reads.push(commit.seq);
          yield commit;
        }
      },
    },
  });
  const readRun = async (run: string, cursor?: string, limit = 1_000): Promise<{ seqs: number[]; cursor: string; more: boolean }> => {
    const page = await readEvents(source(), { kind: 'run', run }, cursor, limit);
    return { ...page, seqs: page.events.map(({ id }) => Number(/-(\d+)\./.exec(id)?.[1])) };
  };
  const expected = (run: string): number[] => Array.from({ length: 900 }, (_, n) => n + 1).filter((seq) => runOf(seq) === run);

  it('finds every event of a run, and reads little else', async () => {
    const { length: segments } = await readdir(join(dir, 'journal'));
    assert.ok(segments > 10);
    for (const run of ['first', 'second', 'long', 'none']) assert.deepEqual((await readRun(run)).seqs, expected(run), run);
    assert.equal((await readdir(index())).length, segments - 1, 'one file for each sealed segment');
    for (const run of ['first', 'second', 'none']) {
      reads = [];
      assert.deepEqual((await readRun(run)).seqs, expected(run), run);
      assert.ok(reads.length < expected(run).length + 200, `${reads.length} commits were read for ${run}`);
    }
  });

  it('is made anew where it is missing, damaged, or of another chain', async () => {
    for (let made = 1; made > 0; ) made = await indexSealed(dir);
    const names = (await readdir(index())).sort();
    const [first = '', second = '', third = '', ...others] = names.map((name) => join(index(), name));
    await rm(first);
    await writeFile(second, '{"format":1');
    const file = JSON.parse(await readFile(third, 'utf8')) as object;
    await writeFile(third, JSON.stringify({ ...file, hash: 'f'.repeat(64), runs: {} }));
    assert.ok(others.length > 0);
    assert.deepEqual((await readRun('first')).seqs, expected('first'));
    assert.deepEqual((await readdir(index())).sort(), names);
    assert.notEqual(await readFile(third, 'utf8'), JSON.stringify({ ...file, hash: 'f'.repeat(64), runs: {} }));
  });

  it('goes with the segments that it is about', async () => {
    for (let made = 1; made > 0; ) made = await indexSealed(dir);
    await writeFile(join(index(), '0000000000099999.json'), '{}');
    await indexSealed(dir);
    assert.ok(!(await readdir(index())).includes('0000000000099999.json'));
  });

  it('goes on behind a cursor, to the end and from there with what is new', async () => {
    const seqs: number[] = [];
    let cursor: string | undefined;
    for (let more = true; more; ) {
      const page = await readRun('second', cursor, 30);
      seqs.push(...page.seqs);
      ({ cursor, more } = page);
    }
    assert.deepEqual(seqs, expected('second'));
    assert.deepEqual((await readRun('second', cursor)).seqs, []);
    const late = { ...sampleCommit(901), events: sampleCommit(901).events.map((event) => ({ ...event, run: 'second' })) };
    taken(await journal.append(900, [late]));
    assert.deepEqual((await readRun('second', cursor)).seqs, [901]);
  });

  it('refuses a cursor of a journal that was cut and went on otherwise', async () => {
    const { seq, hash } = decodeCursor('test', (await readRun('long')).cursor) ?? { seq: 0 };
    assert.deepEqual([seq, hash], [900, journal.head.hash.slice(0, 12)]);
    const otherwise = 'f'.repeat(64);
    for (const place of [{ seq: 900, hash: otherwise }, { seq: 400, hash: otherwise }, { seq: 901, hash }, { seq: 901 }])
      await assert.rejects(readRun('long', encodeCursor('test', place)), { code: 'cursor_unknown' });
    assert.ok((await readRun('long', encodeCursor('test', { seq: 400 }))).seqs.length > 0, 'cursors of earlier versions are served');
  });
});

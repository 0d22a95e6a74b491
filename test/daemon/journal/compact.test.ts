import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compactJournal } from '../../../daemon/journal/compact.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { loadState, makeSnapshot } from '../../../daemon/journal/snapshot.ts';
import { readRemovals } from '../../../daemon/journal/start.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import type { Commit, UnchainedCommit } from '../../../shared/events/envelope.ts';
import { emptyState, evolve } from '../../../shared/state/evolve.ts';
import { toJson } from '../../../shared/state/serialize.ts';
import { playSteps } from './histories.ts';

const HISTORY = playSteps(Array.from({ length: 300 }, (_, i) => [(i * 7) % 13, (i * 31) % 50, i] as const)).commits;
const BY = { now: '2026-01-01T00:00:00.000Z', by: 'me' };

describe('journal compaction', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-compact-'));
    await append(HISTORY.slice(0, 200));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const open = async () => (await openJournal({ dir, installation: 'test', now: 'now', segmentBytes: 4_096 })).journal;
  async function append(commits: readonly UnchainedCommit[]): Promise<void> {
    const journal = await open();
    for (const commit of commits) assert.equal((await journal.append(commit.seq - 1, [commit])).kind, 'appended');
    await journal.close();
  }
  const at = (seq: number): string => HISTORY[seq - 1]?.at ?? '';
  /** The state from what is left, against the fold of the whole history. */
  async function checkState(upTo: number): Promise<void> {
    const expected = emptyState();
    for (const commit of HISTORY.slice(0, upTo)) evolve(expected, { ...commit });
    const journal = await open();
    try {
      const loaded = await loadState(dir, journal);
      assert.deepEqual(toJson(loaded.state), toJson(expected));
    } finally {
      await journal.close();
    }
  }
  const segments = async (): Promise<string[]> => (await readdir(join(dir, 'journal'))).filter((n) => n.endsWith('.ndjson')).sort();

  it('removes whole old segments, and what is left verifies, replays and goes on', async () => {
    const before = await segments();
    await makeSnapshot(dir, 180);
    const { removed, segments: count, bytes } = await compactJournal({ dir, before: at(100), ...BY });
    assert.ok(removed && removed.last < 100 && removed.last > 50 && count > 1 && bytes > 4_096);
    assert.equal((await segments()).length, before.length - count);
    assert.deepEqual(await readRemovals(dir), [removed]);
    await checkState(200);
    await rm(join(dir, 'snapshots'), { recursive: true });
    await checkState(200);
    await append(HISTORY.slice(200));
    await checkState(HISTORY.length);
    const verification = await verifyJournal(dir);
    assert.deepEqual([verification.ok, verification.commits, verification.head.seq], [true, HISTORY.length - removed.last, HISTORY.length]);
    const journal = await open();
    const read: Commit[] = [];
    for await (const commit of journal.read(1)) read.push(commit);
    await journal.close();
    assert.deepEqual([read[0]?.seq, read.at(-1)?.seq], [removed.last + 1, HISTORY.length]);
  });

  it('is known to the verifier in the documents', async function () {
    if (spawnSync('python3', ['--version']).status !== 0) this.skip();
    const verifier = fileURLToPath(new URL('../../../docs/verify_journal.py', import.meta.url));
    const check = () => spawnSync('python3', [verifier, join(dir, 'journal')], { encoding: 'utf8' });
    await compactJournal({ dir, before: at(100), ...BY });
    const { head } = await verifyJournal(dir);
    assert.equal(check().stdout.trim(), `sound: head ${head.seq}:${head.hash}`);
    await rm(join(dir, 'journal', 'compacted.json'));
    assert.equal(check().status, 1);
  });

  it('can be done again, and says each time what was removed', async () => {
    const first = await compactJournal({ dir, before: at(60), ...BY });
    assert.equal((await compactJournal({ dir, before: at(60), ...BY })).removed, undefined);
    const second = await compactJournal({ dir, before: at(150), ...BY });
    assert.deepEqual(await readRemovals(dir), [first.removed, second.removed]);
    assert.equal(second.removed?.first, (first.removed?.last ?? 0) + 1);
    assert.equal((await readdir(join(dir, 'journal'))).filter((n) => n.startsWith('base-')).length, 1);
    await checkState(200);
    assert.equal((await verifyJournal(dir)).ok, true);
  });

  it('never touches the segment that is written', async () => {
    await compactJournal({ dir, before: '2999-01-01T00:00:00.000Z', ...BY });
    assert.equal((await segments()).length, 1);
    await checkState(200);
  });

  it('goes on where a crash cut it short', async () => {
    const names = await segments();
    const bytes = await Promise.all(names.map((name) => readFile(join(dir, 'journal', name))));
    const done = await compactJournal({ dir, before: at(100), ...BY });
    assert.ok(done.segments > 2);
    // As if only the oldest had been removed yet.
    for (let i = 1; i < done.segments; i++) await writeFile(join(dir, 'journal', names[i] ?? ''), bytes[i] ?? '');
    await checkState(200);
    assert.equal((await verifyJournal(dir)).ok, true);
    assert.equal((await compactJournal({ dir, before: at(100), ...BY })).segments, done.segments - 1);
    assert.deepEqual(await segments(), names.slice(done.segments));
    assert.deepEqual(await readRemovals(dir), [done.removed]);
    await checkState(200);
  });

  it('stops the start when more is gone than was recorded, or the base was changed', async () => {
    await compactJournal({ dir, before: at(100), ...BY });
    const [oldest = ''] = await segments();
    const bytes = await readFile(join(dir, 'journal', oldest));
    await rm(join(dir, 'journal', oldest));
    await assert.rejects(open(), { code: 'missing_segment' });
    assert.equal((await verifyJournal(dir)).ok, false);
    await writeFile(join(dir, 'journal', oldest), bytes);
    await checkState(200);
    const base = (await readdir(join(dir, 'journal'))).find((n) => n.startsWith('base-')) ?? '';
    await writeFile(join(dir, 'journal', base), '{}');
    await assert.rejects(checkState(200), { code: 'compacted_damaged' });
  });
});

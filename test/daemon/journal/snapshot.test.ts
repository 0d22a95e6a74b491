import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { UnchainedCommit } from '../../../shared/events/envelope.ts';
import { evolve, type State } from '../../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import type { Journal } from '../../../daemon/journal/port.ts';
import { loadState, makeSnapshot } from '../../../daemon/journal/snapshot.ts';
import { startSnapshot } from '../../../daemon/journal/snapshot-start.ts';
import { sampleCommits, taken } from '../../contracts/journal.ts';
import { bundleScript } from '../../support/bundle.ts';
import { playSteps, steps } from './histories.ts';

const textOf = (state: State): string => JSON.stringify(toJson(state));

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-snapshot-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function open(dir: string, segmentBytes = 4_000): Promise<Journal> {
  return (await openJournal({ dir, installation: 'test', now: '2026-01-02T03:04:05.678Z', segmentBytes })).journal;
}

async function appendAll(journal: Journal, commits: readonly UnchainedCommit[], batch = 7): Promise<void> {
  for (let at = 0; at < commits.length; at += batch) taken(await journal.append(journal.head.seq, commits.slice(at, at + batch)));
}

/** A long history with many kinds of events in it. */
const LONG = playSteps(Array.from({ length: 300 }, (_, index) => [index * 7, index * 13, index] as const));

describe('snapshots', () => {
  let programs = '';
  let childPath = '';
  before(async () => {
    programs = await mkdtemp(join(tmpdir(), 'signalbox-snapshot-child-'));
    childPath = await bundleScript("import './daemon/journal/snapshot-child.ts';", programs);
  });
  after(() => rm(programs, { recursive: true }));

  it('with the commits behind them give the same state as all commits from the start', async () => {
    const cuts = fc.array(fc.nat(100), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(steps, cuts, async (history, at) => {
        const { commits, state } = playSteps(history);
        await inFolder(async (dir) => {
          const journal = await open(dir);
          await appendAll(journal, commits);
          const replayed = await loadState(dir, journal);
          assert.equal(textOf(replayed.state), textOf(state));
          for (const cut of at.map((percent) => Math.ceil((commits.length * percent) / 100)).sort((a, b) => a - b)) {
            if (cut > 0) await makeSnapshot(dir, cut);
            const loaded = await loadState(dir, journal);
            assert.equal(textOf(loaded.state), textOf(state));
            assert.deepEqual(
              [loaded.from, loaded.replayed, loaded.hash, loaded.notices],
              [cut > 0 ? 'snapshot' : 'journal', commits.length - cut, journal.head.hash, []],
            );
          }
          await journal.close();
        });
      }),
      { numRuns: 25 },
    );
  }).timeout(20_000);

  it('are a state that goes on as the one they were made of', () => {
    const half = Math.floor(LONG.commits.length / 2);
    const state = playSteps([]).state;
    for (const commit of LONG.commits.slice(0, half)) evolve(state, commit);
    const copy = fromJson(JSON.parse(textOf(state)) as ReturnType<typeof toJson>);
    for (const commit of LONG.commits.slice(half)) evolve(copy, commit);
    assert.equal(textOf(copy), textOf(LONG.state));
  });

  it('are made by a process of its own, from the open segment too, while appends go on', async () => {
    await inFolder(async (dir) => {
      const journal = await open(dir);
      await appendAll(journal, LONG.commits.slice(0, 100));
      const making = startSnapshot({ childPath, dir, upTo: 95 });
      await appendAll(journal, LONG.commits.slice(100), 1);
      const made = await making;
      assert.deepEqual(made, { kind: 'made', seq: 95, file: join(dir, 'snapshots', '0000000000000095.json'), replayed: 95 });
      const { state, from, replayed } = await loadState(dir, journal);
      assert.deepEqual([from, replayed], ['snapshot', LONG.commits.length - 95]);
      assert.equal(textOf(state), textOf(LONG.state));
      await journal.close();
    });
  }).timeout(10_000);

  it('that cannot be made are an answer, not an error', async () => {
    await inFolder(async (dir) => {
      const journal = await open(dir);
      await appendAll(journal, LONG.commits.slice(0, 10));
      const failures = await Promise.all([
        startSnapshot({ childPath, dir, upTo: 99 }),
        startSnapshot({ childPath, dir: 'relative', upTo: 5 }),
        startSnapshot({ childPath: join(dir, 'nowhere.cjs'), dir, upTo: 5 }),
        startSnapshot({ childPath, dir, upTo: 5, execArgv: ['-e', 'setInterval(() => {}, 1000)'], timeoutMs: 300 }),
      ]);
      assert.deepEqual(
        failures.map((one) => (one.kind === 'failed' ? one.code : one.kind)),
        ['missing', 'invalid_params', 'snapshot_crashed', 'snapshot_timeout'],
      );
      await assert.rejects(readdir(join(dir, 'snapshots')), { code: 'ENOENT' });
      await journal.close();
    });
  }).timeout(10_000);

  it('keep the last two, and read only the journal behind the last', async () => {
    await inFolder(async (dir) => {
      const journal = await open(dir);
      await appendAll(journal, LONG.commits);
      for (const [upTo, replayed] of [
        [40, 40],
        [80, 40],
        [90, 10],
        [120, 30],
      ] as const)
        assert.equal((await makeSnapshot(dir, upTo)).replayed, replayed);
      assert.deepEqual((await readdir(join(dir, 'snapshots'))).sort(), ['0000000000000090.json', '0000000000000120.json']);
      await journal.close();
      // What is behind a snapshot needs no reading: it may be damaged, and verification will say so.
      const first = join(dir, 'journal', '0000000000000001.ndjson');
      await writeFile(first, (await readFile(first, 'utf8')).replace('"principal":"me"', '"principal":"ME"'));
      const again = await open(dir);
      assert.equal(textOf((await loadState(dir, again)).state), textOf(LONG.state));
      await again.close();
    });
  });

  const flaws: [string, string, (text: string) => string][] = [
    ['was cut', 'snapshot_unreadable', (text) => text.slice(0, 500)],
    ['was changed', 'snapshot_changed', (text) => text.replace('"principal":"me"', '"principal":"ME"')],
    ['was folded by another version', 'snapshot_of_other_version', (text) => text.replace(/"evolve":\d+/, '"evolve":999')],
    ['is of another chain', 'snapshot_not_in_chain', (text) => text.replace(/"hash":"\w+"/, `"hash":"${'a'.repeat(64)}"`)],
    ['has another form', 'snapshot_unreadable', () => '{"format":2}'],
  ];
  for (const [name, code, spoil] of flaws) {
    it(`that one ${name} is said, and the one before is used, then the journal`, async () => {
      await inFolder(async (dir) => {
        const journal = await open(dir);
        await appendAll(journal, LONG.commits);
        for (const upTo of [50, 100]) await makeSnapshot(dir, upTo);
        for (const [seq, from, replayed] of [
          [100, 'snapshot', LONG.commits.length - 50],
          [50, 'journal', LONG.commits.length],
        ] as const) {
          const path = join(dir, 'snapshots', `${String(seq).padStart(16, '0')}.json`);
          await writeFile(path, spoil(await readFile(path, 'utf8')));
          const loaded = await loadState(dir, journal);
          assert.deepEqual([loaded.from, loaded.replayed, loaded.notices[0]?.code], [from, replayed, code]);
          assert.equal(textOf(loaded.state), textOf(LONG.state));
        }
        await journal.close();
      });
    });
  }

  it('that are ahead of the journal are said: it lost its end', async () => {
    await inFolder(async (dir) => {
      const journal = await open(dir, 1_000_000);
      await appendAll(journal, sampleCommits(1, 20), 10);
      await makeSnapshot(dir, 20);
      await journal.close();
      const path = join(dir, 'journal', '0000000000000001.ndjson');
      const bytes = await readFile(path);
      await writeFile(path, bytes.subarray(0, bytes.length - 5));
      const again = await open(dir);
      const { state, notices } = await loadState(dir, again);
      assert.deepEqual([state.seq, notices.map(({ code }) => code)], [10, ['snapshot_ahead']]);
      await again.close();
    });
  });
});

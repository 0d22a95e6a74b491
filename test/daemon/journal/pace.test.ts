import assert from 'node:assert/strict';
import { openJournal } from '../../../daemon/journal/file.ts';
import { Pace } from '../../../daemon/journal/pace.ts';
import type { DiskFile, OpenFor } from '../../../daemon/journal/disk.ts';
import { collect, sampleCommit, sampleCommits, taken } from '../../contracts/journal.ts';
import { FaultDisk } from './fault-disk.ts';

/** Appends until a small one may block again. */
function countOwed(pace: Pace): number {
  for (let count = 0; count < 10_000; count++) {
    if (pace.mayBlock(100)) return count;
    pace.note(0.1);
  }
  throw new Error('It never blocks again.');
}

/** A disk whose writes through the pool wait until they are let go, and that says how each was written. */
class HeldDisk extends FaultDisk {
  readonly how: string[] = [];
  hold: Promise<void> = Promise.resolve();

  override async open(path: string, how: OpenFor): Promise<DiskFile> {
    const file = await super.open(path, how);
    return {
      ...file,
      append: async (bytes) => {
        this.how.push('pool');
        await this.hold;
        return file.append(bytes);
      },
      appendNow: (bytes) => {
        this.how.push('now');
        return file.appendNow(bytes);
      },
    };
  }
}

describe('the pace of the journal', () => {
  it('trusts a disk after a few quick syncs, and only with small batches', () => {
    const pace = new Pace();
    assert.equal(pace.mayBlock(100), false);
    assert.equal(countOwed(pace), 8);
    assert.equal(pace.mayBlock(1_000_000), false);
  });

  for (const [ms, owed] of [
    [1.9, 0],
    [3, 12],
    [50, 200],
    [30_000, 1_000],
  ] as const) {
    it(`lets ${owed} appends go through the pool after one of ${ms} ms`, () => {
      const pace = new Pace();
      countOwed(pace);
      pace.note(ms);
      assert.equal(countOwed(pace), owed);
    });
  }

  it('never writes past a batch that the pool is writing', async () => {
    const disk = new HeldDisk();
    const { journal } = await openJournal({ dir: '/state', installation: 'test', now: '2026-01-02T03:04:05.678Z', disk });
    for (let seq = 1; seq <= 12; seq++) taken(await journal.append(seq - 1, [sampleCommit(seq)]));
    assert.equal(disk.how.at(-1), 'now', 'a quick disk and a small batch');
    let letGo = (): void => undefined;
    disk.hold = new Promise((resolve) => (letGo = resolve));
    const large = journal.append(12, sampleCommits(13, 112));
    await new Promise((resolve) => setImmediate(resolve));
    const small = journal.append(112, [sampleCommit(113)]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(journal.head.seq, 12, 'nothing is told before it is durable');
    letGo();
    taken(await large);
    taken(await small);
    assert.equal((await collect(journal.read(1))).length, 113);
    await journal.close();
  });
});

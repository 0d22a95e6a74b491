import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Commit } from '../../../shared/events/envelope.ts';
import { collect, sampleCommit, sampleCommits, taken } from '../../contracts/journal.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { JournalDamaged, JournalFailed, type Journal } from '../../../daemon/journal/port.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { FaultDisk, FOLDER, type Fault } from './fault-disk.ts';

const FIRST = `${FOLDER}/0000000000000001.ndjson`;

function open(disk: FaultDisk, segmentBytes = 1_000_000): Promise<Awaited<ReturnType<typeof openJournal>>> {
  return openJournal({ dir: '/state', installation: 'test', now: '2026-01-02T03:04:05.678Z', segmentBytes, disk });
}

/** What a reader finds after a start on this disk; also that verification agrees. */
async function recovered(disk: FaultDisk, segmentBytes?: number): Promise<Commit[]> {
  const { journal } = await open(disk, segmentBytes);
  const commits = await collect(journal.read(1));
  assert.equal(journal.head.seq, commits.length);
  await journal.close();
  const found = await verifyJournal('/state', { disk });
  assert.deepEqual([found.problems, found.tail, found.commits], [[], undefined, commits.length]);
  return commits;
}

/** A journal with batches of these sizes. */
async function filled(batches: readonly number[], segmentBytes?: number): Promise<{ disk: FaultDisk; commits: Commit[] }> {
  const disk = new FaultDisk();
  const { journal } = await open(disk, segmentBytes);
  const commits: Commit[] = [];
  for (const size of batches)
    commits.push(...taken(await journal.append(commits.length, sampleCommits(commits.length + 1, commits.length + size))));
  await journal.close();
  return { disk, commits };
}

describe('journal under faults', () => {
  const faults: [string, Omit<Fault, 'on'>][] = [
    ['EIO on write', { op: 'append', error: 'EIO' }],
    ['ENOSPC on write', { op: 'append', error: 'ENOSPC' }],
    ['a short write', { op: 'append', short: 100 }],
    ['a write of nothing', { op: 'append', short: 0 }],
    ['EIO on fdatasync', { op: 'datasync', error: 'EIO' }],
    ['ENOSPC on fdatasync', { op: 'datasync', error: 'ENOSPC' }],
  ];
  for (const [name, fault] of faults) {
    it(`is dead after ${name}, and loses nothing that it answered`, async () => {
      const disk = new FaultDisk();
      const { journal } = await open(disk);
      const answered = taken(await journal.append(0, sampleCommits(1, 3)));
      disk.faults = [{ ...fault, on: disk.count(fault.op) + 1 }];
      const reason = fault.error ?? 'SHORT_WRITE';
      const failed = (error: unknown): boolean =>
        error instanceof JournalFailed && error.code === 'journal_failed' && error.reason === reason;
      const waiting = [journal.append(3, sampleCommits(4, 5)), journal.append(5, [sampleCommit(6)])];
      for (const one of waiting) await assert.rejects(one, failed);
      const writes = [disk.count('append'), disk.count('datasync')];
      await assert.rejects(journal.append(3, [sampleCommit(4)]), failed, 'nothing is retried');
      assert.deepEqual([disk.count('append'), disk.count('datasync')], writes);
      assert.equal(journal.head.seq, 3);
      assert.deepEqual(await collect(journal.read(1)), answered, 'readers do not see what is not durable');
      await journal.close();
      assert.deepEqual(await recovered(disk.losePower()), answered);
      const afterExit = await recovered(disk.copy());
      assert.deepEqual(afterExit.slice(0, 3), answered);
      assert.ok(afterExit.length === 3 || afterExit.length === 5, 'the batch is there whole, or not at all');
    });
  }

  it('does not trust what it reads back after a failed sync', async () => {
    const disk = new FaultDisk();
    const { journal } = await open(disk);
    disk.faults = [{ op: 'datasync', on: disk.count('datasync') + 1, error: 'EIO' }];
    await assert.rejects(journal.append(0, sampleCommits(1, 2)), JournalFailed);
    await journal.close();
    // The next process sees the batch, though the disk has none of it, and builds on it.
    const again = await open(disk);
    assert.equal(again.journal.head.seq, 2);
    taken(await again.journal.append(2, [sampleCommit(3)]));
    const seen = await collect(again.journal.read(1));
    await again.journal.close();
    assert.deepEqual(await recovered(disk.losePower()), seen);
  });

  for (const op of ['append', 'datasync', 'rename', 'syncFolder'] as const) {
    it(`survives a failed ${op} when a segment begins`, async () => {
      const disk = new FaultDisk();
      const { journal } = await open(disk, 500);
      const answered = taken(await journal.append(0, sampleCommits(1, 3)));
      disk.faults = [{ op, on: disk.count(op) + 1, error: 'EIO' }];
      await assert.rejects(journal.append(3, [sampleCommit(4)]), JournalFailed);
      await journal.close();
      assert.deepEqual(await recovered(disk.losePower(), 500), answered);
      assert.deepEqual(await recovered(disk.copy(), 500), answered);
    });
  }

  it('makes the name of a segment durable that the last process left without, before it appends to it', async () => {
    const disk = new FaultDisk();
    const { journal } = await open(disk, 500);
    taken(await journal.append(0, sampleCommits(1, 3)));
    disk.faults = [{ op: 'syncFolder', on: disk.count('syncFolder') + 1, error: 'EIO' }];
    await assert.rejects(journal.append(3, [sampleCommit(4)]), JournalFailed);
    await journal.close();
    // The process is gone and the system still has the new segment, whose name is not durable.
    const next = await open(disk, 500);
    taken(await next.journal.append(3, [sampleCommit(4)]));
    const answered = await collect(next.journal.read(1));
    await next.journal.close();
    assert.ok(disk.files.length >= 2, 'a second segment was begun');
    assert.deepEqual(await recovered(disk.losePower(), 500), answered);
  });

  it('survives a crash at every byte of the last batch', async () => {
    const { disk, commits } = await filled([2, 3]);
    const bytes = disk.file(FIRST);
    const boundary = bytes.lastIndexOf('{"batch"');
    for (let size = boundary; size < bytes.length; size++) {
      const torn = disk.copy();
      torn.put(FIRST, bytes.subarray(0, size));
      const { journal, setAside } = await open(torn);
      assert.equal(setAside?.bytes ?? 0, size - boundary);
      if (setAside) assert.deepEqual(torn.file(setAside.file), bytes.subarray(boundary, size));
      assert.deepEqual(await collect(journal.read(1)), commits.slice(0, 2));
      assert.deepEqual(
        (await append(journal, 3)).map(({ seq }) => seq),
        [3],
      );
      await journal.close();
    }
  });

  it('accepts no changed bit anywhere: it throws, or what it cannot trust is set aside', async () => {
    const { disk, commits } = await filled([1, 2, 3, 1, 2], 1_400);
    const files = disk.files;
    assert.ok(files.length >= 2);
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << ((at * 5) % 8));
        const damaged = disk.copy();
        damaged.put(path, changed);
        await assertSeen(damaged, commits, `${path} byte ${at}`);
      }
    }
  }).timeout(20_000);

  it('keeps all that it answered through random faults and power losses, with any sectors of the rest', async () => {
    const run = fc.record({
      batches: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
      fault: fc.record({
        op: fc.constantFrom<Fault['op']>('append', 'datasync', 'rename', 'syncFolder', 'overwrite'),
        on: fc.integer({ min: 1, max: 14 }),
        how: fc.constantFrom('EIO', 'ENOSPC', 300, 1),
      }),
      sectors: fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
      power: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ batches, fault: { op, on, how }, sectors, power }) => {
        let disk = new FaultDisk();
        const answered: Commit[] = [];
        for (let starts = 0; starts < 3; starts++) {
          disk.faults = [{ op, on, ...(typeof how === 'number' ? { short: how } : { error: how }) }];
          await appendUntilItFails(disk, batches, answered);
          disk = power ? disk.losePower((sector) => sectors[sector % sectors.length] ?? false) : disk.copy();
          const found = await recovered(disk.copy(), 1_500);
          assert.deepEqual(found.slice(0, answered.length), answered);
          answered.splice(0, answered.length, ...found);
        }
      }),
      { numRuns: 120 },
    );
  }).timeout(20_000);
});

async function append(journal: Journal, seq: number): Promise<Commit[]> {
  return taken(await journal.append(seq - 1, [sampleCommit(seq)]));
}

async function assertSeen(damaged: FaultDisk, commits: readonly Commit[], where: string): Promise<void> {
  const found = await verifyJournal('/state', { disk: damaged });
  assert.ok(!found.ok || found.tail !== undefined, `verify saw nothing: ${where}`);
  try {
    const { journal, setAside } = await open(damaged.copy());
    const read = await collect(journal.read(1));
    assert.ok(setAside, `nothing was said: ${where}`);
    assert.deepEqual(read, commits.slice(0, 7), `only the last batch may be taken for unsynced: ${where}`);
    assert.ok(found.ok, 'verify agrees that it is only the end');
  } catch (error) {
    assert.ok(error instanceof JournalDamaged, `${where}: ${String(error)}`);
    assert.ok(!found.ok, `verify found nothing and the start did: ${where}`);
  }
}

async function appendUntilItFails(disk: FaultDisk, batches: readonly number[], answered: Commit[]): Promise<void> {
  try {
    const { journal } = await open(disk, 1_500);
    answered.splice(0, answered.length, ...(await collect(journal.read(1))));
    for (const size of batches) {
      const { seq } = journal.head;
      answered.push(...taken(await journal.append(seq, sampleCommits(seq + 1, seq + size))));
    }
    await journal.close();
  } catch (error) {
    const code = error instanceof JournalFailed ? error.reason : (error as NodeJS.ErrnoException).code;
    if (!['EIO', 'ENOSPC', 'SHORT_WRITE'].includes(code ?? '')) throw error;
  }
}

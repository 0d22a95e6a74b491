import assert from 'node:assert/strict';
import type { Refusal } from '../../../shared/protocol/errors.ts';
import type { Command } from '../../../daemon/commands.ts';
import { JournalFailed } from '../../../daemon/journal/port.ts';
import { watchSpace } from '../../../daemon/journal/space.ts';
import { startSmallDaemon } from '../../torture/small-daemon.ts';
import { FaultDisk } from './fault-disk.ts';

const MB = 1024 * 1024;
const task = (id: string): Command => ({
  type: 'task/submit',
  task: id,
  wants: 'a',
  action: 'do',
  payload: {},
  artifacts: {},
  priority: 0,
  timeoutMs: 1_000,
  maxAttempts: 1,
});

describe('free space', () => {
  const watch = (left: { mb: number }) => {
    const looks: string[] = [];
    const changes: (number | undefined)[] = [];
    let at = 0;
    const space = watchSpace({
      dir: '/state',
      minBytes: 256 * MB,
      freeBytes: async (folder) => {
        looks.push(folder);
        return left.mb * MB;
      },
      now: () => at,
      onChange: (low) => changes.push(low?.free),
    });
    return { space, looks, changes, pass: (ms: number) => (at += ms) };
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it('is looked at once a second at most, and never waited for', async () => {
    const left = { mb: 1_000 };
    const { space, looks, pass } = watch(left);
    await space.look();
    for (let i = 0; i < 1_000; i++) assert.equal(space.refusal(), undefined);
    assert.deepEqual(looks, ['/state']);
    left.mb = 100;
    pass(1_000);
    assert.equal(space.refusal(), undefined, 'the look that it starts is not waited for');
    await settle();
    assert.equal(space.refusal()?.code, 'disk_full');
    pass(999);
    space.refusal();
    assert.equal(looks.length, 2);
  });

  it('says where and how much, and when there is enough again', async () => {
    const left = { mb: 100 };
    const { space, changes, pass } = watch(left);
    await space.look();
    const refusal = space.refusal();
    assert.match(refusal?.message ?? '', /\/state has 100 MB of the 256 MB left.*SIGNALBOX_MIN_FREE_MB/);
    assert.deepEqual(refusal?.facts, { path: '/state', freeBytes: 100 * MB, minBytes: 256 * MB });
    left.mb = 300;
    pass(5_000);
    space.refusal();
    await settle();
    assert.equal(space.refusal(), undefined);
    assert.deepEqual(changes, [100 * MB, undefined]);
  });

  it('refuses nothing where the system cannot be asked, or the threshold is 0', async () => {
    const broken = watchSpace({ dir: '/state', minBytes: MB, freeBytes: () => Promise.reject(new Error('ENOSYS')) });
    await broken.look();
    assert.equal(broken.refusal(), undefined);
    const off = watchSpace({ dir: '/state', minBytes: 0, freeBytes: async () => 0 });
    await off.look();
    assert.equal(off.refusal(), undefined);
  });

  it('asks the real file system', async () => {
    const space = watchSpace({ dir: process.cwd(), minBytes: Number.MAX_SAFE_INTEGER });
    await space.look();
    assert.ok(Number(space.refusal()?.facts?.['freeBytes']) > 0);
  });
});

describe('a disk that is full', () => {
  it('takes no new work, answers again what it took, and lets running work end', async () => {
    let full: Refusal | undefined;
    const waiting: string[] = [];
    const disk = new FaultDisk();
    const small = await startSmallDaemon({ disk, epoch: 'e', refuseNewWork: () => full, work: (attempt) => void waiting.push(attempt) });
    assert.ok((await small.submit(task('one'))).ok);
    await small.coordinator.idle();
    full = { code: 'disk_full', message: 'full' };
    const refused = await small.submit(task('two'));
    assert.deepEqual(refused, { ok: false, refusal: full });
    const workflow = { name: 'w', version: 1, digest: 'd' };
    assert.deepEqual(await small.submit({ type: 'run/start', run: 'r', workflow, inputs: {}, again: false }), { ok: false, refusal: full });
    assert.deepEqual(await small.submit(task('one')), { ok: true, commit: undefined }, 'a retry is harmless');
    const [attempt = ''] = waiting;
    assert.ok((await small.submit({ type: 'attempt/run', attempt, token: 1 })).ok);
    assert.ok((await small.submit({ type: 'attempt/end', attempt, token: 1, ending: { status: 'succeeded', values: {} } })).ok);
    assert.equal(small.coordinator.state.tasks.get('one')?.status, 'completed');
    full = undefined;
    assert.ok((await small.submit(task('two'))).ok);
    await small.journal.close();
  });

  it('stops at an append that finds no room: nobody is answered, and the last word says what to do', async () => {
    const disk = new FaultDisk();
    const small = await startSmallDaemon({ disk, epoch: 'e' });
    await small.submit(task('one'));
    await small.coordinator.idle();
    const { seq } = small.coordinator.state;
    disk.faults = [{ op: 'append', on: disk.count('append') + 1, error: 'ENOSPC' }];
    const answered = small.submit(task('two')).then(() => 'answered');
    const error = await small.died;
    assert.ok(error instanceof JournalFailed);
    assert.equal(error.reason, 'ENOSPC');
    assert.match(
      error.message,
      /could not be written \(ENOSPC.*Nothing more is recorded\. Make space on the disk, then start the daemon again\./,
    );
    void small.submit(task('three')).then(() => assert.fail('it goes on after the end'));
    const settled = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 20, 'silent'))]);
    assert.equal(settled, 'silent');
    assert.equal(small.coordinator.state.seq, seq, 'nothing is shown that is not durable');
  });
});

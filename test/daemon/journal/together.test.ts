import assert from 'node:assert/strict';
import { createCoordinator, type CoordinatorOptions } from '../../../daemon/coordinator/coordinator.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { emptyState } from '../../../shared/state/evolve.ts';
import { collect, sampleCommits, taken } from '../../contracts/journal.ts';
import { startSmallDaemon } from '../../torture/small-daemon.ts';
import { FaultDisk } from './fault-disk.ts';

async function openOptions(): Promise<CoordinatorOptions> {
  const { journal } = await openJournal({ dir: '/state', installation: 'test', now: '2026-01-02T03:04:05.678Z', disk: new FaultDisk() });
  const context = {
    epoch: 'e',
    host: 'h',
    bootId: 'b',
    newId: () => 'id',
    judge: () => assert.fail(),
    digest: () => '',
    approvalMs: 1,
    taskTimeoutMs: 1_000,
    admits: () => false,
    permits: () => true,
    random: () => 0.5,
  };
  return { journal, published: emptyState(), tentative: emptyState(), now: () => 0, onFatal: () => undefined, context };
}

describe('the coordinator and its journal', () => {
  it('does not begin on a state that is not the one of the journal', async () => {
    const options = await openOptions();
    createCoordinator(options);
    assert.throws(
      () => createCoordinator({ ...options, published: { ...emptyState(), seq: 1 } }),
      /The journal stands at 0, the state at 1/,
    );
    assert.throws(() => createCoordinator({ ...options, tentative: { ...emptyState(), seq: 1 } }), /the tentative state at 1/);
    taken(await options.journal.append(0, sampleCommits(1, 2)));
    assert.throws(() => createCoordinator(options), /The journal stands at 2, the state at 0/);
    await options.journal.close();
  });

  it('does not begin on a state without a time', async () => {
    const options = await openOptions();
    assert.throws(() => createCoordinator({ ...options, published: { ...emptyState(), at: '' } }), /has no time/);
    await options.journal.close();
  });

  it('stops when somebody else appended, and answers nobody', async () => {
    const small = await startSmallDaemon({ disk: new FaultDisk(), epoch: 'e' });
    await small.coordinator.idle();
    const { seq } = small.journal.head;
    taken(await small.journal.append(seq, sampleCommits(seq + 1, seq + 1)));
    void small.submit({ type: 'daemon/resume', sleptMs: 1 }).then(() => assert.fail('it was answered'));
    const error = await small.died;
    assert.match(error instanceof Error ? error.message : '', /somebody else appended/);
    await small.journal.close();
  });

  it('never lets time go back, also across a restart with a clock that did', async () => {
    const options = await openOptions();
    let clock = 1_700_000_000_000;
    const coordinator = createCoordinator({ ...options, now: () => clock });
    const tell = (reason: string) =>
      coordinator.submit({ type: 'daemon/stop', reason, drained: true }, { principal: 'test', cause: 'test' });
    await tell('first');
    clock -= 60_000;
    await tell('second');
    const state = { ...emptyState(), seq: coordinator.state.seq, at: coordinator.state.at };
    const again = createCoordinator({ ...options, published: state, tentative: { ...state }, now: () => clock - 60_000 });
    await again.submit({ type: 'daemon/stop', reason: 'third', drained: true }, { principal: 'test', cause: 'test' });
    const times = (await collect(options.journal.read(1))).map(({ at }) => at);
    assert.deepEqual(times, [...times].sort());
    assert.equal(times.length, 3);
    await options.journal.close();
  });
});

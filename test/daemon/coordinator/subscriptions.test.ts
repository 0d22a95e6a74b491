import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCoordinator, type Coordinator } from '../../../daemon/coordinator/coordinator.ts';
import { encodeCursor } from '../../../daemon/coordinator/cursor.ts';
import { createSubscriptions, type Subscriber, type Subscriptions } from '../../../daemon/coordinator/subscriptions.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import type { EventScope } from '../../../shared/protocol/methods.ts';
import { emptyState, evolve, type Recorded, type State } from '../../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import { Simulation } from '../../support/engine.ts';

const ORIGIN = { principal: 'test', cause: 'test' };

/** Reads what it is given, while it has room. */
class Reader implements Subscriber {
  readonly commits: Recorded[] = [];
  readonly lost: string[] = [];
  readonly params: string[] = [];
  room = Infinity;
  notify(name: string, params: unknown): void {
    if (name === 'events/lost') this.lost.push((params as { reason: string }).reason);
  }
  offer(_name: 'events/recorded', params: string): boolean {
    if (this.params.length >= this.room) return false;
    this.params.push(params);
    this.commits.push(...(JSON.parse(params) as { commits: Recorded[] }).commits);
    return true;
  }
}

describe('subscriptions', () => {
  let dir: string;
  let coordinator: Coordinator;
  let subscriptions: Subscriptions;
  let close: () => Promise<void>;
  let state: State;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-subscriptions-'));
    const { journal } = await openJournal({ dir, installation: 'test', now: 'now' });
    const { now: _, ...context } = new Simulation().context;
    coordinator = createCoordinator({
      journal,
      published: emptyState(),
      tentative: emptyState(),
      context,
      now: Date.now,
      onFatal: (error) => assert.fail(String(error)),
    });
    state = coordinator.state;
    subscriptions = createSubscriptions({
      state,
      installation: 'test',
      journal,
      log: (event, facts) => assert.fail(`${event} ${JSON.stringify(facts)}`),
    });
    coordinator.onRecorded(subscriptions.publish);
    close = () => journal.close();
  });
  afterEach(async () => {
    await close();
    await rm(dir, { recursive: true, force: true });
  });
  let submitted = 0;
  // The answer comes before subscribers are told.
  const record = async (count: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: count }, () =>
        coordinator.submit({ type: 'principal/add', name: `p${++submitted}`, scopes: [], expiresAt: '' }, ORIGIN),
      ),
    );
    await coordinator.idle();
  };
  const recordRun = async (run: string): Promise<void> => {
    await coordinator.submit({ type: 'run/start', run, workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: true }, ORIGIN);
    await coordinator.idle();
  };
  const cursor = (seq: number, hash?: string): string => encodeCursor('test', { seq, hash });
  const untilAt = async (reader: Reader, seq: number): Promise<void> => {
    while ((reader.commits.at(-1)?.seq ?? 0) < seq) await new Promise(setImmediate);
  };
  /** All that it was answered and told, as numbers. */
  const seqs = (answer: { commits?: Recorded[] }, reader: Reader): number[] =>
    [...(answer.commits ?? []), ...reader.commits].map((c) => c.seq);
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it('serve a cursor of any age once and in order, while more is recorded', async () => {
    await record(9_000);
    for (const after of [0, 1, 500, 8_999, 9_000]) {
      const reader = new Reader();
      const answering = subscriptions.subscribe(reader, `s${after}`, { kind: 'all' }, cursor(after));
      const before = state.seq;
      await record(300);
      const answer = await answering;
      assert.equal(answer.snapshot, undefined);
      await untilAt(reader, before + 300);
      assert.deepEqual(seqs(answer, reader), range(after + 1, before + 300), `after ${after}`);
      assert.ok((answer.commits?.length ?? 0) <= 1_000);
      subscriptions.unsubscribe(`s${after}`);
    }
  });

  it('give only what the scope sees', async () => {
    await recordRun('mine');
    await record(5_000);
    await recordRun('other');
    const reader = new Reader();
    const scope: EventScope = { kind: 'run', run: 'mine' };
    const answer = await subscriptions.subscribe(reader, 's', scope, cursor(0));
    await coordinator.submit({ type: 'run/cancel', run: 'other', reason: '' }, ORIGIN);
    await coordinator.submit({ type: 'run/cancel', run: 'mine', reason: '' }, ORIGIN);
    await coordinator.idle();
    assert.deepEqual(seqs(answer, reader), [1, 5_004]);
  });

  it('fold to the same state as the daemon has, from any cursor', async () => {
    for (let i = 0; i < 20; i++) await recordRun(`r${i}`);
    const folded = emptyState();
    const reader = new Reader();
    const answer = await subscriptions.subscribe(reader, 's', { kind: 'all' }, cursor(0));
    await recordRun('last');
    for (const commit of [...(answer.commits ?? []), ...reader.commits]) evolve(folded, commit);
    assert.deepEqual(toJson(folded), toJson(fromJson(toJson(state))));
  });

  it('give the state instead of a history that is too long, of another journal, or ahead of this one', async () => {
    await record(10_500);
    await record(10_000);
    for (const given of [undefined, cursor(3), encodeCursor('other', { seq: 20_400 }), cursor(99_999), 'nonsense']) {
      const reader = new Reader();
      const answer = await subscriptions.subscribe(reader, 's', { kind: 'all' }, given);
      assert.equal(answer.commits, undefined);
      assert.equal(answer.snapshot?.seq, state.seq);
      const before = state.seq;
      await record(3);
      assert.deepEqual(seqs(answer, reader), range(before + 1, before + 3));
    }
  });

  it('give the state to who stands at a commit that this journal does not have, and news to who stands where it says', async () => {
    await record(5_000);
    const answer = await subscriptions.subscribe(new Reader(), 'now', { kind: 'all' }, undefined);
    const other = 'f'.repeat(64);
    for (const [given, snapshot] of [
      [answer.cursor, false],
      [cursor(5_000, other), true],
      // In memory, and so far behind that it is read from the journal.
      [cursor(4_990, other), true],
      [cursor(2, other), true],
      [cursor(2), false],
      [cursor(0, other), false],
    ] as const) {
      const { snapshot: state, commits } = await subscriptions.subscribe(new Reader(), 's', { kind: 'all' }, given);
      assert.deepEqual([state !== undefined, commits !== undefined], [snapshot, !snapshot], Buffer.from(given, 'base64url').toString());
      subscriptions.unsubscribe('s');
    }
  });

  it('give cursors that say where they stand, in answers, news and pages', async () => {
    await record(3_000);
    const reader = new Reader();
    const given: string[] = [(await subscriptions.subscribe(reader, 's', { kind: 'all' }, cursor(0))).cursor];
    await untilAt(reader, 3_000);
    await record(2);
    given.push(...reader.params.map((params) => (JSON.parse(params) as { cursor: string }).cursor));
    assert.ok(given.length >= 4);
    for (const one of given) {
      assert.match(Buffer.from(one, 'base64url').toString(), /^2:test:\d+:[0-9a-f]{12}$/);
      const { commits } = await subscriptions.subscribe(new Reader(), 'again', { kind: 'all' }, one);
      assert.ok(commits, 'its own cursor is served');
      subscriptions.unsubscribe('again');
    }
  });

  it('tell a slow subscriber that it lost them, once, and take it up again where it stands', async () => {
    const slow = new Reader();
    const quick = new Reader();
    await subscriptions.subscribe(slow, 'slow', { kind: 'all' }, cursor(0));
    await subscriptions.subscribe(quick, 'quick', { kind: 'all' }, cursor(0));
    slow.room = 2;
    for (let i = 0; i < 6; i++) await record(1);
    assert.deepEqual([slow.commits.length, slow.lost.length, quick.commits.length], [2, 1, 6]);
    slow.room = Infinity;
    const answer = await subscriptions.subscribe(slow, 'again', { kind: 'all' }, cursor(2));
    await record(1);
    assert.deepEqual(
      seqs(answer, slow).sort((a, b) => a - b),
      range(1, 7),
    );
  });

  it('write what a scope sees once for all who look at it', async () => {
    const readers = Array.from({ length: 5 }, () => new Reader());
    for (const [i, reader] of readers.entries()) await subscriptions.subscribe(reader, `s${i}`, { kind: 'all' }, undefined);
    await record(10);
    const [first, ...others] = readers.map(({ params }) => params.map((p) => p.replace(/"subscription":"s\d"/, '')));
    for (const other of others) assert.deepEqual(other, first);
  });

  it('end with the connection, also while what was missed is read', async () => {
    await record(5_000);
    const reader = new Reader();
    const answering = subscriptions.subscribe(reader, 's', { kind: 'all' }, cursor(0));
    subscriptions.unsubscribe('s');
    await answering;
    await record(10);
    assert.deepEqual(reader.commits, []);
  });
});

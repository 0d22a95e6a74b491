import assert from 'node:assert/strict';
import { createReplica, type Attachable } from '../../../shared/client/replica.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { NotificationName, Notifications } from '../../../shared/protocol/methods.ts';
import type { SubscribeResult } from '../../../shared/protocol/views.ts';
import { emptyState, evolve, type Recorded } from '../../../shared/state/evolve.ts';
import { toJson } from '../../../shared/state/serialize.ts';

/** A commit that registers one more slot for the agent `a`, so that folding twice shows. */
function attemptStarts(seq: number): Recorded {
  const data = { token: seq, host: 'h', bootId: 'b' };
  return {
    seq,
    at: new Date(seq * 1_000).toISOString(),
    principal: 'daemon',
    events: [
      { type: 'attempt.starting', v: 1, stream: 't', id: `e-${seq}`, tenant: 'local', agent: 'a', task: 't', attempt: `at-${seq}`, data },
    ],
  };
}

function registered(): Recorded {
  const data = { role: '', capabilities: [], tags: [], adapter: 'remote' as const, slots: 100 };
  return {
    seq: 1,
    at: new Date(0).toISOString(),
    principal: 'user',
    events: [{ type: 'agent.registered', v: 1, stream: 'agent/a', id: 'e-1', tenant: 'local', agent: 'a', data }],
  };
}

/** One connection whose answers the test gives. */
class Line implements Attachable {
  readonly asked: { scope: unknown; cursor?: string }[] = [];
  closed = false;
  readonly #listeners = new Map<string, Set<(params: never) => void>>();
  constructor(readonly answer: (line: Line) => SubscribeResult) {}
  readonly client: Attachable['client'] = {
    call: (method: string, params: unknown) => {
      if (method !== 'events/subscribe') return Promise.resolve({} as never);
      this.asked.push(params as never);
      return Promise.resolve().then(() => this.answer(this)) as never;
    },
    on: (name, listener) => {
      const set = this.#listeners.get(name) ?? new Set();
      this.#listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
  };
  say<N extends NotificationName>(name: N, params: Notifications[N]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(params as never);
  }
  close(): void {
    this.closed = true;
  }
}

const snapshotOf = (...commits: Recorded[]) => {
  const state = emptyState();
  for (const commit of commits) evolve(state, commit);
  return toJson(state);
};
const used = (replica: ReturnType<typeof createReplica>): number | undefined => replica.state().agents.get('a')?.used;

describe('the replica', () => {
  it('folds what comes after the snapshot, each commit once', async () => {
    let changes = 0;
    const replica = createReplica({ kind: 'all' }, () => (changes += 1));
    const line = new Line(() => ({ subscription: 's', cursor: 'c2', snapshot: snapshotOf(registered(), attemptStarts(2)) }));
    await replica.attach(line);
    line.say('events/recorded', { subscription: 's', commits: [attemptStarts(2), attemptStarts(3)], cursor: 'c3' });
    line.say('events/recorded', { subscription: 's', commits: [attemptStarts(3)], cursor: 'c3' });
    line.say('events/recorded', { subscription: 'another', commits: [attemptStarts(9)], cursor: 'c9' });
    assert.equal(used(replica), 2);
    assert.ok(changes >= 2);
  });

  it('keeps what arrives before the answer that names its subscription', async () => {
    const replica = createReplica({ kind: 'all' }, () => {});
    const line = new Line((self) => {
      self.say('events/recorded', { subscription: 's', commits: [attemptStarts(3)], cursor: 'c3' });
      return { subscription: 's', cursor: 'c2', snapshot: snapshotOf(registered(), attemptStarts(2)) };
    });
    await replica.attach(line);
    assert.equal(used(replica), 2);
  });

  it('asks another connection for what it missed, and hears the old one no more', async () => {
    const replica = createReplica({ kind: 'all' }, () => {});
    const first = new Line(() => ({ subscription: 's', cursor: 'c2', snapshot: snapshotOf(registered(), attemptStarts(2)) }));
    await replica.attach(first);
    const second = new Line(() => ({ subscription: 't', cursor: 'c4', commits: [attemptStarts(3), attemptStarts(4)] }));
    await replica.attach(second);
    first.say('events/recorded', { subscription: 's', commits: [attemptStarts(5)], cursor: 'c5' });
    assert.equal(second.asked[0]?.cursor, 'c2');
    assert.equal(used(replica), 3);
  });

  it('takes the whole state when its cursor is of another journal', async () => {
    const replica = createReplica({ kind: 'all' }, () => {});
    await replica.attach(new Line(() => ({ subscription: 's', cursor: 'old', snapshot: snapshotOf(registered(), attemptStarts(2)) })));
    const line = new Line((self) => {
      if (self.asked.at(-1)?.cursor !== undefined) throw new SignalboxError({ code: 'cursor_unknown', message: 'no' });
      return { subscription: 't', cursor: 'new', snapshot: snapshotOf(registered()) };
    });
    await replica.attach(line);
    assert.equal(used(replica), 0);
  });

  it('subscribes again when it was too slow, and closes the connection when that fails', async () => {
    const replica = createReplica({ kind: 'all' }, () => {});
    let refuse = false;
    const line = new Line(() => {
      if (refuse) throw new SignalboxError({ code: 'internal', message: 'no' });
      return { subscription: `s${line.asked.length}`, cursor: `c${line.asked.length}`, commits: [] };
    });
    await replica.attach(line);
    line.say('events/lost', { subscription: 's1', reason: 'slow' });
    await new Promise(setImmediate);
    assert.equal(line.asked[1]?.cursor, 'c1');
    refuse = true;
    line.say('events/lost', { subscription: 's2', reason: 'slow' });
    await new Promise(setImmediate);
    assert.equal(line.closed, true);
  });

  it('keeps the newest word of attempts that go on only', async () => {
    const replica = createReplica({ kind: 'all' }, () => {});
    const line = new Line(() => ({ subscription: 's', cursor: 'c', snapshot: snapshotOf(registered(), attemptStarts(2)) }));
    await replica.attach(line);
    const item = { attempt: 'at-2', run: '', stage: '', activity: 'executing', text: 'x', at: '' };
    line.say('attempt/progress', { items: [item, { ...item, attempt: 'unknown' }] });
    assert.deepEqual([...replica.progress.keys()], ['at-2']);
    const ended = {
      ...attemptStarts(3),
      events: [
        {
          type: 'attempt.ended' as const,
          v: 1 as const,
          stream: 't',
          id: 'e',
          tenant: 'local',
          attempt: 'at-2',
          agent: 'a',
          data: { status: 'succeeded' as const },
        },
      ],
    };
    line.say('events/recorded', { subscription: 's', commits: [ended], cursor: 'c3' });
    assert.equal(replica.progress.size, 0);
  });
});

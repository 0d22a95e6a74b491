import assert from 'node:assert/strict';
import type { Connection } from '../../../daemon/cli/connect/connection.ts';
import { createReplica } from '../../../daemon/cli/replica.ts';
import { createClient } from '../../../shared/client/client.ts';
import type { SubscribeResult } from '../../../shared/protocol/views.ts';
import type { Event } from '../../../shared/events/envelope.ts';
import { emptyState, type Recorded } from '../../../shared/state/evolve.ts';
import { toJson } from '../../../shared/state/serialize.ts';

type Request = { id: number; method: string; params: { cursor?: string } };

/** A connection whose daemon is the test: it sees requests and says what comes back. */
function connect(answer: (request: Request) => { result: unknown } | { error: unknown }) {
  const requests: Request[] = [];
  const client = createClient({
    send(text) {
      const request = JSON.parse(text) as Request;
      requests.push(request);
      setImmediate(() => client.receive(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...answer(request) })));
    },
    close: () => undefined,
  });
  const tell = (method: string, params: unknown) => client.receive(JSON.stringify({ jsonrpc: '2.0', method, params }));
  const connection = { client, close: () => undefined } as unknown as Connection;
  return { connection, requests, tell };
}

function commit(seq: number, run: string): Recorded {
  const event = {
    id: `e-${seq}.0`,
    tenant: 'local',
    type: 'run.submitted',
    v: 1,
    stream: `run/${run}`,
    run,
    data: { workflow: { name: 'w', version: 1, digest: '' }, inputs: {} },
  };
  return { seq, at: '2026-01-01T00:00:00.000Z', principal: 'user', events: [event as Event] };
}

const subscribed = (more: Partial<SubscribeResult>): { result: SubscribeResult } => ({
  result: { subscription: 's1', cursor: 'c1', ...more },
});
const snapshotAt = (seq: number) => toJson({ ...emptyState(), seq });

describe('a replica', () => {
  it('folds what arrives after its snapshot, and nothing twice', async () => {
    const { connection, tell } = connect(() => subscribed({ snapshot: snapshotAt(5) }));
    let changes = 0;
    const replica = createReplica({ kind: 'all' }, () => (changes += 1));
    await replica.attach(connection);
    tell('events/recorded', { subscription: 's1', commits: [commit(5, 'old'), commit(6, 'new')], cursor: 'c2' });
    tell('events/recorded', { subscription: 'other', commits: [commit(7, 'foreign')], cursor: 'c9' });
    assert.deepEqual([...replica.state().runs.keys()], ['new']);
    assert.ok(changes >= 2);
  });

  it('keeps commits that come before the answer to its subscription', async () => {
    const { connection, tell } = connect(() => subscribed({ snapshot: snapshotAt(0) }));
    const replica = createReplica({ kind: 'all' }, () => undefined);
    const attached = replica.attach(connection);
    tell('events/recorded', { subscription: 's1', commits: [commit(1, 'early')], cursor: 'c2' });
    await attached;
    assert.deepEqual([...replica.state().runs.keys()], ['early']);
  });

  it('goes on from its last cursor over another connection', async () => {
    const first = connect(() => subscribed({ snapshot: snapshotAt(0) }));
    const replica = createReplica({ kind: 'all' }, () => undefined);
    await replica.attach(first.connection);
    first.tell('events/recorded', { subscription: 's1', commits: [commit(1, 'a')], cursor: 'c7' });
    const second = connect(() => subscribed({ subscription: 's2', commits: [commit(1, 'a'), commit(2, 'b')] }));
    await replica.attach(second.connection);
    assert.equal(second.requests[0]?.params.cursor, 'c7');
    assert.deepEqual([...replica.state().runs.keys()], ['a', 'b']);
  });

  it('takes a snapshot when its cursor is not known any more', async () => {
    const first = connect(() => subscribed({ snapshot: snapshotAt(3) }));
    const replica = createReplica({ kind: 'all' }, () => undefined);
    await replica.attach(first.connection);
    const second = connect(({ params }) =>
      params.cursor === undefined
        ? subscribed({ snapshot: snapshotAt(1) })
        : { error: { code: -32021, message: 'x', data: { code: 'cursor_unknown' } } },
    );
    await replica.attach(second.connection);
    assert.equal(replica.state().seq, 1);
  });
});

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { createOutbox, type Outbox } from '../../../daemon/rpc/outbox.ts';

describe('rpc outbox', () => {
  let sent: string[];
  let writes: number;
  let outbox: Outbox;

  beforeEach(() => {
    sent = [];
    writes = 0;
    const ws = { bufferedAmount: 0, send: (frame: string) => void sent.push(frame) };
    outbox = createOutbox(ws as unknown as WebSocket, new Duplex(), () => (writes += 1));
  });

  it('lets news leave with the answers of the same turn, in one write', async () => {
    outbox.offer('{"news":1}');
    await Promise.resolve();
    outbox.answer('{"id":1}');
    await Promise.resolve();
    assert.deepEqual(sent, []);
    await nextTurn();
    assert.deepEqual([sent, writes], [['{"news":1}', '{"id":1}'], 1]);
  });

  it('sends what is notified before answers are made, with what was queued before it', async () => {
    outbox.offer('{"news":1}');
    outbox.notify('{"work":1}');
    outbox.notify('{"work":2}');
    const answered = Promise.resolve().then(() => outbox.answer('{"id":1}'));
    await answered;
    assert.deepEqual(sent, ['[{"news":1},{"work":1},{"work":2}]']);
    await nextTurn();
    assert.deepEqual([sent.at(-1), writes], ['{"id":1}', 2]);
  });

  it('counts what nobody has taken yet, and forgets it when it stops', async () => {
    outbox.answer('12345');
    outbox.offer('123');
    assert.equal(outbox.waitingBytes(), 8);
    outbox.stop();
    await nextTurn();
    assert.deepEqual(sent, []);
  });
});

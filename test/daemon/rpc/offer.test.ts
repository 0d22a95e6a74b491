import assert from 'node:assert/strict';
import type { Connection } from '../../../daemon/rpc/connection.ts';
import { openGreeted, startTestServer } from '../../support/rpc.ts';

describe('what a connection is offered', () => {
  it('is refused while much is unread, costs no more then, and is taken again when there is room', async () => {
    let connection: Connection | undefined;
    const test = await startTestServer({
      handlers: {
        'events/subscribe': (_params, caller) => {
          connection = caller;
          return { subscription: 's', cursor: '', commits: [] };
        },
      },
    });
    const slow = await openGreeted(test.endpoint);
    await slow.ask({ jsonrpc: '2.0', id: 1, method: 'events/subscribe', params: { scope: { kind: 'all' } } });
    slow.ws.pause();
    const params = JSON.stringify({ subscription: 's', commits: [], cursor: 'x'.repeat(64 * 1024) });
    let taken = 0;
    for (let refused = 0; refused < 20; ) {
      if (connection?.offer('events/recorded', params)) taken += 1;
      else refused += 1;
      await new Promise(setImmediate);
      assert.ok(taken < 2_000, 'it is never refused');
    }
    connection?.notify('events/lost', { subscription: 's', reason: 'too slow' });
    slow.ws.resume();
    await slow.untilFrames(2);
    while (!slow.frames.some((frame) => frame.includes('events/lost'))) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(slow.frames.join('').split('"events/recorded"').length - 1, taken);
    assert.equal(connection?.offer('events/recorded', params), true);
    slow.ws.terminate();
    await test.server.close('test');
  });
});

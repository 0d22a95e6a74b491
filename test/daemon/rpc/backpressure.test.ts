import assert from 'node:assert/strict';
import { connectTest, openGreeted, startTestServer } from '../../support/rpc.ts';

describe('rpc backpressure', () => {
  it('answers and reads no more of a client that does not read, until it does', async () => {
    let answered = 0;
    const text = 'x'.repeat(1024 * 1024);
    const test = await startTestServer({
      handlers: {
        'artifact/read': () => {
          answered += 1;
          return { text, next: 0, size: 0, mediaType: 'text/plain' };
        },
      },
    });
    const legitimate = await connectTest(test.endpoint);
    const greedy = await openGreeted(test.endpoint);
    greedy.frames.length = 0;
    greedy.ws.pause();
    const count = 150;
    for (let id = 0; id < count; id += 1)
      greedy.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'artifact/read', params: { digest: 'a'.repeat(64) } }));
    // No bad frames: a megabyte that belongs to no method.
    for (let id = 0; id < 60; id += 1)
      greedy.ws.send(JSON.stringify({ jsonrpc: '2.0', id: `big${id}`, method: 'no/such', params: { text } }));
    for (let i = 0; i < 200; i += 1) await legitimate.call('task/list', {});
    assert.ok(answered < count / 2, `${answered} of ${count} answers were made for nobody`);
    assert.ok(greedy.ws.bufferedAmount > 20 * text.length, 'the server reads what it does not answer');
    greedy.ws.resume();
    await greedy.untilFrames(count + 60);
    assert.equal(answered, count);
    assert.equal(greedy.ws.bufferedAmount, 0);
    greedy.ws.terminate();
    legitimate.close();
    await test.server.close('test');
  });
});

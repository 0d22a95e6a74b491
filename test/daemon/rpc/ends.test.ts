import assert from 'node:assert/strict';
import { connectTest, helloRequest, openRaw, openTcp, startTestServer } from '../../support/rpc.ts';

describe('rpc server, its end and half-open connections', () => {
  it('tells its clients that it stops, answers what is in flight, and takes no more', async () => {
    let finish = (): void => {};
    const test = await startTestServer({
      handlers: { 'task/list': () => new Promise((resolve) => (finish = () => resolve({ tasks: [] }))) },
    });
    const client = await connectTest(test.endpoint);
    const reasons: string[] = [];
    const told = new Promise<void>((resolve) => {
      client.on('daemon/stopping', ({ reason }) => {
        reasons.push(reason);
        resolve();
      });
    });
    const inFlight = client.call('task/list', {});
    // In a frame of its own, as a frame is answered whole.
    await new Promise((resolve) => setImmediate(resolve));
    // Refused by the test's handlers; by then the call before it runs.
    await assert.rejects(client.call('agent/list', {}), { code: 'not_found' });
    const closed = test.server.close('a test');
    await told;
    await assert.rejects(client.call('agent/list', {}), { code: 'shutting_down' });
    finish();
    assert.deepEqual(await inFlight, { tasks: [] });
    await closed;
    assert.match(await client.ended, /1001/);
    assert.deepEqual(reasons, ['a test']);
    await assert.rejects(connectTest(test.endpoint), { code: 'disconnected' });
  });

  it('closes sockets that say nothing, say half of a handshake, never say hello, or never answer a ping', async () => {
    const test = await startTestServer({ timing: { handshakeMs: 400, helloMs: 400, pingMs: 250 } });
    const { port, token } = test.endpoint;
    const legitimate = await connectTest(test.endpoint);
    const silent = openTcp(port);
    const half = openTcp(port);
    half.socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`);
    const mute = await openRaw(test.endpoint);
    const deaf = openTcp(port);
    deaf.socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    deaf.socket.write(maskedText(JSON.stringify(helloRequest())));

    assert.equal(await silent.closed, '');
    assert.match(await half.closed, /^(HTTP\/1\.1 408|$)/);
    assert.deepEqual(await mute.closed, { code: 1008, reason: 'No daemon/hello in time' });
    assert.match(await deaf.closed, /101 Switching Protocols[^]*"principal":"user"/);
    assert.deepEqual(await legitimate.call('task/list', {}), { tasks: [] });
    assert.equal(test.server.connections(), 1);
    legitimate.close();
    await test.server.close('test');
  });
});

/** A client's text frame of up to 64 KiB, masked with zeros. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

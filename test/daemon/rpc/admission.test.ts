import assert from 'node:assert/strict';
import { get } from 'node:http';
import { LIMITS } from '../../../shared/protocol/version.ts';
import { connectTest, openRaw, openTcp, type RawSocket, startTestServer, type TestServer } from '../../support/rpc.ts';

async function statusOf(opening: Promise<RawSocket>): Promise<number> {
  try {
    (await opening).ws.terminate();
    return 101;
  } catch (error) {
    return (error as { status: number }).status;
  }
}

describe('rpc admission', () => {
  let test: TestServer;
  before(async () => {
    test = await startTestServer();
  });
  after(() => test.server.close('test'));

  it('opens for the token and an allowed Host', async () => {
    const { port } = test.endpoint;
    assert.equal(await statusOf(openRaw(test.endpoint)), 101);
    for (const host of [`localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
      assert.equal(await statusOf(openRaw(test.endpoint, { host })), 101, host);
  });

  it('refuses any Origin, also its own and the empty one, with the right token', async () => {
    for (const origin of ['https://example.org', `http://127.0.0.1:${test.endpoint.port}`, 'null', '']) {
      assert.equal(await statusOf(openRaw(test.endpoint, { origin })), 403, origin);
      assert.equal(await statusOf(openRaw(test.endpoint, { 'sec-websocket-origin': origin })), 403, origin);
    }
  });

  it('refuses a Host that is not its own', async () => {
    const { port } = test.endpoint;
    for (const host of ['example.org', `example.org:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, `127.0.0.1.example.org:${port}`]) {
      assert.equal(await statusOf(openRaw(test.endpoint, { host })), 403, host);
    }
  });

  it('refuses two Hosts and two tokens', async () => {
    const { port, token } = test.endpoint;
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    const ask = async (headers: string): Promise<string> => {
      const { socket, closed } = openTcp(port);
      socket.write(`GET / HTTP/1.1\r\n${upgrade}${headers}\r\n`);
      return (await closed).split('\r\n')[0] ?? '';
    };
    const bearer = `Authorization: Bearer ${token}\r\n`;
    assert.match(await ask(`Host: 127.0.0.1:${port}\r\nHost: example.org\r\n${bearer}`), / 40[03] /);
    assert.match(await ask(`Host: 127.0.0.1:${port}\r\n${bearer}${bearer}`), / 401 /);
  });

  it('refuses a missing or a wrong token, and one in the query', async () => {
    const { port, token } = test.endpoint;
    assert.equal(await statusOf(openRaw({ port })), 401);
    for (const wrong of ['', 'x', `${token}x`, token.slice(1), token.toUpperCase(), 'y'.repeat(5_000)])
      assert.equal(await statusOf(openRaw({ port, token: wrong })), 401, wrong);
    assert.equal(await statusOf(openRaw({ port }, { authorization: `Basic ${token}` })), 401);
    await assert.rejects(connectTest(test.endpoint, 'wrong'), { code: 'unauthorized' });
  });

  it('refuses the connection after the last', async () => {
    const open: RawSocket[] = [];
    const mine = await startTestServer();
    try {
      for (let i = 0; i < LIMITS.connections; i += 1) open.push(await openRaw(mine.endpoint));
      await assert.rejects(openRaw(mine.endpoint), { status: 503 });
      open[0]?.ws.close();
      await open[0]?.closed;
      assert.equal(await statusOf(openRaw(mine.endpoint)), 101);
    } finally {
      for (const { ws } of open) ws.terminate();
      await mine.server.close('test');
    }
  });

  it('answers plain HTTP with a sentence', async () => {
    const ask = (path: string): Promise<{ status: number | undefined; text: string }> =>
      new Promise((resolve, reject) => {
        get({ port: test.endpoint.port, host: '127.0.0.1', path }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode, text }));
        }).on('error', reject);
      });
    assert.deepEqual(await ask('/'), { status: 426, text: 'The daemon speaks JSON-RPC over a WebSocket. Use the signalbox command.\n' });
    assert.equal((await ask('/endpoint.json')).status, 404);
  });

  it('logs refusals without tokens', () => {
    assert.ok(test.logged.some(({ event }) => event === 'rpc.refused'));
    assert.ok(!JSON.stringify(test.logged).includes(test.endpoint.token));
  });

  it('says that nobody answers when the daemon is gone', async () => {
    const gone = await startTestServer();
    await gone.server.close('test');
    await assert.rejects(connectTest(gone.endpoint), { code: 'disconnected' });
  });
});

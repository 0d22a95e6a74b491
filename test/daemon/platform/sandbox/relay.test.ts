import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { type FetchRequest, openRelay, type Relay } from '../../../../daemon/platform/sandbox/relay.ts';

const OWN = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal && !one.address.startsWith('169.254.'))?.address;

describe('sandbox: the relay', () => {
  let server: Server;
  let port: number;
  let relay: Relay;
  let asked: FetchRequest[];
  let loopback: number[];

  before(async () => {
    server = createServer((req, response) => response.end(`${req.method ?? ''} ${req.url ?? ''} ${req.headers.host ?? ''}`));
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());
  beforeEach(async () => {
    asked = [];
    loopback = [];
    const decide = (wish: FetchRequest) => {
      asked.push(wish);
      return Promise.resolve({ allow: wish.host !== 'denied.test', reason: 'The policy denies it.' });
    };
    relay = await openRelay({ decide, loopbackPorts: loopback });
  });
  afterEach(() => relay.close());

  /** A plain request through the proxy: status and body. */
  const get = (url: string, headers: Record<string, string> = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      request({ socketPath: relay.socket, path: url, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(`${response.statusCode ?? 0} ${text.trim()}`));
      })
        .on('error', reject)
        .end();
    });

  /** A tunnel, and one request through it: what came back, up to its end. */
  const tunnel = async (authority: string, through = ''): Promise<string> => {
    const socket = connect(relay.socket);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text === 'HTTP/1.1 200 Connection Established\r\n\r\n') socket.write(through);
    });
    socket.on('error', () => undefined);
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await once(socket, 'close');
    return text;
  };

  it('lies where only this user comes, and is gone afterwards', async () => {
    assert.equal(statSync(dirname(relay.socket)).mode & 0o077, 0);
    const { socket } = relay;
    await relay.close();
    assert.equal(existsSync(dirname(socket)), false);
    relay = await openRelay({ decide: () => Promise.resolve({ allow: true, reason: '' }), loopbackPorts: [] });
  });

  it('asks for each host, and answers a refusal with its reason', async () => {
    assert.equal(await get('http://denied.test/secret?x=1'), '403 The policy denies it.');
    assert.match(await tunnel('Denied.TEST.:8443'), /^HTTP\/1\.1 403 Forbidden[^]*The policy denies it\.\n$/);
    assert.deepEqual(asked, [
      { host: 'denied.test', port: 80, url: 'http://denied.test/secret?x=1' },
      { host: 'denied.test', port: 8443, url: 'https://denied.test:8443/' },
    ]);
  });

  it('connects to what was allowed, with the host that was decided', async function () {
    if (OWN === undefined) this.skip();
    assert.equal(await get(`http://${OWN}:${port}/path?q`, { host: 'other.test' }), `200 GET /path?q ${OWN}:${port}`);
    const answer = await tunnel(`${OWN}:${port}`, 'GET /deep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(answer, /200 Connection Established[^]*GET \/deep x/);
    assert.equal(asked.length, 2);
  });

  it('reaches loopback only where a port was given, without asking', async () => {
    loopback.push(port);
    assert.match(await get(`http://127.0.0.1:${port}/`), /^200 GET \//);
    assert.match(await get(`http://localhost:${port}/`), /^200 GET \//);
    for (const url of [
      `http://127.0.0.1:${port + 1}/`,
      'http://localhost/',
      `http://[::1]:1/`,
      'http://x.localhost:2/',
      'http://0x7f.1:3/',
    ])
      assert.match(await get(url), /^403 Port \d+ of this machine was not given/, url);
    assert.deepEqual(asked, []);
  });

  it('goes to no address that is this machine or its link, whatever was allowed', async () => {
    loopback.push(port);
    const never = ['169.254.169.254', '0.0.0.0', '[::ffff:127.0.0.1]', '[fe80::1]', '224.0.0.1', '[::]'];
    for (const host of never) assert.match(await get(`http://${host}:${port}/`), /^403 .*no address beyond this machine/, host);
  });

  for (const wrong of ['/', 'ftp://x/', 'http://', '*'])
    it(`is no server: ${wrong}`, async () => assert.match(await get(wrong), /^403 This is a proxy/));
  for (const wrong of ['x', 'x:0', 'x:99999', 'x/y:80', 'a@b:80'])
    it(`makes no tunnel to ${wrong}`, async () => assert.match(await tunnel(wrong), /^HTTP\/1\.1 (403|400)/));

  it('hears why a program could not be started', async () => {
    assert.equal(relay.notStarted(), undefined);
    await get('/not-started/ENOENT');
    assert.equal(relay.notStarted(), 'ENOENT');
  });
});

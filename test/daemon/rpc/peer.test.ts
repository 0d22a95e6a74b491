import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ATTEMPT_TAG } from '../../../daemon/platform/process.ts';
import { attemptOfPeer, findPeerOrigin } from '../../../daemon/rpc/peer.ts';

const CONNECT = "require('node:net').connect(Number(process.argv[1]), process.argv[2]).on('error', () => {})";

describe('rpc peer', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  const children: ChildProcess[] = [];
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  afterEach(() => {
    // Also ends a grandchild: it has nothing else to do.
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const server of servers.splice(0)) server.close();
  });

  /** A server, and a child that is connected to it. */
  async function connectChild(
    env: Record<string, string>,
    { host = '127.0.0.1', listen = '127.0.0.1', argv = [process.execPath, '-e', CONNECT] } = {},
  ): Promise<{ local: number; remote: number; socket: Socket; child: ChildProcess }> {
    const server = createServer();
    servers.push(server);
    server.listen(0, listen);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [program = '', ...args] = argv;
    const child = spawn(program, [...args, String(port), host], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'ignore' });
    children.push(child);
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.on('error', () => {});
    sockets.push(socket);
    return { local: port, remote: socket.remotePort ?? 0, socket, child };
  }

  it('names the attempt of a tagged process', async () => {
    const { local, remote } = await connectChild({ [ATTEMPT_TAG]: 'attempt-1' });
    assert.equal(await attemptOfPeer(local, remote), 'attempt-1');
    assert.deepEqual(await findPeerOrigin(local, remote), { kind: 'attempt', attempt: 'attempt-1' });
  });

  it('names it also for a child that cleared its environment', async () => {
    const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(CONNECT)}, ...process.argv.slice(1)], { env: {}, stdio: 'ignore' })`;
    const { local, remote } = await connectChild({ [ATTEMPT_TAG]: 'attempt-2' }, { argv: [process.execPath, '-e', script] });
    assert.equal(await attemptOfPeer(local, remote), 'attempt-2');
  });

  it('names nobody for a process outside', async () => {
    const { local, remote } = await connectChild({});
    assert.equal(await attemptOfPeer(local, remote), undefined);
    assert.deepEqual(await findPeerOrigin(local, remote), { kind: 'outside' });
  });

  it('finds a peer behind an IPv6 socket', async () => {
    const { local, remote } = await connectChild({ [ATTEMPT_TAG]: 'attempt-3' }, { host: '::ffff:127.0.0.1' });
    assert.equal(await attemptOfPeer(local, remote), 'attempt-3');
  });

  it('refuses to guess about a peer that is gone, and does not take the server itself for it', async () => {
    const { local, remote, socket, child } = await connectChild({ [ATTEMPT_TAG]: 'attempt-4' });
    const closed = once(socket.resume(), 'close');
    child.kill('SIGKILL');
    await closed;
    assert.deepEqual(await findPeerOrigin(local, remote), { kind: 'gone' });
    await assert.rejects(attemptOfPeer(local, remote), { code: 'attempt_may_not_answer' });
  });
});

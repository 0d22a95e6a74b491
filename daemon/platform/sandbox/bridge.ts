/**
 * The first process inside a sandbox: a loopback port that leads to the attempt's relay, and then the program itself.
 * It is a bundle of its own, started by Node alone, and knows nothing of the daemon.
 *
 * 1. The proxy answers before the program starts.
 * 2. It ends as the program ends, with its exit code; 127 and 126 where the program cannot be started, as a shell says it.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { constants } from 'node:os';
import { pipeToDoor } from './pipe.ts';

const [socketPath = '', proxyPort = '', ports = '', program = '', ...args] = process.argv.slice(2);

function join(left: Socket, right: Socket): void {
  left.on('error', () => right.destroy());
  right.on('error', () => left.destroy());
  left.on('close', () => right.destroy());
  right.on('close', () => left.destroy());
  left.pipe(right).pipe(left);
}

/** A loopback address of the machine that the attempt may reach appears at the same port inside. */
function forward(port: number): Server {
  return createServer((client) => {
    const relay = connect(socketPath);
    client.on('error', () => relay.destroy());
    relay.on('error', () => client.destroy());
    relay.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length < 16_384) return;
      relay.off('data', read);
      if (!head.subarray(0, 20).toString('latin1').startsWith('HTTP/1.1 200 ')) return void client.destroy();
      client.write(head.subarray(end + 4));
      join(client, relay);
    };
    relay.on('data', read);
  });
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Says on both ways that the program could not be started: to whoever reads its output, and to the daemon. */
function giveUp(code: string): void {
  writeSync(2, `signalbox: ${program} could not be started inside the sandbox (${code}).\n`);
  const relay = connect(socketPath);
  const end = (): never => process.exit(code === 'ENOENT' ? 127 : 126);
  relay.on('error', end).on('close', end).resume();
  relay.write(`GET /not-started/${code} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n`);
}

function run(proxy: string): void {
  const local = 'localhost,127.0.0.1,::1';
  const env = {
    ...process.env,
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: local,
    no_proxy: local,
  };
  delete (env as NodeJS.ProcessEnv)['ELECTRON_RUN_AS_NODE'];
  const child = spawn(program, args, { stdio: 'inherit', env });
  // The program hears the signal itself; its output and its proxy last as long as it does.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  child.once('error', (error: NodeJS.ErrnoException) => giveUp(error.code ?? 'UNKNOWN'));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
}

async function main(): Promise<void> {
  const proxy = await listen(
    createServer((client) => join(client, connect(socketPath))),
    Number(proxyPort),
  );
  for (const port of ports.split(',').filter(Boolean)) await listen(forward(Number(port)), Number(port));
  run(`http://127.0.0.1:${proxy}`);
}

if (socketPath === '--mcp') pipeToDoor(proxyPort);
else
  main().catch((error: unknown) => {
    writeSync(2, `signalbox: the sandbox could not be made ready: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(126);
  });

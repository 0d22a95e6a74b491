/** Starting and ending what a benchmark is made of. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Starts a script of this folder in a process of its own. */
export function startScript(name: string, args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'test/bench', name), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Resolves when a stream has said the text. */
export function waitFor(stream: NodeJS.ReadableStream | null, text: string): Promise<void> {
  return new Promise((resolve) => stream?.on('data', (data: Buffer) => data.toString().includes(text) && resolve()));
}

/** The last line of JSON that a script prints before it ends. */
export async function readMeasured<T>(child: ChildProcess): Promise<T> {
  let said = '';
  child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  await once(child, 'close');
  return JSON.parse(said.trim().split('\n').at(-1) ?? '') as T;
}

/** Ends a process and waits for its end. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** Starts redis-server on a free loopback port, every write synced; undefined when none is installed. */
export async function startRedis(dir: string): Promise<{ port: number; child: ChildProcess } | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const port = await findFreePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
  ];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await waitFor(child.stdout, 'Ready to accept connections');
  return { port, child };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

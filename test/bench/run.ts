/** Starting and ending what a benchmark is made of. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connected, connectTo } from '../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../daemon/rpc/endpoint.ts';
import type { Endpoint } from '../../shared/protocol/endpoint.ts';

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

/** Clock ticks of /proc in a second; Linux tells user space 100 everywhere. */
const TICKS = 100;

/** The built daemon in a process of its own, with what the system says of it. */
export class BenchDaemon {
  readonly child: ChildProcess;
  readonly endpoint: Endpoint;

  private constructor(child: ChildProcess, endpoint: Endpoint) {
    this.child = child;
    this.endpoint = endpoint;
  }

  /** Starts one in the state folder `home`; with a folder `profile` it leaves a .cpuprofile there when it ends. */
  static async start(
    home: string,
    profile?: string,
    { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
  ): Promise<BenchDaemon> {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const child = spawn(process.execPath, [...profiling, ...args, join(ROOT, 'dist/daemon.cjs')], {
      env: { ...process.env, ...env, SIGNALBOX_HOME: home },
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`The daemon ended with ${String(code)} as it started.`)));
    await Promise.race([waitFor(child.stderr, 'daemon.ready'), exited]);
    exited.catch(() => undefined);
    child.stderr?.resume();
    const found = await readEndpoint(home);
    if (found.kind !== 'running') throw new Error('The daemon is ready, and its endpoint file is not there.');
    return new BenchDaemon(child, found.endpoint);
  }

  connect(token = this.endpoint.token): Promise<Connected> {
    return connectTo({ ...this.endpoint, token }, { name: 'bench', version: '0' });
  }

  /** A token for a worker. */
  async issueToken(): Promise<string> {
    const client = await this.connect();
    const { token } = await client.call('token/issue', { name: 'bench', scopes: ['worker'] });
    client.close();
    return token;
  }

  /** CPU that it used so far, in milliseconds; 0 where there is no /proc. */
  cpuMs(): number {
    const fields = readProc(this.child.pid, 'stat').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1_000) / TICKS;
  }

  /** Resident memory now, or the most it ever was, in MB; 0 where there is no /proc. */
  memoryMb(name: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readProc(this.child.pid, 'status'))?.[1] ?? 0) / 1_024;
  }

  end(): Promise<void> {
    return end(this.child);
  }
}

function readProc(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
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

// The real daemon in a process of its own, with a state folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Connected, connectTo } from '../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../daemon/rpc/endpoint.ts';
import type { Endpoint } from '../../shared/protocol/endpoint.ts';
import { DAEMON, environmentOf } from './programs.ts';

export interface DaemonProcess {
  readonly child: ChildProcess;
  readonly home: string;
  readonly endpoint: Endpoint;
  /** What it wrote to its two outputs so far. */
  output(): string;
  connect(token?: string): Promise<Connected>;
  /** Sends the signal and waits for the end; resolves with its exit code or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

const START_MS = 30_000;

/** Makes an empty state folder; remove it with removeHome. */
export function makeHome(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'signalbox-home-'));
}

/** Removes a state folder, also while a process that is ending still writes there. */
export async function removeHome(home: string): Promise<void> {
  await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Starts the built daemon (dist/daemon.cjs, see `npm run build`) and waits until its endpoint file is there; rejects with its output when it ends before. */
export async function startDaemon({ home, env = {} }: { home: string; env?: Readonly<Record<string, string>> }): Promise<DaemonProcess> {
  const child = spawn(process.execPath, [DAEMON], {
    env: { ...environmentOf(home), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (written = (written + chunk.toString()).slice(-1_000_000)));
  const endpoint = await waitForEndpoint(child, home, () => written);
  return {
    child,
    home,
    endpoint,
    output: () => written,
    connect: (token) => connectTo(endpoint, { name: 'test', version: '0.0.0', ...(token === undefined ? {} : { token }) }),
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill(signal);
        await exited;
      }
      return child.exitCode ?? child.signalCode;
    },
  };
}

async function waitForEndpoint(child: ChildProcess, home: string, output: () => string): Promise<Endpoint> {
  for (let waited = 0; waited < START_MS; waited += 25) {
    const found = await readEndpoint(home);
    if (found.kind === 'running' && found.endpoint.pid === child.pid) return found.endpoint;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await delay(25);
  }
  child.kill('SIGKILL');
  throw new Error(`The daemon did not start.\n${output()}`);
}

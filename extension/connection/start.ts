// Starts the daemon with the editor's own Node, and waits until it answers.
import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { isRunning, readEndpoint } from './endpoint.ts';
import { type Connection, openConnection } from '../../shared/client/connect.ts';

const START_BOUND_MS = 20_000;
const POLL_MS = 20;
/** A child that ends at once may have found another window's daemon that is still starting; that one gets this long. */
const OTHER_DAEMON_MS = 3_000;
const STOP_BOUND_MS = 15_000;
const LOG_TAIL_BYTES = 2_048;

/** Starts the daemon's bundle for `home` and connects to it; rejects with SignalboxError `daemon_not_started`, whose message has the end of its log. */
export async function startDaemon(home: string, bundle: string, env: NodeJS.ProcessEnv): Promise<Connection> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const path = join(home, 'daemon.log');
  const log = await open(path, 'a', 0o600);
  const from = (await log.stat()).size;
  const child = spawn(process.execPath, [bundle], { detached: true, windowsHide: true, stdio: ['ignore', log.fd, log.fd], cwd: home, env });
  let ended: string | undefined;
  let until = Date.now() + START_BOUND_MS;
  const onEnd = (how: string): void => {
    ended = how;
    until = Math.min(until, Date.now() + OTHER_DAEMON_MS);
  };
  child.once('error', (error) => onEnd(error.message));
  child.once('exit', (code, signal) => onEnd(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`));
  child.unref();
  await log.close();

  while (Date.now() < until) {
    const connection = await tryConnect(home);
    if (connection) return connection;
    await sleep(POLL_MS);
  }
  const why = ended ?? `it did not answer within ${START_BOUND_MS / 1000} s`;
  const tail = await readTail(path, from);
  throw new SignalboxError({
    code: 'daemon_not_started',
    message: `The daemon did not start: ${why}. ${tail}`.trim(),
    facts: { log: path },
  });
}

async function tryConnect(home: string): Promise<Connection | undefined> {
  const endpoint = await readEndpoint(home);
  if (!endpoint) return undefined;
  try {
    return await openConnection(endpoint, { name: 'signalbox-vscode' });
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'protocol_mismatch') throw error;
    return undefined;
  }
}

/** What of the editor's environment the daemon gets: without what would make its Node an editor or a debugger. `home` is the setting, empty for none. */
export function daemonEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(?:VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_CHANNEL_|APPLICATIONINSIGHTS_)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1', ...(home === '' ? {} : { SIGNALBOX_HOME: home }) };
}

async function readTail(path: string, from: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), 0, Math.max(0, size - start), start);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await file.close();
  }
}

/** Waits until a process is gone; rejects with SignalboxError `daemon_not_stopped` after 15 s. */
export async function waitForEnd(pid: number): Promise<void> {
  const until = Date.now() + STOP_BOUND_MS;
  while (isRunning(pid)) {
    if (Date.now() > until) {
      throw new SignalboxError({
        code: 'daemon_not_stopped',
        message: `The daemon (process ${pid}) has not ended after ${STOP_BOUND_MS / 1000} s. What is recorded is on disk; end the process, then try again.`,
        facts: { pid },
      });
    }
    await sleep(POLL_MS);
  }
}

// Starts the daemon, and waits until it answers.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ensurePrivateFolder } from '../../platform/paths.ts';
import { CliFailure } from '../failure.ts';
import { type Connection, openConnection } from '../../../shared/client/connect.ts';
import { readEndpoint } from './endpoint.ts';

const START_BOUND_MS = 15_000;
const POLL_MS = 15;
/** A child that ends at once may have found another daemon that is still starting; that one gets this long. */
const OTHER_DAEMON_MS = 2_000;
const LOG_TAIL_BYTES = 8_192;
const LOG_TAIL_LINES = 12;

/** The daemon's bundle, which lies beside the CLI's own. */
export function findDaemonBundle(script: string | undefined): string {
  const path = join(dirname(realpathSync(script ?? '.')), 'daemon.cjs');
  if (existsSync(path)) return path;
  throw new CliFailure(`The daemon is not where it should be: ${path}`, {
    code: 'daemon_missing',
    hint: 'The installation is incomplete. In a clone, run `npm run build`.',
  });
}

/** Starts a daemon for `home` and connects to it; rejects with a CliFailure that shows the end of its log. */
export async function startDaemon(home: string, bundle: string, env: NodeJS.ProcessEnv): Promise<Connection> {
  await ensurePrivateFolder(home);
  const log = await open(join(home, 'daemon.log'), 'a', 0o600);
  const from = (await log.stat()).size;
  const child = spawn(process.execPath, [bundle], { detached: true, stdio: ['ignore', log.fd, log.fd], cwd: home, env });
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

  let last = 'it wrote no endpoint file';
  while (Date.now() < until) {
    const connection = await tryConnect(home, (message) => (last = message));
    if (connection) return connection;
    await sleep(POLL_MS);
  }
  const why = ended ?? `it did not answer within ${START_BOUND_MS / 1000} s (${last})`;
  throw new CliFailure(`The daemon did not start: ${why}.`, {
    code: 'daemon_not_started',
    details: (await readTail(join(home, 'daemon.log'), from)).map((line) => `  ${readLogLine(line)}`),
    hint: `The whole log is ${join(home, 'daemon.log')}. Put right what it says, then run \`signalbox up\`.`,
  });
}

async function tryConnect(home: string, onRefused: (message: string) => void): Promise<Connection | undefined> {
  const endpoint = await readEndpoint(home);
  if (!endpoint) return undefined;
  try {
    return await openConnection(endpoint, { name: 'signalbox-cli' });
  } catch (error) {
    onRefused(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** The last lines of a log, at most those behind `from`. */
export async function readTail(path: string, from = 0): Promise<string[]> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - LOG_TAIL_BYTES, 0);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    await file.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8').trimEnd().split('\n').filter(Boolean).slice(-LOG_TAIL_LINES);
  } finally {
    await file.close();
  }
}

const LogLine = z.looseObject({ at: z.string(), event: z.string(), error: z.object({ message: z.string() }).optional() });

/** A line of the log for a person: time, event and error; what is no record of ours stands as it is. */
function readLogLine(line: string): string {
  try {
    const { at, event, error, ...rest } = LogLine.parse(JSON.parse(line));
    const facts = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : '';
    return `${at.slice(11, 19)} ${event}${error ? `: ${error.message}` : facts}`;
  } catch {
    return line;
  }
}

// Finds the daemon of this home, or starts it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '../../../shared/protocol/endpoint.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { commonVersion, PROTOCOL } from '../../../shared/protocol/version.ts';
import { CliFailure } from '../failure.ts';
import { type Connection, openConnection } from '../../../shared/client/connect.ts';
import { isRunning, readEndpoint } from './endpoint.ts';
import { findDaemonBundle, startDaemon } from './start.ts';

export interface Reach {
  home: string;
  env: NodeJS.ProcessEnv;
  /** Path of the running script, beside which the daemon's bundle lies. */
  script: string | undefined;
  /** Asks whether a daemon of another protocol may be restarted; absent: nobody is there to ask. */
  mayRestart?: (endpoint: Endpoint) => Promise<boolean>;
}

const STOP_BOUND_MS = 15_000;

/** A connection to the daemon that runs, or undefined when none does. Rejects when one runs that cannot be talked to. */
export async function findDaemon(reach: Reach): Promise<Connection | undefined> {
  const endpoint = await readEndpoint(reach.home);
  if (!endpoint) return undefined;
  if (commonVersion(PROTOCOL, endpoint.protocol) === undefined) throw mismatch(endpoint);
  const token = reach.env.SIGNALBOX_TOKEN;
  try {
    return await openConnection(endpoint, { name: 'signalbox-cli', ...(token ? { token } : {}) });
  } catch (error) {
    // With a token of one's own it is the token that is wrong, and another daemon would not know it either.
    if (token && error instanceof SignalboxError && error.code === 'unauthorized')
      throw new CliFailure('SIGNALBOX_TOKEN is not a token of this daemon, or its time is over.', {
        code: 'unauthorized',
        hint: 'Make another one: signalbox token NAME (without SIGNALBOX_TOKEN).',
      });
    // Nobody listens there, or somebody else does: the file is left over, and its pid belongs to another process by now.
    if (error instanceof SignalboxError && (error.code === 'disconnected' || error.code === 'unauthorized')) return undefined;
    if (error instanceof SignalboxError && error.code === 'protocol_mismatch') throw mismatch(endpoint);
    throw error;
  }
}

/** A connection to the daemon, which is started when it does not run; a daemon of another protocol is restarted if somebody agrees. */
export async function reachDaemon(reach: Reach): Promise<{ connection: Connection; started: boolean }> {
  const found = await findDaemon(reach).catch(async (error: unknown) => {
    if (!(error instanceof CliFailure) || error.code !== 'protocol_mismatch') throw error;
    const endpoint = await readEndpoint(reach.home);
    if (endpoint && !(await reach.mayRestart?.(endpoint))) throw error;
    if (endpoint) await stopProcess(endpoint.pid);
    return undefined;
  });
  if (found) return { connection: found, started: false };
  return { connection: await startDaemon(reach.home, findDaemonBundle(reach.script), reach.env), started: true };
}

/** Asks the daemon's process to drain and end, and waits for it; rejects with a CliFailure when it does not. */
export async function stopProcess(pid: number): Promise<void> {
  if (isRunning(pid)) process.kill(pid, 'SIGTERM');
  await waitForEnd(pid);
}

/** Waits until a process is gone, at most 15 s; rejects with a CliFailure when it stays. */
export async function waitForEnd(pid: number): Promise<void> {
  const until = Date.now() + STOP_BOUND_MS;
  while (isRunning(pid)) {
    if (Date.now() > until)
      throw new CliFailure(`The daemon (process ${pid}) has not ended after ${STOP_BOUND_MS / 1000} s.`, {
        code: 'daemon_not_stopped',
        hint: `What is recorded is on disk. \`kill -9 ${pid}\` ends it; the next start goes on from there.`,
      });
    await sleep(20);
  }
}

function mismatch(endpoint: Endpoint): CliFailure {
  const { min, max } = endpoint.protocol;
  return new CliFailure(
    `A daemon of version ${endpoint.version} runs (process ${endpoint.pid}), which speaks protocol ${min} to ${max}; this program speaks ${PROTOCOL.min} to ${PROTOCOL.max}.`,
    {
      code: 'protocol_mismatch',
      hint: 'Restart it with `signalbox down` and `signalbox up`; what runs is taken up again.',
      facts: { endpoint: { pid: endpoint.pid, version: endpoint.version, protocol: endpoint.protocol } },
    },
  );
}

/**
 * Runs the one process of an attempt and everything that it starts, and says how it ended.
 *
 * 1. `ended` resolves once, after every process of the attempt is gone and all of its output was given.
 * 2. It never rejects for what the process does; a mistake of ours does reject.
 * 3. `stop` may be called at any time and more than once; the first reason stands.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ATTEMPT_TAG, endTree, identifyProcess, type ProcessIdentity, SpawnError, spawnTagged } from '../../platform/process.ts';

/** What to run; times in milliseconds, `env` is the whole environment. */
export interface ProcessRequest {
  attempt: string;
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  stdin?: string;
  /** `argv` starts a sandbox: ending its outer process would take everything inside with it at once. */
  sandboxed?: boolean;
  timeoutMs: number;
  /** How long the processes have after SIGTERM. */
  graceMs: number;
  onStarted(identity: ProcessIdentity): void;
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

/** How it ended: by itself, because of `stop` or the timeout, or it never began. */
export type ProcessEnd =
  | { kind: 'exited'; exitCode: number | undefined; signal: string | undefined; survivors: number }
  | { kind: 'stopped'; survivors: number }
  | { kind: 'timeout'; survivors: number }
  | { kind: 'not_started'; reason: string };

/** A process under way. */
export interface RunningProcess {
  readonly ended: Promise<ProcessEnd>;
  stop(): void;
}

const MAX_TIMER_MS = 2_147_483_647;
const LAST_OUTPUT_MS = 2_000;

/** Starts the process of an attempt. */
export function runProcess(request: ProcessRequest): RunningProcess {
  let stop = (): void => {};
  const stopped = new Promise<'stopped'>((resolve) => {
    stop = () => resolve('stopped');
  });
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  return { ended: run(request, stopped, () => isStopped), stop: () => stop() };
}

async function run(request: ProcessRequest, stopped: Promise<'stopped'>, isStopped: () => boolean): Promise<ProcessEnd> {
  // What identifies this machine is read now, so that nothing is waited for between the spawn and the listeners.
  await identifyProcess(process.pid);
  if (isStopped()) return { kind: 'stopped', survivors: 0 };
  const tag = { name: ATTEMPT_TAG, value: request.attempt } as const;
  const started = await spawnTagged({ argv: request.argv, cwd: request.cwd, env: request.env, tag }).catch(describeSpawnFailure);
  if ('kind' in started) return started;
  const { child, identity } = started;
  request.onStarted(identity);
  const drained = Promise.all([
    giveOutput(child.stdout, (chunk) => request.onOutput('stdout', chunk)),
    giveOutput(child.stderr, (chunk) => request.onOutput('stderr', chunk)),
  ]);
  // It may end without reading; its exit code tells the story.
  child.stdin?.on('error', () => {});
  child.stdin?.end(request.stdin ?? '');
  const timer = new AbortController();
  const late = waitUntilLate(request.timeoutMs, timer.signal);
  const first = await Promise.race([waitForExit(child), stopped, late]);
  timer.abort();
  const spare = request.sandboxed === true ? { spare: identity.pid } : {};
  const survivors = await endTree({ pid: identity.pid, tag, ...spare }, { graceMs: request.graceMs });
  // With everybody gone the pipes end by themselves; somebody outside who was handed one must not hold us up.
  await Promise.race([drained, delay(LAST_OUTPUT_MS, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (first === 'stopped' || first === 'timeout') return { kind: first, survivors };
  return { kind: 'exited', ...first, survivors };
}

function describeSpawnFailure(error: unknown): ProcessEnd & { kind: 'not_started' } {
  if (error instanceof SpawnError) return { kind: 'not_started', reason: error.reason };
  // Node refuses a NUL in an argument before it asks the system.
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_INVALID_ARG_VALUE' || code === 'E2BIG') return { kind: 'not_started', reason: code };
  throw error;
}

function waitForExit(child: ChildProcess): Promise<{ exitCode: number | undefined; signal: string | undefined }> {
  const describe = (code: number | null, signal: string | null): { exitCode: number | undefined; signal: string | undefined } => ({
    exitCode: code ?? undefined,
    signal: signal ?? undefined,
  });
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(describe(child.exitCode, child.signalCode));
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(describe(code, signal)));
  });
}

async function waitUntilLate(timeoutMs: number, signal: AbortSignal): Promise<'timeout'> {
  // Node turns a longer timer into one of a millisecond.
  await delay(Math.min(timeoutMs, MAX_TIMER_MS), undefined, { signal }).catch(() => {});
  return 'timeout';
}

function giveOutput(stream: Readable | null, give: (chunk: Buffer) => void): Promise<void> {
  if (stream === null || stream.readableEnded || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on('data', give);
    stream.once('error', () => resolve());
    stream.once('close', () => resolve());
  });
}

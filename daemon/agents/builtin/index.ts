/**
 * The adapter of the built-in agents: each attempt is a child process of its own that gets one order and answers in frames.
 *
 * 1. Whatever the child does (crash, busy loop, too much memory, garbage) ends this attempt only.
 * 2. What the child says is checked against the wire and bounded; after the first wrong line nothing of it counts.
 * 3. `ended` comes once, after every process of the attempt is gone.
 */
import { homedir } from 'node:os';
import { findCacheHome } from '../../platform/cache-home.ts';
import { redact } from '../../platform/redact.ts';
import type { Adapter, AttemptEvent, AttemptSpec, Outcome, RunningAttempt } from '../agent.ts';
import { type ProcessEnd, runProcess, type RunningProcess } from '../command/attempt-process.ts';
import { scrubEnvironment } from '../scrub.ts';
import { cutLines } from './lines.ts';
import { Frame, MAX_FRAME_LENGTH, MAX_TOTAL_LENGTH, type Order } from './wire.ts';

/** What the adapter needs to start a child; memory in MiB, time in milliseconds. */
export interface BuiltinOptions {
  /** Absolute path of the child's bundle. */
  childPath: string;
  /** Further arguments for Node, before the bundle. */
  execArgv?: readonly string[];
  memoryMb?: number;
  graceMs?: number;
  /** Most bytes of one frame, and of all of them. */
  maxFrameBytes?: number;
  maxTotalBytes?: number;
}

type Emit = (event: AttemptEvent) => void;
type Bounds = Required<BuiltinOptions>;

const MEMORY_MB = 512;
const GRACE_MS = 1_000;
const STDERR_TAIL_BYTES = 16 * 1024;

/** Makes the adapter that runs the built-in agents in children of this daemon. */
export function createBuiltinAdapter(options: BuiltinOptions): Adapter {
  const bounds: Bounds = {
    execArgv: [],
    memoryMb: MEMORY_MB,
    graceMs: GRACE_MS,
    maxFrameBytes: MAX_FRAME_LENGTH,
    maxTotalBytes: MAX_TOTAL_LENGTH,
    ...options,
  };
  return {
    start(spec: AttemptSpec, emit: Emit): RunningAttempt {
      let canceled: string | undefined;
      const talk = listen(emit, bounds, () => running.stop());
      const running: RunningProcess = runProcess({
        attempt: spec.attempt,
        argv: [process.execPath, `--max-old-space-size=${bounds.memoryMb}`, ...bounds.execArgv, bounds.childPath],
        cwd: spec.home,
        env: scrubEnvironment(spec.home, {
          // Where the code is kept that V8 made of the child.
          XDG_CACHE_HOME: findCacheHome(process.env, process.platform, homedir()),
          ...(process.versions['electron'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' }),
        }),
        stdin: `${JSON.stringify(orderOf(spec))}\n`,
        timeoutMs: spec.timeoutMs,
        graceMs: bounds.graceMs,
        onStarted: (identity) => emit({ type: 'started', process: identity }),
        onOutput: talk.take,
      });
      const done = running.ended
        .then((end) => describeEnd(end, talk.heard(), { spec, canceled }), describeFault)
        .then((outcome) => emit({ type: 'ended', outcome }));
      return {
        async cancel(reason) {
          canceled ??= reason;
          running.stop();
          await done;
        },
      };
    },
  };
}

function orderOf(spec: AttemptSpec): Order {
  const { run, agent, action, inputs, repo, worktree, commit } = spec;
  return {
    run,
    agent,
    action,
    inputs,
    ...(repo === undefined ? {} : { repo }),
    ...(worktree === undefined ? {} : { worktree }),
    ...(commit === undefined ? {} : { commit }),
  };
}

interface Heard {
  result: Extract<Frame, { type: 'result' }> | undefined;
  /** Why nothing more is listened to. */
  fault: string | undefined;
  stderr: string;
}

/** Turns the child's output into events; calls `stop` at the first line that is none of ours. */
function listen(
  emit: Emit,
  { maxFrameBytes, maxTotalBytes }: Bounds,
  stop: () => void,
): { take(stream: 'stdout' | 'stderr', chunk: Buffer): void; heard(): Heard } {
  const heard: Heard = { result: undefined, fault: undefined, stderr: '' };
  let tail = Buffer.alloc(0);
  let total = 0;
  const refuse = (why: string): void => {
    heard.fault ??= why;
    stop();
  };
  const hear = (line: string): void => {
    if (heard.fault !== undefined) return;
    if (heard.result !== undefined) return refuse('it went on after its result');
    const frame = readFrame(line);
    if (frame === undefined) return refuse('it said something that is not a message');
    if (frame.type === 'result') heard.result = frame;
    else emit(toEvent(frame));
  };
  const cut = cutLines(maxFrameBytes, hear, () => refuse('one message was too long'));
  return {
    take(stream, chunk) {
      if (stream === 'stderr') {
        tail = Buffer.concat([tail, chunk]).subarray(-STDERR_TAIL_BYTES);
        return;
      }
      total += chunk.length;
      if (heard.fault !== undefined) return;
      if (total > maxTotalBytes) refuse('it said too much');
      else cut(chunk);
    },
    heard: () => ({ ...heard, stderr: tail.toString('utf8') }),
  };
}

function readFrame(line: string): Frame | undefined {
  try {
    return Frame.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function toEvent(frame: Exclude<Frame, { type: 'result' }>): AttemptEvent {
  if (frame.type !== 'progress') return frame;
  const { text, activity, fraction } = frame;
  return { type: 'progress', text, ...(activity === undefined ? {} : { activity }), ...(fraction === undefined ? {} : { fraction }) };
}

async function describeEnd(
  end: ProcessEnd,
  heard: Heard,
  { spec, canceled }: { spec: AttemptSpec; canceled: string | undefined },
): Promise<Outcome> {
  const name = `${spec.agent} ${spec.action}`;
  if (end.kind === 'not_started') return fail('spawn_failed', `The process for ${name} could not be started (${end.reason}).`);
  if (end.survivors > 0) return fail('processes_left', `${end.survivors} processes of ${name} could not be ended. End them by hand.`);
  if (heard.fault !== undefined) return fail('agent_garbage', `${name} was ended because ${heard.fault}. ${await quote(heard.stderr)}`);
  if (canceled !== undefined && end.kind === 'stopped')
    return { status: 'canceled', error: { code: 'canceled', message: `Canceled: ${canceled}.` }, values: {} };
  if (end.kind !== 'exited') {
    return {
      status: 'timeout',
      error: {
        code: 'task_timeout',
        message: `${name} did not end within ${spec.timeoutMs / 1_000} s and was ended. Give the stage a longer \`timeout\`.`,
      },
      values: {},
    };
  }
  const facts = {
    ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
  };
  if (heard.result === undefined || end.exitCode !== 0) {
    const memory = /heap out of memory|Allocation failed/.test(heard.stderr);
    const how = end.exitCode === undefined ? `ended by ${end.signal ?? 'a signal'}` : `exit code ${end.exitCode}`;
    const message = memory
      ? `${name} needed more memory than it may use.`
      : `${name} ended without a result (${how}). ${await quote(heard.stderr)}`;
    return { ...fail(memory ? 'agent_out_of_memory' : 'agent_crashed', message), ...facts };
  }
  const { status, values, error } = heard.result;
  if (status === 'succeeded') return { status, ...facts, values };
  return { ...fail(error?.code ?? 'agent_error', error?.message ?? `${name} failed without saying why.`), values };
}

/** A fault of ours or of the system, such as too many open files, fails the attempt and not the daemon. */
function describeFault(error: unknown): Outcome {
  return fail('adapter_failed', `The attempt could not be followed: ${error instanceof Error ? error.message : String(error)}`);
}

async function quote(stderr: string): Promise<string> {
  const last = (await redact(stderr)).trim().slice(-1_000);
  return last === '' ? 'It said nothing about it.' : `Its last words: ${last}`;
}

function fail(code: string, message: string): Outcome {
  return { status: 'failed', error: { code, message: message.slice(0, 4_000) }, values: {} };
}

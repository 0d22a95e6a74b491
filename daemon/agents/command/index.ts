/**
 * The command adapter: one program per attempt, without a shell, in the attempt's worktree.
 *
 * 1. Output is given as it comes, nothing stripped, at most 16 MiB per attempt; what is dropped is counted and said.
 * 2. `ended` comes once, after every process of the attempt is gone, also those that left its process group.
 */
import { stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { Sandbox } from '../../platform/sandbox/sandbox.ts';
import type { Adapter, AttemptEvent, AttemptSpec, Outcome, RunningAttempt } from '../agent.ts';
import { askForHosts } from '../fetches.ts';
import { withoutSandbox } from '../without-sandbox.ts';
import { scrubEnvironment } from '../scrub.ts';
import { type ProcessEnd, runProcess, type RunningProcess } from './attempt-process.ts';

/** Bounds of the adapter; bytes and milliseconds. */
export interface CommandOptions {
  maxOutputBytes?: number;
  graceMs?: number;
  /** Where programs are started; without one they run with all rights of the daemon's user. */
  sandbox?: Sandbox;
}

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const GRACE_MS = 3_000;

type Emit = (event: AttemptEvent) => void;

/** Makes the adapter that runs programs. */
export function createCommandAdapter({
  maxOutputBytes = MAX_OUTPUT_BYTES,
  graceMs = GRACE_MS,
  sandbox = withoutSandbox('No sandbox was asked for.'),
}: CommandOptions = {}): Adapter {
  return {
    start(spec: AttemptSpec, emit: Emit): RunningAttempt {
      let running: RunningProcess | undefined;
      let canceled: string | undefined;
      const done = runCommand(spec, emit, { maxOutputBytes, graceMs, sandbox }, (started) => {
        running = started;
        if (canceled !== undefined) running.stop();
      })
        .catch(describeFault)
        .then((outcome) => emit({ type: 'ended', outcome: withReason(outcome, canceled) }));
      return {
        async cancel(reason) {
          canceled ??= reason;
          running?.stop();
          await done;
        },
      };
    },
  };
}

/** A fault of ours or of the system, such as too many open files, fails the attempt and not the daemon. */
function describeFault(error: unknown): Outcome {
  return fail('adapter_failed', `The attempt could not be followed: ${error instanceof Error ? error.message : String(error)}`);
}

function withReason(outcome: Outcome, reason: string | undefined): Outcome {
  if (outcome.status !== 'canceled') return outcome;
  return { ...outcome, error: { code: 'canceled', message: `Canceled: ${reason ?? 'no reason was given'}.` } };
}

async function runCommand(
  spec: AttemptSpec,
  emit: Emit,
  bounds: Required<CommandOptions>,
  onRunning: (running: RunningProcess) => void,
): Promise<Outcome> {
  const [program, ...args] = spec.argv ?? [];
  if (program === undefined || program === '') return fail('command_missing', 'There is no command to run. Give the stage a `command`.');
  const cwd = spec.worktree?.path ?? spec.home;
  const place = await stat(cwd).catch(() => undefined);
  if (place?.isDirectory() !== true) return fail('directory_missing', `The working directory ${cwd} does not exist.`);
  const { sandbox, graceMs, maxOutputBytes } = bounds;
  const wrapped = await sandbox.wrap({
    argv: [program, ...args],
    env: scrubEnvironment(spec.home, spec.env),
    cwd,
    home: spec.home,
    ...(spec.worktree === undefined ? {} : { worktree: spec.worktree }),
    decideFetch: askForHosts(spec, emit),
  });
  try {
    const output = passOutput(emit, maxOutputBytes);
    const running = runProcess({
      attempt: spec.attempt,
      argv: wrapped.argv,
      cwd,
      env: wrapped.env,
      ...(spec.stdin === undefined ? {} : { stdin: spec.stdin }),
      sandboxed: wrapped.enforcement.level === 'enforced',
      timeoutMs: spec.timeoutMs,
      graceMs,
      onStarted: (identity) => emit({ type: 'started', process: identity, enforcement: wrapped.enforcement }),
      onOutput: output.take,
    });
    onRunning(running);
    const end = await running.ended;
    const dropped = output.finish();
    const reason = wrapped.notStarted();
    return describeEnd(reason === undefined ? end : { kind: 'not_started', reason }, {
      spec,
      program,
      values: dropped === 0 ? {} : { droppedBytes: dropped },
    });
  } finally {
    await wrapped.close();
  }
}

/** Decodes and passes on the output, as far as the bound allows; `finish` says how many bytes were dropped. */
function passOutput(emit: Emit, maxBytes: number): { take(stream: 'stdout' | 'stderr', chunk: Buffer): void; finish(): number } {
  // A character may be cut in two by the border of a chunk.
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let left = maxBytes;
  let dropped = 0;
  const give = (stream: 'stdout' | 'stderr', text: string): void => {
    if (text !== '') emit({ type: 'output', stream, text });
  };
  return {
    take(stream, chunk) {
      const kept = chunk.subarray(0, left);
      left -= kept.length;
      dropped += chunk.length - kept.length;
      if (kept.length > 0) give(stream, decoders[stream].write(kept));
    },
    finish() {
      give('stdout', decoders.stdout.end());
      give('stderr', decoders.stderr.end());
      if (dropped > 0) give('stderr', `\n[${dropped} bytes of output were dropped: only the first ${maxBytes} are kept]\n`);
      return dropped;
    },
  };
}

function describeEnd(
  end: ProcessEnd,
  { spec, program, values }: { spec: AttemptSpec; program: string; values: Outcome['values'] },
): Outcome {
  if (end.kind === 'not_started') return { ...describeStartFailure(program, end.reason), values };
  if (end.survivors > 0)
    return { ...fail('processes_left', `${end.survivors} processes of ${program} could not be ended. End them by hand.`), values };
  switch (end.kind) {
    case 'stopped':
      return { status: 'canceled', values };
    case 'timeout':
      return {
        status: 'timeout',
        error: {
          code: 'task_timeout',
          message: `${program} did not end within ${spec.timeoutMs / 1_000} s and was ended. Give the stage a longer \`timeout\`.`,
        },
        values,
      };
    case 'exited': {
      if (end.exitCode === 0) return { status: 'succeeded', exitCode: 0, values };
      const how = end.exitCode === undefined ? `was ended by ${end.signal ?? 'a signal'}` : `ended with exit code ${end.exitCode}`;
      const facts = {
        ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
        ...(end.signal === undefined ? {} : { signal: end.signal }),
      };
      return { ...fail('command_failed', `${program} ${how}. Its output says why.`), ...facts, values };
    }
  }
}

function describeStartFailure(program: string, reason: string): Outcome {
  if (reason === 'ENOENT') return fail('command_not_found', `${program} was not found. Install it, or put it on the PATH of the daemon.`);
  if (reason === 'EACCES')
    return fail('command_not_executable', `${program} may not be executed. Make it executable, or name another program.`);
  return fail('spawn_failed', `${program} could not be started (${reason}).`);
}

function fail(code: string, message: string): Outcome {
  return { status: 'failed', error: { code, message: message.slice(0, 2_000) }, values: {} };
}

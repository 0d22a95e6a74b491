/** What it means when an agent's process or its output ends before its turn does. */
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptEvent, Outcome } from '../agent.ts';
import { failed } from './failed.ts';
import type { AgentProcess } from './process.ts';
import type { Profile } from './profiles.ts';
import type { WireFault } from './wire.ts';

/** Characters of what an agent wrote to its standard error that go into the reason of a failure, and bytes that are kept. */
const STDERR_TAIL = 600;
const MAX_STDERR = 4 * 1024 * 1024;
const LAST_WORDS_MS = 1_000;

/** The connection is closed when the agent is gone or has done what no agent may; then that is the reason, and not the connection. */
export async function explainBreak(
  error: unknown,
  { fault, child, profile, errors }: { fault: Promise<WireFault>; child: AgentProcess; profile: Profile; errors: StderrTail },
): Promise<Outcome> {
  const soon = delay(500, undefined, { ref: false });
  const reason = await Promise.race([fault, child.ended, soon]);
  if (reason instanceof Error) return failed(reason.code, `${profile.title}: ${reason.message}`);
  if (reason) return explainExit(profile, reason, await errors.lastWords());
  return failed('agent_error', `${profile.title} answered with an error: ${error instanceof Error ? error.message : String(error)}`);
}

/** The outcome of an agent whose process ended by itself. */
export function explainExit(profile: Profile, { exitCode, signal }: { exitCode?: number; signal?: string }, tail: string): Outcome {
  const how = exitCode === undefined ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${exitCode}`;
  const last = tail === '' ? '' : ` Its last words: ${tail}`;
  return {
    ...failed('agent_exited', `${profile.title} ${how} before it was done.${last}`),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The end of an agent's standard error. */
export interface StderrTail {
  /** The end of what it wrote, once it can write no more, or soon. */
  lastWords(): Promise<string>;
}

/** Passes on what the agent writes to its standard error, within a bound. */
export function passErrors({ errors }: AgentProcess, emit: (event: AttemptEvent) => void): StderrTail {
  const decoder = new StringDecoder('utf8');
  let left = MAX_STDERR;
  let tail = '';
  errors.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk);
    tail = (tail + text).slice(-STDERR_TAIL);
    const kept = text.slice(0, left);
    left -= kept.length;
    if (kept !== '') emit({ type: 'output', stream: 'stderr', text: kept });
  });
  errors.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    errors.once('close', () => resolve());
  });
  return {
    async lastWords() {
      await Promise.race([closed, delay(LAST_WORDS_MS, undefined, { ref: false })]);
      return tail.trim().replace(/\s+/g, ' ');
    },
  };
}

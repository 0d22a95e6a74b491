import * as z from 'zod';
import type { Escalation } from '../shared/state/action.ts';
import type { BreakerSettings } from '../shared/state/breaker.ts';
import { Escalate, listEscalation } from './policy/asking.ts';

/** One setting: its name in the environment, what it is, and its default. Docs and --help are made from this table. */
export const SETTINGS = {
  SIGNALBOX_HOME: { text: 'State folder: journal, artifacts, endpoint file.', default: '$XDG_STATE_HOME/signalbox' },
  SIGNALBOX_TASK_TIMEOUT: {
    text: 'Time that a command or built-in agent may take when the workflow does not say, in seconds.',
    default: '300',
  },
  SIGNALBOX_APPROVAL_TIMEOUT: { text: 'Time after which a question that nobody answered is a no, in seconds.', default: '86400' },
  SIGNALBOX_APPROVAL_REMINDERS: {
    text: 'When a question that waits is brought up again, each once: parts of its time, for instance 0.5,0.9; empty for never.',
    default: '0.5,0.9',
  },
  SIGNALBOX_ESCALATION: {
    text: 'Who looks at a question before a person, when no rule says, and who is told of a stage that is held up: times for each level, for instance peer:30m,lead:2h,person:4h; empty for a person at once.',
    default: '',
  },
  SIGNALBOX_BREAKER_FAILURES: {
    text: 'Failures of its own in a row after which an agent gets no work for a while; 0 for never.',
    default: '5',
  },
  SIGNALBOX_BREAKER_REST: { text: 'Time that such an agent rests before it is tried again with one task, in seconds.', default: '60' },
  SIGNALBOX_DRAIN_TIMEOUT: { text: 'Time that running attempts get when the daemon is asked to stop, in seconds.', default: '10' },
  SIGNALBOX_KEEP_RUNS: { text: 'Finished runs that stay in memory; older ones are in the archive, and shown from there.', default: '200' },
  SIGNALBOX_KEEP_TASKS: { text: 'Finished tasks of no run that stay in memory; older ones are in the archive.', default: '10000' },
  SIGNALBOX_KEEP_DAYS: { text: 'Days after which what has finished goes to the archive in any case.', default: '7' },
  SIGNALBOX_PORT: {
    text: 'Port of 127.0.0.1 that the daemon listens on, for webhooks that have to find it; 0 for any that is free.',
    default: '0',
  },
  SIGNALBOX_MIN_FREE_MB: {
    text: 'Free space on the disk of the state folder below which no new work is taken, in MB; 0 for never.',
    default: '256',
  },
  SIGNALBOX_RESUME: {
    text: 'What becomes of the work of an agent that the end of the daemon cut off: `session` goes on with it in the same worktree, and in the same session where the agent can; `fresh` begins anew after the last recorded commit.',
    default: 'session',
  },
  SIGNALBOX_SANDBOX: {
    text: '`auto` starts programs of agents in a sandbox where bubblewrap works; `off` never does, and every attempt says so.',
    default: 'auto',
  },
  SIGNALBOX_SANDBOX_READ: {
    text: 'Further folders that programs in the sandbox may read, absolute, separated by `:`; for tools that lie elsewhere.',
    default: '',
  },
} as const;

const Seconds = z.coerce.number().int().min(1).max(2_592_000);
const Count = z.coerce.number().int().min(0).max(1_000_000);
const DAY_MS = 86_400_000;
const MB = 1024 * 1024;

export interface Settings {
  taskTimeoutMs: number;
  approvalMs: number;
  /** Parts of its time after which a question is brought up again. */
  reminders: number[];
  /** Steps for questions whose rule says nothing about it. */
  escalation: Escalation[] | undefined;
  breaker: BreakerSettings;
  drainMs: number;
  /** What has finished and is older, or more than that, leaves memory. */
  keep: { runs: number; tasks: number; ageMs: number };
  /** Bytes of free space below which no new work is taken. */
  minFreeBytes: number;
  resume: 'session' | 'fresh';
  /** 0 for any free port. */
  port: number;
  sandbox: 'auto' | 'off';
  /** Absolute folders that a sandbox shows read-only beside the system's. */
  sandboxRead: string[];
}

/** Reads the settings of the environment; throws an Error that names the variable, what it holds and what it may hold. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const seconds = (name: keyof typeof SETTINGS): number => {
    const given = env[name] ?? SETTINGS[name].default;
    const parsed = Seconds.safeParse(given);
    if (!parsed.success) throw new Error(`${name} is ${JSON.stringify(given)}; it takes whole seconds from 1 to 2592000.`);
    return parsed.data * 1_000;
  };
  const count = (name: keyof typeof SETTINGS): number => {
    const given = env[name] ?? SETTINGS[name].default;
    const parsed = Count.safeParse(given === '' ? undefined : given);
    if (!parsed.success) throw new Error(`${name} is ${JSON.stringify(given)}; it takes a whole number from 0 to 1000000.`);
    return parsed.data;
  };
  return {
    taskTimeoutMs: seconds('SIGNALBOX_TASK_TIMEOUT'),
    approvalMs: seconds('SIGNALBOX_APPROVAL_TIMEOUT'),
    reminders: readReminders(env['SIGNALBOX_APPROVAL_REMINDERS'] ?? SETTINGS.SIGNALBOX_APPROVAL_REMINDERS.default),
    escalation: readEscalation(env['SIGNALBOX_ESCALATION'] ?? ''),
    breaker: { failures: count('SIGNALBOX_BREAKER_FAILURES'), restMs: seconds('SIGNALBOX_BREAKER_REST') },
    drainMs: seconds('SIGNALBOX_DRAIN_TIMEOUT'),
    keep: { runs: count('SIGNALBOX_KEEP_RUNS'), tasks: count('SIGNALBOX_KEEP_TASKS'), ageMs: count('SIGNALBOX_KEEP_DAYS') * DAY_MS },
    minFreeBytes: count('SIGNALBOX_MIN_FREE_MB') * MB,
    resume: readResume(env['SIGNALBOX_RESUME']),
    port: readPort(env['SIGNALBOX_PORT'] ?? ''),
    sandbox: readSandbox(env['SIGNALBOX_SANDBOX']),
    sandboxRead: readFolders(env['SIGNALBOX_SANDBOX_READ'] ?? ''),
  };
}

function readReminders(given: string): number[] {
  const parts = given.split(',').filter((part) => part.trim() !== '');
  const read = z.array(z.coerce.number().gt(0).lt(1)).max(10).safeParse(parts);
  if (!read.success)
    throw new Error(`SIGNALBOX_APPROVAL_REMINDERS is ${JSON.stringify(given)}; it takes up to ten numbers between 0 and 1, as in 0.5,0.9.`);
  return read.data.sort((a, b) => a - b);
}

function readEscalation(given: string): Escalation[] | undefined {
  if (given.trim() === '') return undefined;
  const levels = given.split(',').map((part) => part.split(':', 2).map((word) => word.trim()) as [string, string]);
  const read = Escalate.safeParse(Object.fromEntries(levels));
  if (!read.success)
    throw new Error(`SIGNALBOX_ESCALATION is ${JSON.stringify(given)}; it takes peer:30m,lead:2h,person:4h, of which person is needed.`);
  return listEscalation(read.data);
}

function readResume(given = 'session'): 'session' | 'fresh' {
  if (given === 'session' || given === 'fresh') return given;
  throw new Error(`SIGNALBOX_RESUME is ${JSON.stringify(given)}; it takes session or fresh.`);
}

function readPort(given: string): number {
  const read = z.coerce.number().int().min(0).max(65_535).safeParse(given);
  if (!read.success) throw new Error(`SIGNALBOX_PORT is ${JSON.stringify(given)}; it takes a port from 1 to 65535, or 0 for any free one.`);
  return read.data;
}

function readSandbox(given = 'auto'): 'auto' | 'off' {
  if (given === 'auto' || given === 'off') return given;
  throw new Error(`SIGNALBOX_SANDBOX is ${JSON.stringify(given)}; it takes auto or off.`);
}

function readFolders(given: string): string[] {
  const folders = given.split(':').filter((folder) => folder !== '');
  const wrong = folders.find((folder) => !folder.startsWith('/') || folder === '/');
  if (wrong === undefined) return folders;
  throw new Error(`SIGNALBOX_SANDBOX_READ holds ${JSON.stringify(wrong)}; it takes absolute folders, separated by ":", and not "/".`);
}

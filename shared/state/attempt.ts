import type { AttemptEvent } from '../events/attempt.ts';
import type { Event } from '../events/envelope.ts';
import type { UsageEvent } from '../events/usage.ts';
import type { Enforcement } from './agent.ts';
import type { AgentSession } from './agent-session.ts';
import type { AgentPlan } from './plan.ts';
import type { StateTable } from './table.ts';
import { foldOmittedCalls, foldToolCall, type ToolCalls } from './tool-call.ts';

export type AttemptEnd = 'succeeded' | 'failed' | 'canceled' | 'timeout' | 'interrupted';
export type AttemptStatus = 'starting' | 'running' | AttemptEnd;

/** `starting` may fail or be given up before a process ran. */
export const ATTEMPT_TABLE: StateTable<AttemptStatus> = {
  starting: ['running', 'failed', 'canceled', 'timeout', 'interrupted'],
  running: ['succeeded', 'failed', 'canceled', 'timeout', 'interrupted'],
  succeeded: [],
  failed: [],
  canceled: [],
  timeout: [],
  interrupted: [],
};

/** Something that an attempt did and nobody had decided: an unasked edit, git's own files changed, a repository made inside. */
export interface Finding {
  kind: string;
  /** Relative to the worktree; the first of them when there are many. */
  paths: readonly string[];
  message: string;
  acted: 'kept' | 'stopped' | 'reverted';
}

export interface Attempt {
  id: string;
  task: string;
  agent: string;
  run?: string;
  stage?: string;
  /** Fencing token of its lease: only the task's newest counts. */
  token: number;
  status: AttemptStatus;
  host: string;
  bootId: string;
  pid?: number;
  startTime?: string;
  /** How its processes are kept to what they may do; absent when Signalbox did not start any but its own. */
  enforcement?: Enforcement;
  /** `left` once it was removed, or kept for the work in it; `home` is the attempt whose HOME it has, where that is another one's. */
  workspace?: { path: string; branch: string; base: string; home?: string; left?: boolean };
  /** Commits made on its branch, by key, oldest first. */
  commits: readonly { key: string; commit: string; summary: string; at: string }[];
  /** Tokens and US dollars that were reported of it, and who counted them last. */
  usage?: { tokens: number; cost: number; source?: string };
  findings?: readonly Finding[];
  /** What its agent's tools did; absent when no tool call was told of. */
  tools?: ToolCalls;
  plan?: AgentPlan;
  /** The agent's own session that it works in. */
  session?: AgentSession;
  /** Values that its agent reported so far. */
  reported?: Readonly<Record<string, unknown>>;
  exitCode?: number;
  signal?: string;
  code?: string;
  message?: string;
  startedAt: string;
  /** The lease counts from here; later than `startedAt` when the machine slept meanwhile. */
  leaseFrom: string;
  endedAt?: string;
}

function beginAttempt(id: string, event: Event & Extract<AttemptEvent, { type: 'attempt.starting' }>, at: string): Attempt {
  const { task = '', agent = '', run, stage } = event;
  const of = { ...(run === undefined ? {} : { run }), ...(stage === undefined ? {} : { stage }) };
  return { id, task, agent, ...of, ...event.data, status: 'starting', commits: [], startedAt: at, leaseFrom: at };
}

/** Folds one event about attempts into their table. */
export function evolveAttempts(attempts: Map<string, Attempt>, event: Event & (AttemptEvent | UsageEvent), at: string): void {
  const id = event.attempt ?? '';
  if (event.type === 'attempt.starting') return void attempts.set(id, beginAttempt(id, event, at));
  const attempt = attempts.get(id);
  if (!attempt) return;
  switch (event.type) {
    case 'attempt.running':
      attempts.set(id, { ...attempt, ...event.data, status: 'running' });
      return;
    case 'attempt.committed':
      attempts.set(id, { ...attempt, commits: [...attempt.commits, { ...event.data, at }] });
      return;
    case 'usage.reported': {
      const { tokens, cost } = attempt.usage ?? { tokens: 0, cost: 0 };
      const { source } = event.data;
      attempts.set(id, { ...attempt, usage: { tokens: tokens + event.data.tokens, cost: cost + event.data.cost, source } });
      return;
    }
    case 'agent.rogue_edit':
      attempts.set(id, { ...attempt, findings: [...(attempt.findings ?? []), event.data] });
      return;
    case 'attempt.reported':
      attempts.set(id, { ...attempt, reported: { ...attempt.reported, ...event.data.values } });
      return;
    case 'agent.planned':
      attempts.set(id, { ...attempt, plan: event.data });
      return;
    case 'agent.session_opened':
      attempts.set(id, { ...attempt, session: event.data });
      return;
    case 'agent.tool_called':
      attempts.set(id, { ...attempt, tools: foldToolCall(attempt.tools, event.data, at) });
      return;
    case 'agent.tool_calls_omitted':
      attempts.set(id, { ...attempt, tools: foldOmittedCalls(attempt.tools, event.data.calls) });
      return;
    case 'attempt.ended': {
      const { spoolBytes: _, droppedBytes: __, ...how } = event.data;
      attempts.set(id, { ...attempt, ...how, endedAt: at });
      return;
    }
    default:
      event satisfies never;
  }
}

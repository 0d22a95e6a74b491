/**
 * The circuit breaker of one agent: closed, open after so many failures of its own in a row, half open once it has rested. Half open
 * it gets one task: a success closes it, a failure opens it again.
 *
 * 1. Only failures of the agent count: what its work came to, a denial or a cancel says nothing about it.
 * 2. `command` and `builtin` have none: each of their tasks is another program.
 */
import type { Agent, AdapterKind } from './agent.ts';
import { classOf, isWorthTrying } from './failure.ts';

export interface Breaker {
  state: 'closed' | 'open' | 'half_open';
  /** Failures in a row. */
  failures: number;
  /** When it opened, and until when it gives no work to its agent. */
  since?: string;
  until?: string;
  /** The last failure. */
  code?: string;
  message?: string;
}

/** Failures in a row that open a breaker, and how long it stays open, in milliseconds. */
export interface BreakerSettings {
  failures: number;
  restMs: number;
}

/** Whether an ended attempt counts against its agent. */
export function countsAgainst(adapter: AdapterKind, ended: { status: string; code?: string | undefined }): boolean {
  if (ended.status !== 'failed' && ended.status !== 'timeout') return false;
  const code = ended.code ?? (ended.status === 'timeout' ? 'task_timeout' : 'failed');
  if (adapter === 'remote') return isWorthTrying(code);
  return adapter === 'acp' && classOf(code) !== 'work';
}

/** The breaker with one more ended attempt; undefined where nothing changes. */
export function countAttempt(
  agent: Agent,
  ended: { status: string; code?: string | undefined; message?: string | undefined },
): Breaker | undefined {
  const before = agent.breaker ?? { state: 'closed', failures: 0 };
  if (ended.status === 'succeeded') return before.failures === 0 ? undefined : { ...before, failures: 0 };
  if (!countsAgainst(agent.adapter, ended)) return undefined;
  const { code = 'failed', message = '' } = ended;
  return { ...before, failures: before.failures + 1, code, message: message.slice(0, 300) };
}

/** How many tasks the breaker lets its agent have beside those that it has. */
export function slotsOf(agent: Agent): number {
  const free = Math.max(0, agent.slots - agent.used);
  if (agent.breaker?.state === 'open') return 0;
  return agent.breaker?.state === 'half_open' ? (agent.used === 0 ? Math.min(1, free) : 0) : free;
}

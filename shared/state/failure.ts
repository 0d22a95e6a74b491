// Which failures trying again may mend.

/** Codes of failures that come out the same however often they are tried. */
const LASTING = new Set([
  'command_missing',
  'command_not_found',
  'command_not_executable',
  'directory_missing',
  'adapter_missing',
  'agent_unknown',
  'action_unknown',
  'invalid_inputs',
  'denied',
  'policy_denied',
  'no_route',
  'condition_failed',
  'nothing_to_merge',
  'merge_conflicts',
  'conflict_markers',
  'moved_too_often',
  'interrupted_too_often',
  'handoff_incomplete',
  'canceled',
  'not_retryable',
]);

/** Whether a failure is worth another try: one of `on` where that is given, and never one that lasts. */
export function isWorthTrying(code: string, on?: readonly string[]): boolean {
  return !LASTING.has(code) && (on === undefined || on.includes(code));
}

/** What is done about a failed attempt. */
export type FailureAnswer = 'retry' | 'escalate' | 'dead_letter' | 'skip';

/**
 * What is done about a failed attempt: nothing more while the breaker of its agent is open; a person has to look at what trying
 * again cannot mend; another try as long as there are some left. What is not critical is left out instead of waiting for a person.
 */
export function answerFailure(failure: {
  /** The breaker of the agent was open before this failure. */
  open: boolean;
  code: string;
  on?: readonly string[] | undefined;
  /** Failures with this one. */
  failures: number;
  attempts: number;
  critical: boolean;
}): FailureAnswer {
  const { open, code, on, failures, attempts, critical } = failure;
  const last = (answer: FailureAnswer): FailureAnswer => (critical ? answer : 'skip');
  if (open) return last('dead_letter');
  if (!isWorthTrying(code, on)) return last('escalate');
  return failures < attempts ? 'retry' : last('dead_letter');
}

/** Where a failure comes from: a limit of somebody's service, the agent itself, or its work. */
export type FailureClass = 'limited' | 'agent' | 'work';

const LIMITED = new Set(['rate_limited', 'overloaded', 'quota_exceeded']);
const OF_AGENT = /^(agent_|adapter_failed|spawn_failed|task_timeout|processes_left|worker_gone|connection_lost)/;

export function classOf(code: string): FailureClass {
  if (LIMITED.has(code)) return 'limited';
  return OF_AGENT.test(code) ? 'agent' : 'work';
}

interface Backoff {
  backoffMs: number;
  factor: number;
  maxMs: number;
  jitter: number;
}

/** How long a task waits whose workflow says nothing about it. */
const WAITS: Readonly<Record<FailureClass, Backoff>> = {
  limited: { backoffMs: 30_000, factor: 2, maxMs: 600_000, jitter: 0.2 },
  agent: { backoffMs: 2_000, factor: 2, maxMs: 300_000, jitter: 0.2 },
  work: { backoffMs: 500, factor: 2, maxMs: 300_000, jitter: 0.2 },
};

/** The wait before the next try, in milliseconds: as the task says, else by the class of the failure; a limit is never run against sooner. */
export function waitBefore(code: string, own: Backoff | undefined, failures: number, random: number): number {
  const byClass = WAITS[classOf(code)];
  const wait = backoff(own ?? byClass, failures, random);
  return classOf(code) === 'limited' ? Math.max(wait, backoff(byClass, failures, random)) : wait;
}

/** How long to wait before a try, in milliseconds; `failures` counts from 1 and `random` goes from 0 to 1. */
function backoff({ backoffMs, factor, maxMs, jitter }: Backoff, failures: number, random: number): number {
  const full = Math.min(maxMs, backoffMs * factor ** (failures - 1));
  return Math.round(full * (1 - jitter * random));
}

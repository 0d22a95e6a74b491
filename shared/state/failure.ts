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

/** How long to wait before a try, in milliseconds; `failures` counts from 1 and `random` goes from 0 to 1. */
export function backoff(
  { backoffMs, factor, maxMs, jitter }: { backoffMs: number; factor: number; maxMs: number; jitter: number },
  failures: number,
  random: number,
): number {
  const full = Math.min(maxMs, backoffMs * factor ** (failures - 1));
  return Math.round(full * (1 - jitter * random));
}

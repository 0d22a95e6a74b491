/**
 * Which question is before the person, and what a key means. Pure: the state of asking goes in and comes out.
 *
 * 1. One question at a time, oldest first; what was put off or answered is not asked again.
 * 2. A key counts only when the question has been readable for a moment, so that nothing typed ahead answers what nobody has seen.
 */
import type { Approval } from '../../../shared/state/approval.ts';

/** How long a question stands before a key counts, in milliseconds. */
export const READING_MS = 400;

export interface Asking {
  /** Put off here, or answered and not yet recorded. */
  passed: ReadonlySet<string>;
  current?: string;
  /** When the current question could first be read. */
  since: number;
}

/** Nothing asked yet. */
export const NOTHING_ASKED: Asking = { passed: new Set(), since: 0 };

/** The asking after the open questions changed; `readable` says that a question's evidence is there. */
export function updateAsking(asking: Asking, open: readonly Approval[], now: number, readable: (id: string) => boolean): Asking {
  const next = open.find((approval) => !asking.passed.has(approval.id) && readable(approval.id));
  const stays = open.some((approval) => approval.id === asking.current && !asking.passed.has(approval.id));
  if (stays) return asking;
  const { current: _, ...rest } = asking;
  return next === undefined ? rest : { ...rest, current: next.id, since: now };
}

/** The place of the current question among those of its stage that were put together, from 1. */
export function placeOf({ current, passed }: Asking, approvals: readonly Approval[]): { index: number; total: number } {
  const stage = approvals.find((approval) => approval.id === current)?.stage;
  const together = approvals.filter((approval) => approval.stage === stage && (approval.status === 'pending' || passed.has(approval.id)));
  return { index: together.findIndex((approval) => approval.id === current) + 1, total: together.length };
}

export type Intent =
  | { do: 'grant' | 'deny' | 'skip'; approval: string }
  | { do: 'view'; approval: string }
  | { do: 'later'; approval: string }
  | { do: 'again' }
  | { do: 'quit' }
  | { do: 'interrupt' };

/** What a key means now; undefined when it means nothing. */
export function readKey(asking: Asking, key: string, now: number): Intent | undefined {
  if (key === '\u0003') return { do: 'interrupt' };
  if (key === 'q') return { do: 'quit' };
  if (key === 'r') return { do: 'again' };
  const approval = asking.current;
  if (approval === undefined || now - asking.since < READING_MS) return undefined;
  switch (key) {
    case 'a':
      return { do: 'grant', approval };
    case 's':
      return { do: 'skip', approval };
    case 'd':
      return { do: 'deny', approval };
    case 'v':
      return { do: 'view', approval };
    case 'l':
      return { do: 'later', approval };
    default:
      return undefined;
  }
}

/** The asking without one question, which was put off or answered. */
export function passQuestion(asking: Asking, approval: string): Asking {
  const { current, ...rest } = asking;
  return { ...rest, passed: new Set([...asking.passed, approval]), ...(current === undefined || current === approval ? {} : { current }) };
}

/** Asks again what was put off or could not be recorded: one question, or all of them. */
export function reopenQuestions(asking: Asking, approval?: string): Asking {
  return { ...asking, passed: new Set(approval === undefined ? [] : [...asking.passed].filter((id) => id !== approval)) };
}

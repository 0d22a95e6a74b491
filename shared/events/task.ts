import type { FailureAnswer } from '../state/failure.ts';
import type { EventOf } from './envelope.ts';

/**
 * A check of a stage's work, somebody's word on it, what one of several says in a deliberation, or a task that another task's
 * agent gave to somebody.
 */
export type TaskPart = 'check' | 'sign_off' | 'cleanup' | 'deliberate' | 'child';

/** How long a task waits before it is tried again, in milliseconds, and for which codes; absent: for all that it may mend. */
export interface TaskRetry {
  backoffMs: number;
  factor: number;
  maxMs: number;
  jitter: number;
  on?: string[];
}

/** Why nothing more is tried; older records do not say. */
export type GivenUp = Exclude<FailureAnswer, 'retry'>;

export type TaskEvent =
  | EventOf<
      'task.submitted',
      {
        /** The agent that is to do it, by id. */
        wants: string;
        action: string;
        priority: number;
        timeoutMs: number;
        maxAttempts: number;
        /** Small inputs; larger ones are artifacts, named by digest. */
        payload: Record<string, unknown>;
        artifacts: Record<string, string>;
        /** What it does for its stage, where that is not the stage's work itself. */
        part?: TaskPart;
        /** The task whose agent submitted it. */
        parent?: string;
        retry?: TaskRetry;
        /** Nothing depends on it: when it fails, nobody has to look at it. */
        critical?: false;
      }
    >
  /** The lease: `token` fences, an answer with an older one changes nothing. */
  | EventOf<'task.assigned', { token: number; leaseMs: number }>
  /** The policy does not let it go to its agent yet: a quota is used up, or a person is asked. */
  | EventOf<'task.held', { waitsFor: 'quota' | 'approval'; reason: string }>
  | EventOf<'task.running', Record<string, never>>
  /** `notBefore`: it is given to nobody until then (RFC 3339). */
  | EventOf<'task.requeued', { reason: string; failures: number; notBefore?: string }>
  /** The wait before the next try is over. */
  | EventOf<'task.due', Record<string, never>>
  /** Asked for while an attempt was under way; the attempt ends first. */
  | EventOf<'task.cancel_requested', { reason: string }>
  | EventOf<'task.completed', { values: Record<string, unknown> }>
  | EventOf<'task.failed', { code: string; message: string; deadLetter: boolean; answer?: GivenUp }>
  | EventOf<'task.timeout', { message: string; deadLetter: boolean; answer?: GivenUp }>
  /** Somebody has taken a dead letter up again: it waits for its agent as if it were new. */
  | EventOf<'task.revived', { by: string }>
  | EventOf<'task.canceled', { reason: string }>;

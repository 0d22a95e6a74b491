import type { EventOf } from './envelope.ts';

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
      }
    >
  /** The lease: `token` fences, an answer with an older one changes nothing. */
  | EventOf<'task.assigned', { token: number; leaseMs: number }>
  /** The policy does not let it go to its agent yet: a quota is used up, or a person is asked. */
  | EventOf<'task.held', { waitsFor: 'quota' | 'approval'; reason: string }>
  | EventOf<'task.running', Record<string, never>>
  | EventOf<'task.requeued', { reason: string; failures: number }>
  /** Asked for while an attempt was under way; the attempt ends first. */
  | EventOf<'task.cancel_requested', { reason: string }>
  | EventOf<'task.completed', { values: Record<string, unknown> }>
  | EventOf<'task.failed', { code: string; message: string; deadLetter: boolean }>
  | EventOf<'task.timeout', { message: string; deadLetter: boolean }>
  | EventOf<'task.canceled', { reason: string }>;

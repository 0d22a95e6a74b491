import type { Scope } from '../protocol/scopes.ts';
import type { EventOf } from './envelope.ts';

export type DaemonEvent =
  | EventOf<'daemon.started', { version: string; epoch: string; pid: number; host: string; bootId: string; protocol: number }>
  | EventOf<'daemon.stopped', { reason: string; drained: boolean }>
  /** The machine slept, or the clock jumped: deadlines were moved by this much. */
  | EventOf<'daemon.resumed', { sleptMs: number }>
  /** A token was made. The token itself is in no record. */
  | EventOf<'principal.added', { name: string; scopes: Scope[]; expiresAt: string }>
  /** Somebody tried what its principal may not do, and it matters afterwards. */
  | EventOf<'principal.refused', { name: string; code: string; what: string }>;

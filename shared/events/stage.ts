import type { EventOf } from './envelope.ts';

/** What came of one proposed action. */
export interface GateResult {
  key: string;
  allowed: boolean;
  /** Why not, in one sentence; empty when allowed. */
  reason: string;
  approval?: string;
}

/** Why a stage did not run: its `when` did not hold, somebody said no, or a stage that it needs failed. */
export type SkipCause = 'condition' | 'denied' | 'blocked';

export type StageEvent =
  /** Comes again when what was decided no longer fits, for instance because the branch moved: everything is asked anew. */
  | EventOf<'stage.started', { round: number }>
  /** All actions of this round were put to the policy; `facts` is what they rest on, for instance the tree that a merge would give. */
  | EventOf<'stage.proposed', { count: number; facts: Record<string, string> }>
  /** All that the stage wants to do was decided; the task may be submitted, or not. */
  | EventOf<'stage.admitted', { results: GateResult[] }>
  | EventOf<'stage.completed', { values: Record<string, unknown>; commit?: string }>
  | EventOf<'stage.failed', { code: string; message: string }>
  | EventOf<'stage.skipped', { reason: string; cause: SkipCause }>
  | EventOf<'stage.canceled', { reason: string }>;

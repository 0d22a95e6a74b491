import type { ApprovalLevel } from '../state/approval.ts';
import type { CriterionResult } from '../state/gate.ts';
import type { Asked, MemberVote } from '../state/deliberation.ts';
import type { InheritedStage } from '../state/origin.ts';
import type { Deadline } from '../state/run.ts';
import type { EventOf } from './envelope.ts';

/** What came of one proposed action. */
export interface GateResult {
  key: string;
  allowed: boolean;
  /** Why not, in one sentence; empty when allowed. */
  reason: string;
  approval?: string;
}

/**
 * Why a stage did not run: its `when` did not hold, somebody said no, a stage that it needs failed, no stage before it
 * chose it, a person left it out, or it failed and the workflow says that this does not matter.
 */
export type SkipCause = 'condition' | 'denied' | 'blocked' | 'not_chosen' | 'person' | 'failure';

export type StageEvent =
  /** Comes again when what was decided no longer fits, for instance because the branch moved: everything is asked anew. */
  | EventOf<
      'stage.started',
      {
        round: number;
        /** Times that the run came to this stage, counted from 1; absent in the first. */
        turn?: number;
        /** What was wrong before, for whoever does it again. */
        feedback?: string;
        /** Failures of this turn that were tried again already. */
        again?: number;
        /** Commit of the earlier work that it goes on from. */
        from?: string;
        slaMs?: number;
        /** It merges: others that merge into the same branch wait until it has ended. */
        merges?: true;
      }
    >
  /** All actions of this round were put to the policy; `facts` is what they rest on, for instance the tree that a merge would give. */
  | EventOf<'stage.proposed', { count: number; facts: Record<string, string> }>
  /** All that the stage wants to do was decided; the task may be submitted, or not. */
  | EventOf<'stage.admitted', { results: GateResult[] }>
  /** Its work is there and is being looked at: criteria, sign-offs. */
  | EventOf<'stage.checking', { values: Record<string, unknown>; commit?: string }>
  /** A time that it should keep is nearly over (80 %), or over; each is said once. */
  | EventOf<'stage.late', { what: Deadline['what']; level: 'warning' | 'missed'; dueAt: string }>
  /** Its list is known: there is a stage for each item in the definition with this digest, by which the run goes on. */
  | EventOf<'stage.expanded', { digest: string; items: number }>
  /** Its work failed, and a person is asked whether it is tried again, left out, or fails. */
  | EventOf<'stage.stuck', { code: string; message: string }>
  /** A round of a deliberation begins; `task` is what the ids of its tasks begin with, and `absent` are members who cannot be asked. */
  | EventOf<
      'stage.deliberating',
      { round: number; task: string; asked: Asked[]; absent: { member: string; reason: string }[]; roundMs: number }
    >
  /** The round is over; the whole of it stands in the transcript, an artifact. */
  | EventOf<'stage.voted', { round: number; votes: MemberVote[]; transcript: string }>
  /** It has been held up so long that this level is told: `told` are the agents that it is for, empty where it is a person's. */
  | EventOf<'stage.escalated', { level: ApprovalLevel; told: string[]; why: string; since: string }>
  | EventOf<'stage.judged', { results: CriterionResult[] }>
  /** `chosen`: of the stages that may come next, those that do; absent where all do. */
  | EventOf<'stage.completed', { values: Record<string, unknown>; commit?: string; chosen?: string[] }>
  | EventOf<'stage.failed', { code: string; message: string }>
  | EventOf<'stage.skipped', { reason: string; cause: SkipCause }>
  | EventOf<'stage.canceled', { reason: string }>
  /** It ended so in the run that this one goes on from, and is not done again. */
  | EventOf<'stage.inherited', InheritedStage>;

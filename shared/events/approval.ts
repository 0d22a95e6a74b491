import type { Escalation, Risk } from '../state/action.ts';
import type { ApprovalLevel, Remembered } from '../state/approval.ts';
import type { EventOf } from './envelope.ts';

/** The id of the approval is in `data.approval`, and in the stream's name. */
export type ApprovalEvent =
  | EventOf<
      'approval.requested',
      {
        approval: string;
        key: string;
        kind: string;
        summary: string;
        risk: Risk;
        /** HMAC of the exact action. */
        digest: string;
        /** Why a person is asked: the messages of the rules that demanded it. */
        why: string[];
        expiresAt: string;
        /** Artifacts to look at before answering, by name: `diff`, `plan.json`, … */
        show: Record<string, string>;
        /** How many different principals have to grant it; absent for one. */
        quorum?: number;
        /** The principals who may grant it; absent for anybody with the scope. */
        approvers?: string[];
        /** Who looks at it before a person is asked to; absent when a person is asked at once. */
        escalate?: Escalation[];
        /** The question that this one was asked in place of. */
        replaces?: string;
        /** What a yes may mean, the first where nobody says; absent for a plain yes. */
        choices?: string[];
      }
    >
  /** One of several yeses that are needed. The last of them is `approval.granted`. */
  | EventOf<'approval.seconded', { approval: string; by: string; reason: string }>
  | EventOf<'approval.granted', { approval: string; by: string; reason: string; choice?: string }>
  | EventOf<'approval.denied', { approval: string; by: string; reason: string }>
  | EventOf<'approval.expired', { approval: string }>
  /** `by` is set when somebody withdrew it or asked for something else in its place. */
  | EventOf<'approval.voided', { approval: string; reason: string; by?: string }>
  | EventOf<'approval.used', { approval: string }>
  | EventOf<'approval.lapsed', { approval: string; reason: string }>
  /** The answer stands as a rule from now on: for the rest of its run, or (`file`) always. */
  | EventOf<'approval.remembered', Remembered & { approval: string; by: string }>
  /** A rule for the rest of a run holds no longer. */
  | EventOf<'approval.forgotten', { approval: string; by: string; reason: string }>
  | EventOf<'approval.revoked', { approval: string; by: string; reason: string }>
  /** It still waits: `count` reminders are due by now, and this stands for all of them that were not made. */
  | EventOf<'approval.reminded', { approval: string; count: number }>
  /** Nobody below has settled it: from now on it is this level's, too. */
  | EventOf<'approval.escalated', { approval: string; level: ApprovalLevel; to: string[] }>
  | EventOf<'approval.commented', { approval: string; by: string; level: ApprovalLevel; text: string }>;

import type { Risk } from '../state/action.ts';
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
      }
    >
  | EventOf<'approval.granted', { approval: string; by: string; reason: string }>
  | EventOf<'approval.denied', { approval: string; by: string; reason: string }>
  | EventOf<'approval.expired', { approval: string }>
  | EventOf<'approval.voided', { approval: string; reason: string }>
  | EventOf<'approval.used', { approval: string }>
  | EventOf<'approval.lapsed', { approval: string; reason: string }>
  | EventOf<'approval.revoked', { approval: string; by: string; reason: string }>;

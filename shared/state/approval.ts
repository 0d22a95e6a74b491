import type { ApprovalEvent } from '../events/approval.ts';
import type { Event } from '../events/envelope.ts';
import type { Risk } from './action.ts';
import type { StateTable } from './table.ts';

export type ApprovalStatus = 'pending' | 'granted' | 'denied' | 'expired' | 'voided' | 'used' | 'lapsed' | 'revoked';

export const APPROVAL_TABLE: StateTable<ApprovalStatus> = {
  pending: ['granted', 'denied', 'expired', 'voided'],
  granted: ['used', 'lapsed', 'revoked'],
  denied: [],
  expired: [],
  voided: [],
  used: [],
  lapsed: [],
  revoked: [],
};

export interface Approval {
  id: string;
  run?: string;
  stage?: string;
  /** Set when an attempt asks while it works; a stage asks before its task exists. */
  task?: string;
  /** The attempt that asked; another one of the same task may use the grant. */
  attempt?: string;
  agent?: string;
  repo?: string;
  /** Which of the actions of its stage or attempt it is about. */
  key: string;
  kind: string;
  summary: string;
  risk: Risk;
  digest: string;
  why: readonly string[];
  show: Readonly<Record<string, string>>;
  status: ApprovalStatus;
  /** Who answered, and the words that went with it. */
  by?: string;
  reason?: string;
  requestedAt: string;
  expiresAt: string;
  answeredAt?: string;
}

/** Folds one event about approvals into their table. */
export function evolveApprovals(approvals: Map<string, Approval>, event: Event & ApprovalEvent, at: string): void {
  const id = event.data.approval;
  if (event.type === 'approval.requested') {
    const { approval: _, ...question } = event.data;
    const of = {
      ...(event.run === undefined ? {} : { run: event.run }),
      ...(event.stage === undefined ? {} : { stage: event.stage }),
      ...(event.task === undefined ? {} : { task: event.task }),
      ...(event.attempt === undefined ? {} : { attempt: event.attempt }),
      ...(event.agent === undefined ? {} : { agent: event.agent }),
      ...(event.repo === undefined ? {} : { repo: event.repo }),
    };
    approvals.set(id, { id, ...of, ...question, status: 'pending', requestedAt: at });
    return;
  }
  const approval = approvals.get(id);
  if (approval) approvals.set(id, applyToApproval(approval, event, at));
}

function applyToApproval(approval: Approval, event: Event & Exclude<ApprovalEvent, { type: 'approval.requested' }>, at: string): Approval {
  switch (event.type) {
    case 'approval.granted':
      return { ...approval, status: 'granted', by: event.data.by, reason: event.data.reason, answeredAt: at };
    case 'approval.denied':
      return { ...approval, status: 'denied', by: event.data.by, reason: event.data.reason, answeredAt: at };
    case 'approval.expired':
      return { ...approval, status: 'expired', reason: 'Nobody answered in time.', answeredAt: at };
    case 'approval.voided':
      return { ...approval, status: 'voided', reason: event.data.reason, answeredAt: at };
    case 'approval.used':
      return { ...approval, status: 'used' };
    case 'approval.lapsed':
      return { ...approval, status: 'lapsed' };
    case 'approval.revoked':
      return { ...approval, status: 'revoked', reason: event.data.reason };
    default:
      return event satisfies never;
  }
}

import type { ApprovalEvent } from '../events/approval.ts';
import type { Event } from '../events/envelope.ts';
import type { Escalation, Risk } from './action.ts';
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

/** Who may look at a question: 0 the agent that asks, 1 a peer agent, 2 a lead agent, 3 a person. Only a person grants. */
export type ApprovalLevel = 0 | 1 | 2 | 3;

/** What each level is called. */
export const LEVELS = ['agent', 'peer', 'lead', 'person'] as const satisfies readonly string[];

/** A rule that an answer was made into. */
export interface Remembered {
  rule: string;
  /** The whole policy for a rule of a run, the added lines for one that stays. */
  text: string;
  /** The rules that it answers, as `policy/rule`. */
  excepts: string[];
  /** What it allows, in a few words. */
  says: string;
  /** File that it was written to; absent for a rule of the run. */
  file?: string;
}

export interface ApprovalComment {
  by: string;
  level: ApprovalLevel;
  text: string;
  at: string;
}

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
  /** Artifact that holds the exact action. */
  artifact?: string;
  why: readonly string[];
  show: Readonly<Record<string, string>>;
  status: ApprovalStatus;
  /** How many different principals have to grant it; absent for one. */
  quorum?: number;
  /** Who may grant it; absent for anybody with the scope. */
  approvers?: readonly string[];
  escalate?: readonly Escalation[];
  /** The level that it has reached; absent when a person is asked at once. */
  level?: ApprovalLevel;
  /** The question that this one was asked in place of. */
  replaces?: string;
  /** What a yes may mean, the first where nobody says; absent for a plain yes. */
  choices?: readonly string[];
  /** Which of them it was. */
  choice?: string;
  /** The yeses so far, where several are needed, oldest first. */
  grants?: readonly { by: string; reason: string; at: string }[];
  comments?: readonly ApprovalComment[];
  /** The rule that the answer was made into; `forgotten` once it holds no longer. */
  remembered?: Remembered & { by: string; at: string; forgotten?: true };
  /** Reminders made. */
  reminders?: number;
  /** Milliseconds that the machine slept while it waited; they count for no time. */
  sleptMs?: number;
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
      ...(event.artifact === undefined ? {} : { artifact: event.artifact }),
      ...(event.repo === undefined ? {} : { repo: event.repo }),
    };
    const level = question.escalate === undefined ? {} : { level: 0 as const };
    approvals.set(id, { id, ...of, ...question, ...level, status: 'pending', requestedAt: at });
    return;
  }
  const approval = approvals.get(id);
  if (approval) approvals.set(id, applyToApproval(approval, event, at));
}

function applyToApproval(approval: Approval, event: Event & Exclude<ApprovalEvent, { type: 'approval.requested' }>, at: string): Approval {
  switch (event.type) {
    case 'approval.seconded':
      return { ...approval, grants: withGrant(approval, event.data, at) };
    case 'approval.granted': {
      const grants = approval.quorum === undefined ? {} : { grants: withGrant(approval, event.data, at) };
      const choice = event.data.choice === undefined ? {} : { choice: event.data.choice };
      return { ...approval, ...grants, ...choice, status: 'granted', by: event.data.by, reason: event.data.reason, answeredAt: at };
    }
    case 'approval.denied':
      return { ...approval, status: 'denied', by: event.data.by, reason: event.data.reason, answeredAt: at };
    case 'approval.expired':
      return { ...approval, status: 'expired', reason: 'Nobody answered in time.', answeredAt: at };
    case 'approval.voided':
      return { ...approval, ...byOf(event.data), status: 'voided', reason: event.data.reason, answeredAt: at };
    case 'approval.used':
      return { ...approval, status: 'used' };
    case 'approval.lapsed':
      return { ...approval, status: 'lapsed' };
    case 'approval.revoked':
      return { ...approval, status: 'revoked', reason: event.data.reason };
    case 'approval.remembered': {
      const { approval: _, ...rule } = event.data;
      return { ...approval, remembered: { ...rule, at } };
    }
    case 'approval.forgotten':
      return approval.remembered ? { ...approval, remembered: { ...approval.remembered, forgotten: true } } : approval;
    case 'approval.reminded':
      return { ...approval, reminders: event.data.count };
    case 'approval.escalated':
      return { ...approval, level: event.data.level };
    case 'approval.commented': {
      const { approval: _, ...comment } = event.data;
      return { ...approval, comments: [...(approval.comments ?? []), { ...comment, at }] };
    }
    default:
      return event satisfies never;
  }
}

const byOf = ({ by }: { by?: string }) => (by === undefined ? {} : { by });

function withGrant(approval: Approval, { by, reason }: { by: string; reason: string }, at: string) {
  return [...(approval.grants ?? []), { by, reason, at }];
}

/** When `afterMs` of waiting are over, in milliseconds since 1970; time that the machine slept does not count. */
export function dueAt(approval: Approval, afterMs: number): number {
  return Date.parse(approval.requestedAt) + (approval.sleptMs ?? 0) + afterMs;
}

/** True when a person is asked to answer now, and not only may. */
export function asksPerson({ level = 3 }: Pick<Approval, 'level'>): boolean {
  return level === 3;
}

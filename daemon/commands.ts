// Long because: it is the one union of all that the coordinator can be told.
import type { Action, Escalation, MergeHow } from '../shared/state/action.ts';
import type { ApprovalLevel, Remembered } from '../shared/state/approval.ts';
import type { AdapterKind, Enforcement } from '../shared/state/agent.ts';
import type { AgentSession } from '../shared/state/agent-session.ts';
import type { Asked, MemberVote } from '../shared/state/deliberation.ts';
import type { CriterionResult } from '../shared/state/gate.ts';
import type { Inheritance } from '../shared/state/origin.ts';
import type { Answering, Continued, Deadline, Run } from '../shared/state/run.ts';
import type { AttemptEnd, Finding } from '../shared/state/attempt.ts';
import type { AgentPlan } from '../shared/state/plan.ts';
import type { ToolCalled } from '../shared/state/tool-call.ts';
import type { MissingItem } from '../shared/events/handoff.ts';
import type { TaskPart, TaskRetry } from '../shared/events/task.ts';
import type { LoadedPolicyFile } from '../shared/events/policy.ts';
import type { GateResult, SkipCause } from '../shared/events/stage.ts';
import type { MergeIntent } from '../shared/events/workspace.ts';
import type { PassCode } from '../shared/events/trigger.ts';
import type { TriggerDefinition } from '../shared/state/trigger-definition.ts';
import type { StartedBy } from '../shared/state/trigger.ts';
import type { Commit } from '../shared/events/envelope.ts';
import type { Refusal } from '../shared/protocol/errors.ts';
import type { Scope } from '../shared/protocol/scopes.ts';

/** An action that a stage or an attempt wants, ready to be put to the policy; the action itself is in the store already. */
export interface Proposal {
  key: string;
  action: Action;
  artifact: string;
  /** Artifacts that a person should look at before answering, by name. */
  show: Record<string, string>;
  /** Asked of a person whatever the policy says, with this sentence. */
  ask?: string;
  expiresMs?: number;
  /** What a yes may mean, where it is no plain one. */
  choices?: string[];
}

/** Who says something about an approval: what it may do follows from its scopes and from how far the question has come. */
export interface Speaker {
  name: string;
  scopes: readonly Scope[];
}

export interface AttemptEnding {
  status: AttemptEnd;
  exitCode?: number;
  signal?: string;
  code?: string;
  message?: string;
  spoolBytes?: number;
  droppedBytes?: number;
  /** What it used that was not told before. */
  usage?: Used;
  values: Record<string, unknown>;
}

/** Tokens and US dollars; `source` is who counted them. */
export interface Used {
  tokens: number;
  cost: number;
  source: string;
}

/** Everything that the coordinator can be told. A client's request, an engine's step and an adapter's sighting all become one of these. */
export type Command =
  | { type: 'daemon/start'; version: string; pid: number; protocol: number }
  | { type: 'daemon/stop'; reason: string; drained: boolean }
  | { type: 'daemon/resume'; sleptMs: number }
  | { type: 'principal/add'; name: string; scopes: Scope[]; expiresAt: string }
  | { type: 'principal/refuse'; name: string; code: string; what: string }
  | {
      type: 'agent/register';
      agent: string;
      role: string;
      capabilities: string[];
      tags: string[];
      adapter: AdapterKind;
      slots: number;
      region?: string;
      enforcement?: Enforcement;
      /** The action that the policy decides, and who asks; absent for the daemon's own agents and for workers. */
      asked?: { proposal: Proposal; by: string };
    }
  | { type: 'agent/leave'; agent: string; reason: string }
  /** `closed` is asked for by a person, `half_open` when it has rested. */
  | { type: 'agent/breaker'; agent: string; to: 'half_open' | 'closed'; by: string }
  /** `repo` is empty for the host. */
  | { type: 'policy/load'; repo: string; files: LoadedPolicyFile[] }
  /** Actions that a client wants decided and recorded, without a question to anybody; the keys are the client's. */
  | { type: 'policy/evaluate'; proposals: Pick<Proposal, 'key' | 'action' | 'artifact'>[] }
  | { type: 'trust/grant'; repo: string; digest: string; files: string[]; by: string }
  | { type: 'trust/revoke'; repo: string; by: string }
  | {
      type: 'run/start';
      run: string;
      workflow: { name: string; version: number; digest: string; source?: string };
      inputs: Record<string, unknown>;
      again: boolean;
      /** The stage that it is the work of. */
      parent?: { run: string; stage: string };
      answering?: { mode: Answering['mode']; deadlineMs?: number };
      /** Absent: somebody starts it by hand. */
      startedBy?: StartedBy;
      continues?: Continued;
      repository?: { repo: string; gitDir: string; commonDir: string; head?: string; base: string; into?: string };
      /** What it takes over from the run that it goes on from. */
      inherited?: Inheritance;
    }
  | {
      type: 'trigger/register';
      trigger: string;
      workflow: { name: string; version: number; digest: string; source: string };
      definition: TriggerDefinition;
      origin: 'user' | 'repository';
      repo?: string;
      into?: string;
      inputs: Record<string, unknown>;
      by: string;
    }
  | { type: 'trigger/remove'; trigger: string; by: string; reason: string }
  | { type: 'trigger/pause'; trigger: string; by: string; reason: string }
  | { type: 'trigger/resume'; trigger: string; by: string }
  /** `firing` says what fired it, the same for the same: a time, a batch of files, a delivery, an event, an item. */
  | {
      type: 'trigger/fire';
      trigger: string;
      firing: string;
      summary: string;
      inputs: Record<string, unknown>;
      depth: number;
      by: string;
      facts?: string;
      item?: string;
      due?: string;
      /** A person fires it, whatever else is under way. */
      byHand?: boolean;
    }
  | { type: 'trigger/pass'; trigger: string; firing: string; code: PassCode; summary: string; until?: string }
  | { type: 'trigger/fail'; trigger: string; firing: string; code: string; message: string }
  | { type: 'trigger/acknowledge'; trigger: string; firing: string }
  | { type: 'run/begin'; run: string }
  | { type: 'run/wait'; run: string; approvals: string[] }
  | { type: 'run/continue'; run: string }
  | { type: 'run/cancel'; run: string; reason: string }
  | { type: 'run/finish'; run: string; status: 'success' | 'failure' | 'canceled'; code: string; summary: string }
  | { type: 'run/pause'; run: string; by: string; reason: string }
  | { type: 'run/resume'; run: string; by: string }
  | {
      type: 'run/return';
      run: string;
      from: string;
      to: string;
      stages: string[];
      code: string;
      feedback: string;
      by: string;
      told?: string[];
    }
  /** Stages that somebody adds: `from` is the digest of the definition that `digest` was made from, `before` are those that wait for them now. */
  | {
      type: 'run/extend';
      run: string;
      from: string;
      digest: string;
      added: string[];
      agents: string[];
      before: string[];
      change: string;
      by: string;
    }
  /** `always`: it runs also after others have failed. */
  | {
      type: 'stage/start';
      run: string;
      stage: string;
      prepare: boolean;
      always?: boolean;
      again?: { feedback: string };
      slaMs?: number;
      merges?: true;
    }
  | { type: 'stage/check'; run: string; stage: string; values: Record<string, unknown>; commit?: string }
  /** The list of a stage is known. `from` is the digest of the definition that `digest` was made from. */
  | { type: 'stage/expand'; run: string; stage: string; from: string; digest: string; items: number }
  /** Asks a person what is to become of work that failed. */
  | { type: 'stage/ask'; run: string; stage: string; round: number; code: string; message: string }
  | { type: 'stage/judge'; run: string; stage: string; round: number; results: CriterionResult[] }
  | {
      type: 'stage/deliberate';
      run: string;
      stage: string;
      round: number;
      task: string;
      asked: Asked[];
      absent: { member: string; reason: string }[];
      roundMs: number;
    }
  /** `round` is that of the deliberation, `stageRound` that of its stage. */
  | { type: 'stage/vote'; run: string; stage: string; stageRound: number; round: number; votes: MemberVote[]; transcript: string }
  | {
      type: 'handoff/accept';
      run: string;
      stage: string;
      handoff: string;
      from: string[];
      artifacts: Record<string, string>;
      context: Record<string, unknown>;
      acknowledgeMs?: number;
      firstOutputMs?: number;
    }
  | { type: 'stage/escalate'; run: string; stage: string; step: Escalation; why: string; since: string }
  | { type: 'stage/late'; run: string; stage: string; what: Deadline['what']; level: 'warning' | 'missed' }
  | {
      type: 'handoff/return';
      run: string;
      stage: string;
      round: number;
      handoff: string;
      from: string[];
      to: string;
      missing: MissingItem[];
    }
  | {
      type: 'stage/propose';
      run: string;
      stage: string;
      round: number;
      proposals: Proposal[];
      done: boolean;
      facts: Record<string, string>;
    }
  | { type: 'stage/admit'; run: string; stage: string; results: GateResult[] }
  | { type: 'stage/complete'; run: string; stage: string; values: Record<string, unknown>; commit?: string; chosen?: string[] }
  | { type: 'stage/fail'; run: string; stage: string; code: string; message: string }
  | { type: 'stage/skip'; run: string; stage: string; reason: string; cause: SkipCause }
  | { type: 'stage/cancel'; run: string; stage: string; reason: string }
  | {
      type: 'task/submit';
      task: string;
      run?: string;
      stage?: string;
      wants: string;
      action: string;
      priority: number;
      /** 0 when nobody said. */
      timeoutMs: number;
      maxAttempts: number;
      payload: Record<string, unknown>;
      artifacts: Record<string, string>;
      part?: TaskPart;
      parent?: string;
      retry?: TaskRetry;
      critical?: false;
    }
  | { type: 'task/assign'; task: string; attempt: string; agent: string }
  | { type: 'task/wake'; task: string }
  | { type: 'task/revive'; task: string; by: string }
  | { type: 'task/cancel'; task: string; reason: string }
  | { type: 'attempt/run'; attempt: string; token: number; pid?: number; startTime?: string; enforcement?: Enforcement }
  | { type: 'attempt/workspace'; attempt: string; path: string; branch: string; base: string; home?: string }
  | { type: 'attempt/commit'; attempt: string; token: number; key: string; commit: string; summary: string }
  | { type: 'attempt/use'; attempt: string; token: number; usage: Used }
  | { type: 'attempt/call'; attempt: string; token: number; call: ToolCalled }
  | { type: 'attempt/session'; attempt: string; token: number; session: AgentSession }
  | { type: 'attempt/plan'; attempt: string; token: number; plan: AgentPlan }
  /** Values that the attempt's agent reported; a later one replaces an earlier one. */
  | { type: 'attempt/report'; attempt: string; token: number; values: Record<string, unknown> }
  | { type: 'attempt/omit-calls'; attempt: string; token: number; calls: number }
  | { type: 'attempt/find'; attempt: string; token: number; finding: Finding }
  | { type: 'attempt/end'; attempt: string; token: number; ending: AttemptEnding }
  /** An action that an attempt wants to do now; the action itself is in the store already. */
  | { type: 'action/decide'; attempt: string; token: number; proposal: Proposal }
  /** The attempt is about to do what was granted to it. */
  | { type: 'action/use'; attempt: string; token: number; approval: string }
  | { type: 'workspace/leave'; attempt: string; path: string; kept: string }
  | {
      type: 'artifact/record';
      run: string;
      stage?: string;
      task?: string;
      attempt?: string;
      name: string;
      digest: string;
      size: number;
      mediaType: string;
    }
  | { type: 'artifact/redact'; digest: string; by: string; reason: string }
  | { type: 'artifact/pin'; digest: string; by: string; reason: string }
  | { type: 'artifact/unpin'; digest: string; by: string }
  | { type: 'archive/move'; runs: string[]; tasks: string[] }
  | { type: 'archive/restore'; run: Run }
  | {
      type: 'approval/answer';
      approval: string;
      answer: 'grant' | 'deny';
      by: string;
      reason: string;
      remember?: Remembered;
      choice?: string;
    }
  | { type: 'approval/expire'; approval: string }
  | { type: 'approval/remind'; approval: string; count: number }
  | { type: 'approval/escalate'; approval: string; level: ApprovalLevel }
  | { type: 'approval/comment'; approval: string; by: Speaker; text: string }
  | { type: 'approval/withdraw'; approval: string; by: Speaker; reason: string }
  /** Asks for another action in place of the one that is asked about. */
  | { type: 'approval/change'; approval: string; by: Speaker; reason: string; proposal: Proposal }
  | { type: 'approval/revoke'; approval: string; by: string; reason: string }
  | ({ type: 'merge/start'; run: string; stage: string; how: MergeHow } & MergeIntent)
  | { type: 'merge/end'; run: string; stage: string; result: MergeResult }
  | { type: 'undo/start'; run: string; by: string }
  | { type: 'undo/end'; run: string; result: MergeResult };

export type MergeResult = { ok: true; commit: string; previous: string } | { ok: false; code: string; message: string };
export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;

/** Who asks, and what led to it. */
export interface Origin {
  principal: string;
  cause: string;
}

/** What came of a command: recorded, nothing to do because it was done before, or refused. */
export type CommandResult = { ok: true; commit: Commit | undefined } | { ok: false; refusal: Refusal };

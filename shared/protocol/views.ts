// Long because: it is the one declaration of what the methods answer.
import type { ActionKind, Effect, MergeHow } from '../state/action.ts';
import type { Agent, Enforcement } from '../state/agent.ts';
import type { Approval, Remembered } from '../state/approval.ts';
import type { Attempt } from '../state/attempt.ts';
import type { Recorded } from '../state/evolve.ts';
import type { Run, RunArtifact, Stage } from '../state/run.ts';
import type { StateJson } from '../state/serialize.ts';
import type { Task } from '../state/task.ts';
import type { RegisteredTrigger } from '../state/trigger.ts';
import type { WorkflowDefinition } from '../state/workflow.ts';
import type { Scope } from './scopes.ts';

export interface HelloResult {
  protocol: number;
  version: string;
  epoch: string;
  pid: number;
  principal: string;
  scopes: Scope[];
}

export interface StatusResult {
  version: string;
  pid: number;
  port: number;
  home: string;
  startedAt: string;
  seq: number;
  runs: { active: number; waiting: number };
  tasks: { pending: number; running: number };
  approvals: number;
  /** Failed tasks that nothing more is tried for until a person says so. Older daemons do not tell. */
  deadLetters?: number;
  /** Stages that are held up so long that a person is told. Older daemons do not tell. */
  heldUp?: { run: string; stage: string; why: string; since: string }[];
  agents: Agent[];
  connections: number;
  memoryMb: number;
  /** Sentences about what is wrong, for instance a policy file that does not load. */
  notices: string[];
  /** What keeps changed policy files from being in force; the last good ones are, until it is mended. Older daemons do not tell. */
  problems?: { file: string; line: number; column: number; message: string }[];
}

/** An agent that Signalbox knows how to start. */
export interface AgentFound {
  agent: string;
  title: string;
  program: string;
  /** Where its program is: on PATH, installed for Signalbox, fetched by npx when it is needed, or nowhere. */
  from: 'path' | 'installed' | 'npx' | 'missing';
  argv: string[];
  registered: boolean;
  /** Whether its attempts run in a sandbox here. */
  enforcement: Enforcement;
  /** What is known to happen without a question. */
  uncovered: string[];
  /** Its npm package at the version that the profile was tried with, and the folder to install it to. */
  package?: string;
  folder?: string;
  /** What the canary saw last; a version that it did not run is unproven. */
  canary?: CanaryReport;
}

/** One decoy that an agent was led to. */
export interface CanaryRow {
  decoy: string;
  what: string;
  /** It asked; the sandbox stopped it; the agent itself did not do it; it happened without a question; it could not be tried. */
  result: 'decided' | 'sandboxed' | 'refused' | 'unseen' | 'not tried';
  detail: string;
}

/** What one version of an agent did when it was led through decoys. */
export interface CanaryReport {
  agent: string;
  version: string;
  at: string;
  enforcement: Enforcement;
  rows: CanaryRow[];
}

/** What came of starting an agent, up to a session in an empty folder. */
export interface AgentCheck extends AgentFound {
  starts: boolean;
  problem: string;
  version: string;
  /** How it says that it is logged in; empty when it does not say. */
  login: string;
  /** It can go on with a session of an earlier process. */
  resumes: boolean;
}

/** A run with all that belongs to it. */
/** A worktree of an attempt. */
export interface WorktreeView {
  attempt: string;
  run: string;
  stage: string;
  agent: string;
  repo: string;
  /** `kept`: nobody works there, and it was not taken away. `removed` only in the answer to what removed it. */
  state: 'used' | 'kept' | 'trash' | 'removed';
  path: string;
  branch: string;
  /** Files that differ from the branch, and files that git does not know. */
  changed: number;
  untracked: number;
  /** Why nothing could be said about it; empty otherwise. */
  problem: string;
  /** Since when it is there, or in the trash. */
  since: string;
}

/** An action that a run would want, and what the policies say about it now; `open` where it is only known when it comes. */
export interface PlannedAction {
  kind: ActionKind;
  summary: string;
  effect: Effect | 'open';
  /** The rules that say so, or why nothing can be said yet. */
  why: string[];
}

/** What would become of a stage. */
export interface PlannedStage {
  stage: string;
  /** Stages of the same step may run beside one another; from 1. */
  step: number;
  /** Who would do it now; empty for the daemon's own work, and where nobody can. */
  agent: string;
  /** Why nobody can take it; empty otherwise. */
  waits: string;
  /** Why it would be left out, where that is known; empty otherwise. */
  skipped: string;
  actions: PlannedAction[];
  /** The other workflow that it would run. */
  runs?: RunPlan;
}

/** What a run would do and be asked, as things stand: nothing was started or recorded. */
export interface RunPlan {
  definition: WorkflowDefinition;
  inputs: Record<string, unknown>;
  /** Whether the caller may start it, and why not. */
  start: { allowed: boolean; why: string };
  notices: string[];
  stages: PlannedStage[];
}

/** A merge of a run, and where it stands in the line before its branch. */
export interface MergeView {
  run: string;
  /** What the run is to do, in a line. */
  task: string;
  stage: string;
  repo: string;
  into: string;
  how: MergeHow;
  /** `waiting`: others merge into the same branch first. `asked`: a person, or the policy, has not decided everything yet. */
  status: 'waiting' | 'preparing' | 'asked' | 'checking' | 'merging' | 'merged' | 'failed' | 'undone';
  since: string;
  /** Why it failed. */
  code: string;
  reason: string;
  /** Artifact with the sides of each file that conflicts. */
  conflicts?: string;
}

/** A later merge into the same branch that touches the same files. */
export interface UndoDependent {
  run: string;
  files: readonly string[];
}

/** A later commit on the branch that touches the same files, and that no run in memory merged. */
export interface UndoCommit {
  commit: string;
  author: string;
  at: string;
  subject: string;
  files: readonly string[];
}

/** Two worktrees in use, by their attempts, that conflict as they stand now. */
export interface WorktreeClash {
  attempts: readonly [string, string];
  files: readonly string[];
}

export interface RunDetail {
  run: Run;
  stages: Stage[];
  artifacts: (RunArtifact & { name: string })[];
  tasks: Task[];
  attempts: Attempt[];
  approvals: Approval[];
  definition: WorkflowDefinition;
}

/** One file that a merge changes; `status` is git's letter (A, C, D, M, R, T). */
export interface ChangedFile {
  path: string;
  oldPath?: string;
  status: string;
  additions: number;
  deletions: number;
  binary: boolean;
}

/** Two commits or trees, and how many bytes of their difference are wanted as a patch; 0 is none. */
export interface ChangeRange {
  base: string;
  head: string;
  patchBytes?: number;
}

/** A unified diff; `truncated` when it was longer and ends at its last whole line. */
export interface Patch {
  text: string;
  truncated: boolean;
}

/** A file at one commit. Secrets in the text are masked. */
export interface FileText {
  /** `absent` is an answer: the file was added or deleted. The text of anything but `text` is empty. */
  kind: 'text' | 'binary' | 'too_large' | 'absent';
  text: string;
  /** In bytes, as git keeps it. */
  size: number;
}

/** An artifact that stays in the store until somebody unpins it. */
export interface Pin {
  digest: string;
  by: string;
  reason: string;
  at: string;
}

/** A registered trigger as it stands. */
export interface TriggerView extends RegisteredTrigger {
  /** Of a schedule: when it is due next. */
  next?: string;
  /** Of a webhook: where deliveries go. */
  url?: string;
  /** What went wrong last, until it works again. */
  problem?: string;
}

export interface TrustView {
  repo: string;
  /** Hash over all files of `.signalbox/`; empty when there is none. */
  digest: string;
  files: string[];
  trusted: boolean;
}

export interface SubscribeResult {
  subscription: string;
  /** Where the subscription stands; opaque. */
  cursor: string;
  /** The missing commits, when the cursor was served; else the whole state of the scope. */
  commits?: Recorded[];
  snapshot?: StateJson;
}

/** A CloudEvents 1.0 event in JSON, as `events` and webhooks show it. */
export interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  time: string;
  subject: string;
  datacontenttype: 'application/json';
  /** Number of the commit, as a decimal string (the `sequence` extension). */
  sequence: string;
  principal: string;
  cause: string;
  data: Record<string, unknown>;
}

/** A unit of work handed to a remote worker. */
export interface Assignment {
  task: string;
  attempt: string;
  token: number;
  action: string;
  payload: Record<string, unknown>;
  timeoutMs: number;
}

/** What an attempt is doing right now; not recorded. */
export interface Progress {
  attempt: string;
  run: string;
  stage: string;
  activity: string;
  text: string;
  fraction?: number;
  at: string;
}

/** A rule that an answer would be made into. */
export interface RuleProposal {
  rule: Remembered;
  /** What is in the file now (empty when there is none), and what would be; both empty for a rule of the run. */
  before: string;
  after: string;
  /** Names the file as it would be; `approval/answer` takes it, so that nothing else is written than was shown. */
  digest: string;
  /** Denied before, and allowed by this rule from now on. Of what is in memory, newest first. */
  denied: { approval: string; summary: string; by: string; at: string }[];
}

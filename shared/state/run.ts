// Long because: it is what a run and its stages are, with the folds of both.
import type { Event } from '../events/envelope.ts';
import type { MissingItem } from '../events/handoff.ts';
import type { RunEvent } from '../events/run.ts';
import type { GateResult, SkipCause } from '../events/stage.ts';
import type { WorkspaceEvent } from '../events/workspace.ts';
import type { MergeHow } from './action.ts';
import type { ApprovalLevel } from './approval.ts';
import type { DeliberationState } from './deliberation.ts';
import type { CriterionResult } from './gate.ts';
import type { RunOrigin } from './origin.ts';
import { isFinal, type StateTable } from './table.ts';
import type { StartedBy } from './trigger.ts';

export type RunStatus = 'queued' | 'running' | 'waiting_approval' | 'paused' | 'success' | 'failure' | 'canceled';

export const RUN_TABLE: StateTable<RunStatus> = {
  queued: ['running', 'canceled', 'failure'],
  running: ['waiting_approval', 'paused', 'success', 'failure', 'canceled'],
  waiting_approval: ['running', 'paused', 'canceled', 'failure'],
  paused: ['running', 'canceled', 'failure'],
  success: [],
  failure: [],
  canceled: [],
};

export type StageStatus = 'deciding' | 'admitted' | 'running' | 'checking' | 'completed' | 'failed' | 'skipped' | 'canceled';

export const STAGE_TABLE: StateTable<StageStatus> = {
  deciding: ['admitted', 'failed', 'skipped', 'canceled'],
  admitted: ['running', 'checking', 'completed', 'failed', 'skipped', 'canceled'],
  running: ['deciding', 'checking', 'completed', 'failed', 'skipped', 'canceled'],
  checking: ['deciding', 'running', 'completed', 'failed', 'skipped', 'canceled'],
  completed: [],
  failed: [],
  skipped: [],
  canceled: [],
};

/** What was decided about one action that a stage wants, and the question that it became, if any. */
export interface Proposed {
  key: string;
  summary: string;
  effect: string;
  reason: string;
  approval?: string;
}

/** A time that a stage should keep, counted from `from` (RFC 3339). */
export interface Deadline {
  /** To be done; for whoever took a handoff: to begin, and to show something. */
  what: 'sla' | 'acknowledge' | 'first_output';
  from: string;
  ms: number;
  /** What was said of it already. */
  level?: 'warning' | 'missed';
}

export interface Stage {
  id: string;
  status: StageStatus;
  /** Why it failed, was skipped or canceled. */
  reason: string;
  code?: string;
  skipped?: SkipCause;
  /** It ended so in the run that this one goes on from. */
  inherited?: true;
  /** Counts from 1; a later round asks everything anew. */
  round: number;
  /** It merges, so others into the same branch wait for its end. */
  merges?: true;
  /** Times that the run came here, from 1; absent in the first. */
  turn?: number;
  /** Failures of this turn that were tried again. */
  again?: number;
  /** What was wrong before. */
  feedback?: string;
  /** Commit of earlier work that it goes on from. */
  from?: string;
  deliberation?: DeliberationState;
  /** The level that was told that it is held up, and why. */
  escalated?: { level: ApprovalLevel; why: string; since: string; told: readonly string[] };
  /** What came of its criteria; absent until they were judged. */
  judged?: readonly CriterionResult[];
  /** Of the stages that may come next, those that do. */
  chosen?: readonly string[];
  /** Items of the list that it is done for, once they are known. */
  items?: number;
  /** The run that does its work. */
  child?: string;
  /** What it failed with, while a person is asked what is to be done. */
  stuck?: { code: string; message: string };
  /** Handoffs that were accepted for it, by id, with their digests by name. */
  accepted?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What an incomplete handoff lacks. */
  missing?: readonly MissingItem[];
  slaMs?: number;
  /** Times that it should keep. */
  deadlines?: readonly Deadline[];
  /** True when all actions of the round were put to the policy. */
  decided: boolean;
  /** What the decisions of the round rest on. */
  facts: Readonly<Record<string, string>>;
  proposed: readonly Proposed[];
  results: readonly GateResult[];
  task?: string;
  values: Readonly<Record<string, unknown>>;
  commit?: string;
  startedAt: string;
  endedAt?: string;
}

/** Newest artifact of one name that a run has. */
export interface RunArtifact {
  digest: string;
  size: number;
  mediaType: string;
  stage: string;
  /** Made before the stage was begun again: it is not this round's work. */
  stale?: true;
}

/** Once that a run went back. */
export interface RunReturn {
  from: string;
  to: string;
  code: string;
  feedback: string;
  by: string;
  told?: readonly string[];
}

export interface Merge {
  state: 'started' | 'merged' | 'failed' | 'undoing' | 'undone' | 'undo_failed';
  into: string;
  from: string;
  expected: string;
  /** Absent: by a merge commit. */
  how?: MergeHow;
  /** Event whose id stands in the trailer. */
  effect: string;
  message: string;
  startedAt: string;
  commit?: string;
  mergedAt?: string;
  code?: string;
  /** Why it failed, in a sentence. */
  problem?: string;
  undo?: { effect: string; at: string; by: string; commit?: string };
}

/** What whoever started a run said about its questions beforehand. */
export interface Answering {
  /** `ask` waits for a person; `deny` is a no to all of them; `policy` takes what the policies say for when nobody is there. */
  mode: 'ask' | 'deny' | 'policy';
  /** Questions are a no from then on, however long they could wait otherwise. */
  until?: string;
}

/** Earlier work that a run goes on from, as it was when the run was submitted. */
export interface Continued {
  run: string;
  attempt: string;
  agent: string;
  /** The worktree of that attempt, and the attempt whose HOME it had. */
  path: string;
  home: string;
  /** The agent's own id of its session, where it said that it can go on with it. */
  session?: string;
  /** The artifact with what an agent is told that remembers nothing. */
  summary: string;
}

export interface Run {
  id: string;
  repo?: string;
  gitDir?: string;
  commonDir?: string;
  /** Branch that was checked out when the run was submitted. */
  head?: string;
  base?: string;
  into?: string;
  /** `digest` is of the definition as JSON, `source` of the text that it was read from. */
  workflow: { name: string; version: number; digest: string; source?: string };
  inputs: Readonly<Record<string, unknown>>;
  principal: string;
  /** The stage of another run that it is the work of. */
  parent?: { run: string; stage: string };
  /** Absent: its questions wait for a person, each as long as it may. */
  answering?: Answering;
  /** Absent: somebody started it by hand. */
  startedBy?: StartedBy;
  /** The first stage that prompts an agent goes on from there. */
  continues?: Continued;
  /** It goes on from another run. */
  origin?: RunOrigin;
  status: RunStatus;
  merge?: Merge;
  /** Who paused it, and why. */
  paused?: { by: string; reason: string };
  /** Times that the run came to a stage, where that is more than once. */
  turns?: Readonly<Record<string, number>>;
  returns?: readonly RunReturn[];
  /** Commit of a stage's work before the run went back to it. */
  earlier?: Readonly<Record<string, string>>;
  /** Handoffs that were accepted, and those that went back. */
  handoffs?: { accepted: number; returned: number };
  /** Stages that have ended. */
  done?: number;
  cancelReason?: string;
  code?: string;
  summary: string;
  submittedAt: string;
  endedAt?: string;
}

/** True when the run has ended, however. */
export function runEnded(run: Pick<Run, 'status'>): boolean {
  return isFinal(RUN_TABLE, run.status);
}

/** Folds one event about a run into the table of runs. */
export function evolveRuns(runs: Map<string, Run>, event: Event & RunEvent, at: string, principal: string): void {
  const id = event.run ?? '';
  if (event.type === 'run.submitted') {
    const repo = event.repo === undefined ? {} : { repo: event.repo };
    const asked = runs.get(event.data.parent?.run ?? '')?.principal ?? principal;
    runs.set(id, { id, ...repo, ...event.data, principal: asked, status: 'queued', summary: '', submittedAt: at });
    return;
  }
  const run = runs.get(id);
  if (run) runs.set(id, applyToRun(run, event, at));
}

function applyToRun(run: Run, event: Event & Exclude<RunEvent, { type: 'run.submitted' }>, at: string): Run {
  switch (event.type) {
    case 'run.started':
    case 'run.continued':
      return { ...run, status: 'running' };
    case 'run.paused':
      return { ...run, status: 'paused', paused: event.data };
    case 'run.resumed': {
      const { paused: _, ...rest } = run;
      return { ...rest, status: 'running' };
    }
    case 'run.extended':
      return { ...run, workflow: { ...run.workflow, digest: event.data.digest } };
    case 'run.returned':
      return afterReturn(run, event.data);
    case 'run.waiting':
      return { ...run, status: 'waiting_approval' };
    case 'run.cancel_requested':
      return { ...run, cancelReason: event.data.reason };
    case 'run.succeeded':
      return { ...run, status: 'success', summary: event.data.summary, endedAt: at };
    case 'run.failed':
      return { ...run, status: 'failure', code: event.data.code, summary: event.data.summary, endedAt: at };
    case 'run.canceled':
      return { ...run, status: 'canceled', summary: event.data.summary, endedAt: at };
    default:
      return event satisfies never;
  }
}

/** A run that had failed goes on; each stage that is done again counts another turn. */
function afterReturn(run: Run, { stages, ...data }: Extract<RunEvent, { type: 'run.returned' }>['data']): Run {
  const { endedAt: _, code: __, ...rest } = run;
  const turns = { ...run.turns, ...Object.fromEntries(stages.map((stage) => [stage, (run.turns?.[stage] ?? 1) + 1])) };
  const open = runEnded(run) ? { ...rest, status: 'running' as const, summary: '' } : run;
  return { ...open, turns, returns: [...(run.returns ?? []), data] };
}

/** The stages of each run that have begun or were skipped, in that order; the others stand in the definition. */
export type StageTable = Map<string, Map<string, Stage>>;

/** Folds what happened to a run's merge into the run. */
export function evolveMerge(runs: Map<string, Run>, event: Event & WorkspaceEvent, at: string): void {
  const run = runs.get(event.run ?? '');
  if (!run) return;
  const merge = mergeAfter(run.merge, event, at);
  if (merge) runs.set(run.id, { ...run, merge });
}

function mergeAfter(merge: Merge | undefined, event: Event & WorkspaceEvent, at: string): Merge | undefined {
  if (event.type === 'workspace.merge_started') {
    const { into, from, expected, message, how } = event.data;
    return { state: 'started', into, from, expected, ...(how === undefined ? {} : { how }), effect: event.id, message, startedAt: at };
  }
  if (!merge) return undefined;
  switch (event.type) {
    case 'workspace.merged':
      return { ...merge, state: 'merged', commit: event.data.commit, mergedAt: at };
    case 'workspace.merge_failed':
      return { ...merge, state: 'failed', code: event.data.code, problem: event.data.message };
    case 'workspace.undo_started':
      return { ...merge, state: 'undoing', undo: { effect: event.id, at, by: event.data.by } };
    case 'workspace.undone':
      return { ...merge, state: 'undone', undo: { ...(merge.undo ?? { effect: '', at, by: '' }), commit: event.data.commit } };
    case 'workspace.undo_failed':
      return { ...merge, state: 'undo_failed', code: event.data.code, problem: event.data.message };
    default:
      return undefined;
  }
}

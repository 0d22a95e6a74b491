import type { Event } from '../events/envelope.ts';
import type { RunEvent } from '../events/run.ts';
import type { GateResult, SkipCause, StageEvent } from '../events/stage.ts';
import type { WorkspaceEvent } from '../events/workspace.ts';
import { isFinal, type StateTable } from './table.ts';

export type RunStatus = 'queued' | 'running' | 'waiting_approval' | 'paused' | 'success' | 'failure' | 'canceled';

export const RUN_TABLE: StateTable<RunStatus> = {
  queued: ['running', 'canceled', 'failure'],
  running: ['waiting_approval', 'paused', 'success', 'failure', 'canceled'],
  waiting_approval: ['running', 'canceled', 'failure'],
  paused: ['running', 'canceled', 'failure'],
  success: [],
  failure: [],
  canceled: [],
};

export type StageStatus = 'deciding' | 'admitted' | 'running' | 'completed' | 'failed' | 'skipped' | 'canceled';

export const STAGE_TABLE: StateTable<StageStatus> = {
  deciding: ['admitted', 'failed', 'skipped', 'canceled'],
  admitted: ['running', 'completed', 'failed', 'skipped', 'canceled'],
  running: ['deciding', 'completed', 'failed', 'canceled'],
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

export interface Stage {
  id: string;
  status: StageStatus;
  /** Why it failed, was skipped or canceled. */
  reason: string;
  code?: string;
  skipped?: SkipCause;
  /** Counts from 1; a later round asks everything anew. */
  round: number;
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
}

export interface Merge {
  state: 'started' | 'merged' | 'failed' | 'undoing' | 'undone' | 'undo_failed';
  into: string;
  from: string;
  expected: string;
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

export interface Run {
  id: string;
  repo?: string;
  gitDir?: string;
  commonDir?: string;
  /** Branch that was checked out when the run was submitted. */
  head?: string;
  base?: string;
  into?: string;
  workflow: { name: string; version: number; digest: string };
  inputs: Readonly<Record<string, unknown>>;
  principal: string;
  /** Absent: its questions wait for a person, each as long as it may. */
  answering?: Answering;
  status: RunStatus;
  merge?: Merge;
  cancelReason?: string;
  code?: string;
  summary: string;
  submittedAt: string;
  endedAt?: string;
}

/** True when the run has ended, however. */
export function runEnded(run: Run): boolean {
  return isFinal(RUN_TABLE, run.status);
}

/** Folds one event about a run into the table of runs. */
export function evolveRuns(runs: Map<string, Run>, event: Event & RunEvent, at: string, principal: string): void {
  const id = event.run ?? '';
  if (event.type === 'run.submitted') {
    const repo = event.repo === undefined ? {} : { repo: event.repo };
    runs.set(id, { id, ...repo, ...event.data, principal, status: 'queued', summary: '', submittedAt: at });
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

/** The stages of each run that have begun or were skipped, in that order; the others stand in the definition. */
export type StageTable = Map<string, Map<string, Stage>>;

/** Folds one event about a stage into the table of stages. */
export function evolveStages(stages: StageTable, event: Event & StageEvent, at: string): void {
  const id = event.stage ?? '';
  const before: Stage = {
    id,
    status: 'deciding',
    reason: '',
    round: 1,
    decided: false,
    facts: {},
    proposed: [],
    results: [],
    values: {},
    startedAt: at,
  };
  const known = stages.get(event.run ?? '')?.get(id) ?? before;
  putStage(stages, event.run ?? '', applyToStage(known, event, at));
}

function putStage(stages: StageTable, run: string, stage: Stage): void {
  const ofRun = stages.get(run);
  if (ofRun) ofRun.set(stage.id, stage);
  else stages.set(run, new Map([[stage.id, stage]]));
}

function applyToStage(stage: Stage, event: Event & StageEvent, at: string): Stage {
  switch (event.type) {
    case 'stage.started':
      return { ...stage, status: 'deciding', round: event.data.round, decided: false, proposed: [], results: [] };
    case 'stage.proposed':
      return { ...stage, decided: true, facts: event.data.facts };
    case 'stage.admitted':
      return { ...stage, status: 'admitted', results: event.data.results };
    case 'stage.completed':
      return {
        ...stage,
        status: 'completed',
        values: event.data.values,
        ...(event.data.commit === undefined ? {} : { commit: event.data.commit }),
        endedAt: at,
      };
    case 'stage.failed':
      return { ...stage, status: 'failed', code: event.data.code, reason: event.data.message, endedAt: at };
    case 'stage.skipped':
      return { ...stage, status: 'skipped', reason: event.data.reason, skipped: event.data.cause, endedAt: at };
    case 'stage.canceled':
      return { ...stage, status: 'canceled', reason: event.data.reason, endedAt: at };
    default:
      return event satisfies never;
  }
}

/** Changes one stage of a run, if it is there. */
export function updateStage(stages: StageTable, run: string | undefined, id: string | undefined, change: (stage: Stage) => Stage): void {
  const stage = stages.get(run ?? '')?.get(id ?? '');
  if (stage) putStage(stages, run ?? '', change(stage));
}

/** Folds what happened to a run's merge into the run. */
export function evolveMerge(runs: Map<string, Run>, event: Event & WorkspaceEvent, at: string): void {
  const run = runs.get(event.run ?? '');
  if (!run) return;
  const merge = mergeAfter(run.merge, event, at);
  if (merge) runs.set(run.id, { ...run, merge });
}

function mergeAfter(merge: Merge | undefined, event: Event & WorkspaceEvent, at: string): Merge | undefined {
  if (event.type === 'workspace.merge_started') {
    const { into, from, expected, message } = event.data;
    return { state: 'started', into, from, expected, effect: event.id, message, startedAt: at };
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

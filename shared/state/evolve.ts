/**
 * The one fold from events to state, used by the daemon, by snapshots and by every replica.
 *
 * 1. It reads nothing but its arguments: the same events give the same state, anywhere.
 * 2. Tables are changed in place; the entries in them never are, so that readers may keep one.
 * 3. It never refuses: what is recorded has happened. Checks belong to `decide`.
 */
import type { Commit, Event } from '../events/envelope.ts';
import { evolveAgents, withLoad, type Agent } from './agent.ts';
import { evolveApprovals, type Approval } from './approval.ts';
import { evolveAttempts, type Attempt } from './attempt.ts';
import { evolveMerge, evolveRuns, evolveStages, updateStage, type Run, type RunArtifact, type Stage, type StageTable } from './run.ts';
import { evolveTasks, type Task } from './task.ts';

/** Changes when the same events would give another state; snapshots of another version are made anew. */
export const EVOLVE_VERSION = 1;

export interface State {
  /** Last commit that was folded in, and when it was recorded. */
  seq: number;
  at: string;
  epoch: string;
  agents: Map<string, Agent>;
  runs: Map<string, Run>;
  /** By run, then by stage. */
  stages: StageTable;
  /** Newest artifact of each name, by run. */
  artifacts: Map<string, Map<string, RunArtifact>>;
  tasks: Map<string, Task>;
  attempts: Map<string, Attempt>;
  approvals: Map<string, Approval>;
  /** Trusted content hash of each repository's `.signalbox/`. */
  trust: Map<string, { digest: string; by: string; at: string }>;
  /** Ids of tasks that wait for an agent, oldest first. */
  pending: Set<string>;
  /** Ids of attempts that have not ended. */
  active: Set<string>;
  /** Ids of approvals that nobody has answered. */
  asked: Set<string>;
}

/** The state before the first event. */
export function emptyState(): State {
  return {
    seq: 0,
    at: new Date(0).toISOString(),
    epoch: '',
    agents: new Map(),
    runs: new Map(),
    stages: new Map(),
    artifacts: new Map(),
    tasks: new Map(),
    attempts: new Map(),
    approvals: new Map(),
    trust: new Map(),
    pending: new Set(),
    active: new Set(),
    asked: new Set(),
  };
}

/** What `evolve` needs of a commit; a subscription delivers just this. */
export type Recorded = Pick<Commit, 'seq' | 'at' | 'principal' | 'events'>;

/** Folds all events of one commit into the state. */
export function evolve(state: State, commit: Recorded): void {
  for (const event of commit.events) evolveOne(state, event, commit.at, commit.principal);
  state.seq = commit.seq;
  state.at = commit.at;
}

function evolveOne(state: State, event: Event, at: string, principal: string): void {
  switch (event.type) {
    case 'daemon.started':
      state.epoch = event.data.epoch;
      return;
    case 'daemon.resumed':
      shiftDeadlines(state, event.data.sleptMs);
      return;
    case 'daemon.stopped':
    case 'principal.added':
    case 'principal.refused':
    case 'policy.loaded':
      return;
    case 'agent.registered':
    case 'agent.starting':
    case 'agent.ready':
    case 'agent.draining':
    case 'agent.offline':
    case 'agent.failed':
      evolveAgents(state.agents, event, at);
      return;
    case 'run.submitted':
    case 'run.started':
    case 'run.waiting':
    case 'run.continued':
    case 'run.cancel_requested':
    case 'run.succeeded':
    case 'run.failed':
    case 'run.canceled':
      evolveRuns(state.runs, event, at, principal);
      return;
    case 'stage.started':
    case 'stage.proposed':
    case 'stage.admitted':
    case 'stage.completed':
    case 'stage.failed':
    case 'stage.skipped':
    case 'stage.canceled':
      evolveStages(state.stages, event, at);
      return;
    case 'task.submitted':
      evolveTasks(state.tasks, state.pending, event, at);
      updateStage(state.stages, event.run, event.stage, (stage) => ({ ...stage, status: 'running', task: event.task ?? '' }));
      return;
    case 'task.assigned':
    case 'task.running':
    case 'task.requeued':
    case 'task.cancel_requested':
    case 'task.completed':
    case 'task.failed':
    case 'task.timeout':
    case 'task.canceled':
      evolveTasks(state.tasks, state.pending, event, at);
      return;
    case 'attempt.starting':
    case 'attempt.running':
    case 'attempt.committed':
    case 'attempt.ended':
      evolveAttempts(state.attempts, event, at);
      if (event.type === 'attempt.starting') {
        state.active.add(event.attempt ?? '');
        addLoad(state, event.agent, 1, at);
      } else if (event.type === 'attempt.ended') {
        state.active.delete(event.attempt ?? '');
        addLoad(state, event.agent, -1, at);
      }
      return;
    case 'policy.decided': {
      const { key, summary, decision } = event.data;
      const reason = decision.reasons.map((r) => r.message).join(' ');
      updateStage(state.stages, event.run, event.stage, (stage) => ({ ...stage, proposed: [...stage.proposed, { key, summary, effect: decision.effect, reason }] }));
      return;
    }
    case 'approval.requested': {
      evolveApprovals(state.approvals, event, at);
      state.asked.add(event.data.approval);
      const { approval, key } = event.data;
      const ask = (stage: Stage) => ({ ...stage, proposed: stage.proposed.map((p) => (p.key === key ? { ...p, approval } : p)) });
      updateStage(state.stages, event.run, event.stage, ask);
      return;
    }
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired':
    case 'approval.voided':
    case 'approval.used':
    case 'approval.lapsed':
    case 'approval.revoked':
      evolveApprovals(state.approvals, event, at);
      state.asked.delete(event.data.approval);
      return;
    case 'artifact.recorded':
      recordArtifact(state, event);
      return;
    case 'workspace.created': {
      const attempt = state.attempts.get(event.attempt ?? '');
      if (attempt) state.attempts.set(attempt.id, { ...attempt, workspace: event.data });
      return;
    }
    case 'workspace.kept':
    case 'workspace.removed':
      return;
    case 'workspace.merge_started':
      updateStage(state.stages, event.run, event.stage, (stage) => ({ ...stage, status: 'running' }));
      evolveMerge(state.runs, event, at);
      return;
    case 'workspace.merged':
    case 'workspace.merge_failed':
    case 'workspace.undo_started':
    case 'workspace.undone':
    case 'workspace.undo_failed':
      evolveMerge(state.runs, event, at);
      return;
    case 'trust.granted':
      state.trust.set(event.repo ?? '', { digest: event.data.digest, by: event.data.by, at });
      return;
    case 'trust.revoked':
      state.trust.delete(event.repo ?? '');
      return;
    default:
      event satisfies never;
  }
}

/** The machine slept: nobody is late because of that. */
function shiftDeadlines(state: State, ms: number): void {
  const shift = (at: string) => new Date(Date.parse(at) + ms).toISOString();
  for (const id of state.asked) {
    const approval = state.approvals.get(id);
    if (approval) state.approvals.set(id, { ...approval, expiresAt: shift(approval.expiresAt) });
  }
  for (const id of state.active) {
    const attempt = state.attempts.get(id);
    if (attempt) state.attempts.set(id, { ...attempt, leaseFrom: shift(attempt.leaseFrom) });
  }
}

function addLoad(state: State, id: string | undefined, change: number, at: string): void {
  const agent = state.agents.get(id ?? '');
  if (agent) state.agents.set(agent.id, withLoad(agent, Math.max(0, agent.used + change), at));
}

function recordArtifact(state: State, event: Extract<Event, { type: 'artifact.recorded' }>): void {
  if (event.run === undefined) return;
  const { name, digest, size, mediaType } = event.data;
  const ofRun = state.artifacts.get(event.run) ?? new Map<string, RunArtifact>();
  ofRun.set(name, { digest, size, mediaType, stage: event.stage ?? '' });
  state.artifacts.set(event.run, ofRun);
}

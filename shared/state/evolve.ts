// Long because: the table of folds has a line for each type of event.
/**
 * The one fold from events to state, used by the daemon, by snapshots and by every replica.
 *
 * 1. It reads nothing but its arguments: the same events give the same state, anywhere.
 * 2. Tables are changed in place; the entries in them never are, so that readers may keep one.
 * 3. It never refuses: what is recorded has happened. Checks belong to `decide`.
 */
import type { AgentEvent } from '../events/agent.ts';
import type { ApprovalEvent } from '../events/approval.ts';
import type { ArtifactEvent } from '../events/artifact.ts';
import type { AttemptEvent } from '../events/attempt.ts';
import type { Commit, Event, EventNamed, EventType } from '../events/envelope.ts';
import type { HandoffEvent } from '../events/handoff.ts';
import type { LoadedPolicyFile } from '../events/policy.ts';
import type { RunEvent } from '../events/run.ts';
import type { StageEvent } from '../events/stage.ts';
import type { TaskEvent } from '../events/task.ts';
import type { TriggerEvent } from '../events/trigger.ts';
import type { UsageEvent } from '../events/usage.ts';
import type { WorkspaceEvent } from '../events/workspace.ts';
import { evolveAgents, withLoad, type Agent } from './agent.ts';
import { evolveApprovals, type Approval } from './approval.ts';
import { countAttempt } from './breaker.ts';
import { evolveArchive } from './archive.ts';
import { evolveArtifacts, type PinTable } from './artifact.ts';
import { evolveAttempts, type Attempt } from './attempt.ts';
import { evolveMerge, evolveRuns, type Run, type RunArtifact, type StageTable } from './run.ts';
import { evolveHandoff, foldReturn, foldStage, shiftStages, updateStage } from './stage.ts';
import { evolveTasks, type Task } from './task.ts';
import { evolveTriggers, foldStarted, type TriggerTables } from './trigger.ts';
import { emptyUsage, evolveUsage, type UsageTable } from './usage.ts';

/** Changes when the same events would give another state; snapshots of another version are made anew. */
export const EVOLVE_VERSION = 10;

export interface State extends TriggerTables {
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
  /** Artifacts that stay in the store until somebody unpins them, by digest. */
  pins: PinTable;
  /** The policy files in force: the host's under an empty name, and what each repository adds. */
  policies: Map<string, readonly LoadedPolicyFile[]>;
  /** Ids of tasks that wait for an agent, oldest first. */
  pending: Set<string>;
  /** Ids of attempts that have not ended. */
  active: Set<string>;
  /** Ids of approvals that nobody has answered. */
  asked: Set<string>;
  /** What runs, agents and the day have used up. */
  usage: UsageTable;
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
    triggers: new Map(),
    fired: new Map(),
    pins: new Map(),
    policies: new Map(),
    pending: new Set(),
    active: new Set(),
    asked: new Set(),
    usage: emptyUsage(),
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

type Fold<T extends EventType> = (state: State, event: EventNamed<T>, at: string, principal: string) => void;

const nothing = (): void => undefined;
const artifact = (state: State, event: Event & ArtifactEvent, at: string): void => evolveArtifacts(state, event, at);
const agent = (state: State, event: Event & AgentEvent, at: string): void => evolveAgents(state.agents, event, at);
const run = (state: State, event: Event & RunEvent, at: string, principal: string): void => {
  evolveRuns(state.runs, event, at, principal);
  if (state.triggers.size > 0) foldStarted(state, state.runs.get(event.run ?? ''), event);
};
const stage = (state: State, event: Event & StageEvent, at: string): void => foldStage(state, event, at);
const handoff = (state: State, event: Event & HandoffEvent, at: string): void => evolveHandoff(state, event, at);
const task = (state: State, event: Event & TaskEvent, at: string): void => evolveTasks(state.tasks, state.pending, event, at);
const attempt = (state: State, event: Event & (AttemptEvent | UsageEvent), at: string): void => evolveAttempts(state.attempts, event, at);
const merge = (state: State, event: Event & WorkspaceEvent, at: string): void => evolveMerge(state.runs, event, at);
const trigger = (state: State, event: Event & TriggerEvent, at: string): void => evolveTriggers(state, event, at);
const answer = (state: State, event: Event & ApprovalEvent, at: string): void => {
  const open = state.asked.delete(event.data.approval);
  const before = state.approvals.get(event.data.approval);
  evolveApprovals(state.approvals, event, at);
  if (open && before) giveTimeBack(state, before, at);
};

const note = (state: State, event: Event & ApprovalEvent, at: string): void => evolveApprovals(state.approvals, event, at);

/** What each type of event does to the state; a new type does not compile without a line here. */
const FOLDS: { [T in EventType]: Fold<T> } = {
  'daemon.started': (state, event) => void (state.epoch = event.data.epoch),
  'daemon.stopped': nothing,
  'daemon.resumed': (state, event) => shiftDeadlines(state, event.data.sleptMs),
  'principal.added': nothing,
  'principal.refused': nothing,
  'policy.loaded': ({ policies }, { repo = '', data: { files } }) =>
    void (files.length > 0 ? policies.set(repo, files) : policies.delete(repo)),
  'policy.decided': recordDecision,
  'agent.registered': agent,
  'agent.starting': agent,
  'agent.ready': agent,
  'agent.draining': agent,
  'agent.offline': agent,
  'agent.failed': agent,
  'agent.breaker_opened': agent,
  'agent.breaker_half_opened': agent,
  'agent.breaker_closed': agent,
  'run.submitted': (state, event, at, principal) => {
    run(state, event, at, principal);
    const { parent } = event.data;
    updateStage(state.stages, parent?.run, parent?.stage, (before) => ({ ...before, status: 'running', child: event.run ?? '' }));
  },
  'run.started': run,
  'run.waiting': run,
  'run.continued': run,
  'run.paused': run,
  'run.resumed': run,
  'run.extended': run,
  'run.returned': (state, event, at, principal) => {
    foldReturn(state, event);
    run(state, event, at, principal);
  },
  'run.cancel_requested': run,
  'run.succeeded': run,
  'run.failed': run,
  'run.canceled': run,
  'stage.started': stage,
  'stage.proposed': stage,
  'stage.admitted': stage,
  'stage.checking': stage,
  'stage.late': stage,
  'stage.expanded': stage,
  'stage.stuck': stage,
  'stage.judged': stage,
  'stage.escalated': stage,
  'stage.deliberating': stage,
  'stage.voted': stage,
  'stage.completed': stage,
  'stage.failed': stage,
  'stage.skipped': stage,
  'stage.canceled': stage,
  'stage.inherited': stage,
  'handoff.accepted': handoff,
  'handoff.returned': handoff,
  'task.submitted': (state, event, at) => {
    task(state, event, at);
    if (event.data.part !== undefined) return;
    updateStage(state.stages, event.run, event.stage, (before) => ({ ...before, status: 'running', task: event.task ?? '' }));
  },
  'task.assigned': task,
  'task.held': task,
  'task.running': task,
  'task.requeued': task,
  'task.due': task,
  'task.revived': task,
  'task.cancel_requested': task,
  'task.completed': task,
  'task.failed': task,
  'task.timeout': task,
  'task.canceled': task,
  'attempt.starting': (state, event, at) => {
    attempt(state, event, at);
    state.active.add(event.attempt ?? '');
    addLoad(state, event.agent, 1, at);
    evolveUsage(state.usage, event, at, at);
  },
  'attempt.running': attempt,
  'attempt.reported': attempt,
  'attempt.committed': (state, event, at) => {
    attempt(state, event, at);
    const made = state.tasks.get(event.task ?? '');
    if (made) state.tasks.set(made.id, { ...made, commit: event.data.commit });
  },
  'agent.rogue_edit': attempt,
  'agent.planned': attempt,
  'agent.session_opened': attempt,
  'agent.tool_called': attempt,
  'agent.tool_calls_omitted': attempt,
  'attempt.ended': (state, event, at) => {
    const startedAt = state.attempts.get(event.attempt ?? '')?.startedAt;
    if (startedAt !== undefined) evolveUsage(state.usage, event, at, startedAt);
    attempt(state, event, at);
    state.active.delete(event.attempt ?? '');
    addLoad(state, event.agent, -1, at);
    countEnded(state, event);
  },
  'approval.requested': recordQuestion,
  'approval.seconded': note,
  'approval.remembered': note,
  'approval.forgotten': note,
  'approval.reminded': note,
  'approval.escalated': note,
  'approval.commented': note,
  'approval.granted': answer,
  'approval.denied': answer,
  'approval.expired': answer,
  'approval.voided': answer,
  'approval.used': answer,
  'approval.lapsed': answer,
  'approval.revoked': answer,
  'artifact.recorded': artifact,
  'artifact.redacted': artifact,
  'artifact.pinned': artifact,
  'artifact.unpinned': artifact,
  'archive.moved': evolveArchive,
  'archive.restored': evolveArchive,
  'workspace.created': recordPlace,
  'workspace.kept': leavePlace,
  'workspace.removed': leavePlace,
  'workspace.merge_started': (state, event, at) => {
    updateStage(state.stages, event.run, event.stage, (before) => ({ ...before, status: 'running' }));
    merge(state, event, at);
  },
  'workspace.merged': merge,
  'workspace.merge_failed': merge,
  'workspace.undo_started': merge,
  'workspace.undone': merge,
  'workspace.undo_failed': merge,
  'usage.reported': (state, event, at) => {
    attempt(state, event, at);
    evolveUsage(state.usage, event, at, at);
  },
  'trust.granted': (state, event, at) => void state.trust.set(event.repo ?? '', { digest: event.data.digest, by: event.data.by, at }),
  'trust.revoked': (state, event) => void state.trust.delete(event.repo ?? ''),
  'trigger.registered': trigger,
  'trigger.removed': trigger,
  'trigger.paused': trigger,
  'trigger.resumed': trigger,
  'trigger.fired': trigger,
  'trigger.passed': trigger,
  'trigger.failed': trigger,
  'trigger.acknowledged': trigger,
};

/** The types of events that there are. */
export const EVENT_TYPES: readonly string[] = Object.keys(FOLDS);

function evolveOne<T extends EventType>(state: State, event: EventNamed<T>, at: string, principal: string): void {
  const fold: Fold<T> = FOLDS[event.type];
  fold(state, event, at, principal);
}

function recordDecision(state: State, event: EventNamed<'policy.decided'>): void {
  // What is decided about a task and its attempts is no part of what its stage asked before it began.
  if (event.task !== undefined) return;
  const { key, summary, decision } = event.data;
  const reason = decision.reasons.map((r) => r.message).join(' ');
  const decided = { key, summary, effect: decision.effect, reason };
  updateStage(state.stages, event.run, event.stage, (before) => ({ ...before, proposed: [...before.proposed, decided] }));
}

function recordQuestion(state: State, event: EventNamed<'approval.requested'>, at: string): void {
  evolveApprovals(state.approvals, event, at);
  const { approval, key } = event.data;
  state.asked.add(approval);
  if (event.task !== undefined) return;
  updateStage(state.stages, event.run, event.stage, (before) => ({
    ...before,
    proposed: before.proposed.map((p) => (p.key === key ? { ...p, approval } : p)),
  }));
}

function recordPlace(state: State, event: EventNamed<'workspace.created'>): void {
  const placed = state.attempts.get(event.attempt ?? '');
  if (placed) state.attempts.set(placed.id, { ...placed, workspace: event.data });
}

/** Nothing more comes of an attempt that has left its worktree. */
function leavePlace(state: State, event: Event): void {
  const placed = state.attempts.get(event.attempt ?? '');
  if (placed?.workspace) state.attempts.set(placed.id, { ...placed, workspace: { ...placed.workspace, left: true } });
}

/** The time that an attempt waited for a person is none of its own. */
function giveTimeBack(state: State, approval: Approval, at: string): void {
  const attempt = state.attempts.get(approval.attempt ?? '');
  if (!attempt || attempt.endedAt !== undefined) return;
  const now = Date.parse(at);
  // Never later than now: two questions at once wait for the same person in the same time.
  const from = Math.min(now, Date.parse(attempt.leaseFrom) + now - Date.parse(approval.requestedAt));
  state.attempts.set(attempt.id, { ...attempt, leaseFrom: new Date(from).toISOString() });
}

/** The machine slept: nobody is late because of that. */
function shiftDeadlines(state: State, ms: number): void {
  const shift = (at: string) => new Date(Date.parse(at) + ms).toISOString();
  for (const id of state.asked) {
    const asked = state.approvals.get(id);
    if (asked) state.approvals.set(id, { ...asked, expiresAt: shift(asked.expiresAt), sleptMs: (asked.sleptMs ?? 0) + ms });
  }
  for (const id of state.active) {
    const one = state.attempts.get(id);
    if (one) state.attempts.set(id, { ...one, leaseFrom: shift(one.leaseFrom) });
  }
  shiftStages(state.stages, shift);
}

function addLoad(state: State, id: string | undefined, change: number, at: string): void {
  const known = state.agents.get(id ?? '');
  if (known) state.agents.set(known.id, withLoad(known, Math.max(0, known.used + change), at));
}

function countEnded(state: State, event: EventNamed<'attempt.ended'>): void {
  const known = state.agents.get(event.agent ?? '');
  const breaker = known && countAttempt(known, event.data);
  if (breaker) state.agents.set(known.id, { ...known, breaker });
}

import type { AgentEvent } from './agent.ts';
import type { ApprovalEvent } from './approval.ts';
import type { ArchiveEvent } from './archive.ts';
import type { ArtifactEvent } from './artifact.ts';
import type { AttemptEvent } from './attempt.ts';
import type { DaemonEvent } from './daemon.ts';
import type { HandoffEvent } from './handoff.ts';
import type { PolicyEvent } from './policy.ts';
import type { RunEvent } from './run.ts';
import type { StageEvent } from './stage.ts';
import type { TaskEvent } from './task.ts';
import type { TriggerEvent } from './trigger.ts';
import type { TrustEvent } from './trust.ts';
import type { UsageEvent } from './usage.ts';
import type { WorkspaceEvent } from './workspace.ts';

/** What an event is about. The same names mean the same thing in every event, so that a filter needs no table. */
export interface Correlation {
  repo?: string;
  run?: string;
  stage?: string;
  task?: string;
  attempt?: string;
  agent?: string;
  artifact?: string;
}

/** One kind of event: `v` is the version of `data`. A changed meaning is a new type or a new version. */
export interface EventOf<Type extends string, Data, Version extends number = 1> extends Correlation {
  type: Type;
  v: Version;
  /** The history that it belongs to, `<subject>/<id>`. */
  stream: string;
  data: Data;
}

/** An event as `decide` makes it: nothing in it comes from a clock, a counter or a disk. */
export type NewEvent =
  | DaemonEvent
  | AgentEvent
  | RunEvent
  | StageEvent
  | HandoffEvent
  | TaskEvent
  | AttemptEvent
  | PolicyEvent
  | ApprovalEvent
  | ArtifactEvent
  | ArchiveEvent
  | WorkspaceEvent
  | TrustEvent
  | TriggerEvent
  | UsageEvent;

export type EventType = NewEvent['type'];

/** A recorded event. `id` is `<epoch>-<seq>.<index>`; the epoch is new at each start of the daemon, so no id comes twice. */
export type Event = NewEvent & { id: string; tenant: string };

/** The events of one command, whole or not at all; one line of the journal. */
export interface Commit {
  /** Counts commits from 1 without a gap. */
  seq: number;
  /** RFC 3339, UTC, milliseconds. Never goes back. */
  at: string;
  /** Hash of the commit before; 64 zeros for the first. */
  prev: string;
  /** Who asked: a principal's name, or `daemon`. */
  principal: string;
  /** What led to it: the id of an event, or of a client's request. */
  cause: string;
  events: Event[];
  /** SHA-256 over the bytes of the line up to this member. */
  hash: string;
}

/** A commit before the journal has chained it. */
export interface UnchainedCommit extends Omit<Commit, 'prev' | 'hash'> {
  /** `events` as JSON, from whoever has made it already. */
  eventsJson?: string;
}

/** Events of the subject `T`, for handlers that look at one type. */
export type EventNamed<T extends EventType> = Extract<Event, { type: T }>;

/** The tenant of everything until somebody says otherwise. */
export const LOCAL_TENANT = 'local';

/** Largest line of the journal, in bytes. */
export const MAX_COMMIT_BYTES = 64 * 1024;

/** Largest field of an event, in bytes; anything larger is an artifact. */
export const MAX_FIELD_BYTES = 8 * 1024;

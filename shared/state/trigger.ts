// Registered triggers and what fired: which firings wait, which runs of theirs are under way, and which ids were used.
import type { Event } from '../events/envelope.ts';
import type { RunEvent } from '../events/run.ts';
import type { TriggerEvent } from '../events/trigger.ts';
import type { Run } from './run.ts';
import { acknowledges, type TriggerDefinition, type TriggerKind } from './trigger-definition.ts';

/** Ids of firings that a trigger remembers; older ones are forgotten first. */
export const MAX_FIRED = 2_000;
/** Firings of one trigger that wait for their run. */
export const MAX_WAITING = 100;

/** By what a run was started. */
export interface StartedBy {
  trigger: string;
  kind: TriggerKind;
  firing: string;
  /** What happened, in a sentence. */
  summary: string;
  /** Runs that started one another by events, this one included; 0 for any other trigger. */
  depth: number;
}

/** A firing whose run has not ended, or whose source was not told yet. */
export interface Firing {
  id: string;
  /** The run that it starts; made up when it fired. */
  run: string;
  at: string;
  summary: string;
  inputs: Readonly<Record<string, unknown>>;
  depth: number;
  /** A person fired it. */
  byHand?: boolean;
  /** Of a source: what it finds the item by. */
  item?: string;
  status: 'waiting' | 'running' | 'ended';
  outcome?: 'success' | 'failure' | 'canceled';
}

/** What came of the newest firing. */
export interface LastFiring {
  firing: string;
  at: string;
  summary: string;
  /** Absent where it started nothing. */
  run?: string;
  /** Why it started nothing. */
  code?: string;
  message?: string;
}

export interface RegisteredTrigger {
  id: string;
  workflow: { name: string; version: number; digest: string; source: string };
  definition: TriggerDefinition;
  origin: 'user' | 'repository';
  repo?: string;
  into?: string;
  inputs: Readonly<Record<string, unknown>>;
  by: string;
  at: string;
  paused?: { by: string; reason: string };
  /** Of a schedule: what was due up to this time is decided. */
  after: string;
  /** Oldest first. */
  open: readonly Firing[];
  fired: number;
  last?: LastFiring;
  /** Firings of the minute (RFC 3339 up to it) of the newest one. */
  minute?: { at: string; count: number };
}

export interface TriggerTables {
  triggers: Map<string, RegisteredTrigger>;
  /** By trigger, the newest ids that fired, with their run; empty where it started nothing. Kept when a trigger is removed. */
  fired: Map<string, Map<string, string>>;
}

/** Folds one event about a trigger. */
export function evolveTriggers(tables: TriggerTables, event: Event & TriggerEvent, at: string): void {
  const { triggers } = tables;
  if (event.type === 'trigger.registered') {
    triggers.set(event.data.trigger, register(triggers.get(event.data.trigger), event, at));
    return;
  }
  const { trigger: id } = event.data;
  if (event.type === 'trigger.removed') return void triggers.delete(id);
  if (event.type === 'trigger.fired') remember(tables, id, event.data.firing, event.data.run);
  if (event.type === 'trigger.passed') remember(tables, id, event.data.firing, '');
  const before = triggers.get(id);
  if (before) triggers.set(id, applyTo(before, event, at));
}

type Registered = Event & Extract<TriggerEvent, { type: 'trigger.registered' }>;

function register(before: RegisteredTrigger | undefined, { repo, data }: Registered, at: string): RegisteredTrigger {
  const { trigger: id, ...rest } = data;
  const kept = { open: before?.open ?? [], fired: before?.fired ?? 0, after: afterChange(before, data.definition, at) };
  return {
    ...{ id, ...(repo === undefined ? {} : { repo }), ...rest, at, ...kept },
    ...(before?.paused ? { paused: before.paused } : {}),
    ...(before?.last ? { last: before.last } : {}),
  };
}

/** A schedule that stays the same goes on where it was; another one begins now. */
function afterChange(before: RegisteredTrigger | undefined, now: TriggerDefinition, at: string): string {
  const was = before?.definition;
  const same = was?.kind === 'cron' && now.kind === 'cron' && was.cron === now.cron && was.zone === now.zone;
  return before && same ? before.after : at;
}

function remember({ fired }: TriggerTables, trigger: string, firing: string, run: string): void {
  const ids = fired.get(trigger) ?? new Map<string, string>();
  fired.set(trigger, ids.set(firing, run));
  for (const oldest of ids.keys()) {
    if (ids.size <= MAX_FIRED) return;
    ids.delete(oldest);
  }
}

function applyTo(
  trigger: RegisteredTrigger,
  event: Event & Exclude<TriggerEvent, { type: 'trigger.registered' }>,
  at: string,
): RegisteredTrigger {
  switch (event.type) {
    case 'trigger.paused':
      return { ...trigger, paused: { by: event.data.by, reason: event.data.reason } };
    case 'trigger.resumed': {
      const { paused: _, ...rest } = trigger;
      // What was due while nobody wanted it is not missed.
      return { ...rest, after: at };
    }
    case 'trigger.fired':
      return afterFiring(trigger, event.data, at);
    case 'trigger.passed': {
      const { firing, code, summary, until } = event.data;
      return { ...trigger, after: until ?? trigger.after, last: { firing, at, summary, code } };
    }
    case 'trigger.failed': {
      const { firing, code, message } = event.data;
      const { summary = '' } = trigger.open.find(({ id }) => id === firing) ?? {};
      return { ...afterEnd(trigger, ({ id }) => id === firing, 'failure'), last: { firing, at, summary, code, message } };
    }
    case 'trigger.acknowledged':
      return { ...trigger, open: trigger.open.filter(({ id }) => id !== event.data.firing) };
    case 'trigger.removed':
      return trigger;
    default:
      return event satisfies never;
  }
}

type Fired = Extract<TriggerEvent, { type: 'trigger.fired' }>['data'];

function afterFiring(
  trigger: RegisteredTrigger,
  { firing: id, run, summary, inputs, depth, due, byHand, item }: Fired,
  at: string,
): RegisteredTrigger {
  const minute = at.slice(0, 16);
  const count = trigger.minute?.at === minute ? trigger.minute.count + 1 : 1;
  return {
    ...trigger,
    after: due ?? trigger.after,
    open: [
      ...trigger.open,
      {
        ...{ id, run, at, summary, inputs, depth },
        ...(byHand ? { byHand } : {}),
        ...(item === undefined ? {} : { item }),
        status: 'waiting',
      },
    ],
    fired: trigger.fired + 1,
    last: { firing: id, at, summary, run },
    minute: { at: minute, count },
  };
}

const OUTCOMES = { 'run.succeeded': 'success', 'run.failed': 'failure', 'run.canceled': 'canceled' } as const;

/** A firing is over; one of a source stays until the source was told. */
function afterEnd(
  trigger: RegisteredTrigger,
  ended: (firing: Firing) => boolean,
  outcome: NonNullable<Firing['outcome']>,
): RegisteredTrigger {
  // One that a person fired came from no source.
  const told = (firing: Firing): boolean => acknowledges(trigger.definition) && firing.byHand !== true;
  const open = trigger.open.flatMap((firing) =>
    !ended(firing) ? [firing] : told(firing) ? [{ ...firing, status: 'ended' as const, outcome }] : [],
  );
  return { ...trigger, open };
}

/** What became of the run of a firing. */
export function foldStarted({ triggers }: TriggerTables, run: Run | undefined, event: Event & RunEvent): void {
  const trigger = triggers.get(run?.startedBy?.trigger ?? '');
  if (!run || !trigger) return;
  if (event.type === 'run.submitted') {
    const open = trigger.open.map((firing) => (firing.run === run.id ? { ...firing, status: 'running' as const } : firing));
    triggers.set(trigger.id, { ...trigger, open });
  }
  if (event.type === 'run.succeeded' || event.type === 'run.failed' || event.type === 'run.canceled')
    triggers.set(
      trigger.id,
      afterEnd(trigger, (firing) => firing.run === run.id, OUTCOMES[event.type]),
    );
}

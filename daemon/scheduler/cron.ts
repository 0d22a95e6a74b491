/**
 * Schedules: which of the times that came are to start something, and which only passed. Pure: `now` is an argument, and what
 * was decided already is in the trigger's `after`.
 *
 * 1. Every time is decided once: what is fired and what is passed together reach from `after` to `now`.
 * 2. However long nobody looked, the work is bounded.
 */
import { Cron } from 'croner';
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { TriggerDefinition } from '../../shared/state/trigger-definition.ts';

type Schedule = Extract<TriggerDefinition, { kind: 'cron' }>;

/** A time that is older than this was missed, in milliseconds. */
const ON_TIME_MS = 90_000;
/** Missed times that `missed: all` catches up with, newest first. */
export const MAX_CATCH_UP = 24;
/** Times that are counted one by one. */
const MAX_COUNTED = 100;
const MINUTE_MS = 60_000;

/** Times in milliseconds since 1970, oldest first: those to fire for, and up to when others passed. */
export interface Due {
  fire: number[];
  passed?: { until: number; count: number; more: boolean };
}

/** What came of a schedule since `after`, up to `now`. */
export function findDue(schedule: Pick<Schedule, 'cron' | 'zone' | 'missed'>, after: number, now: number): Due {
  const next = openSchedule(schedule);
  const newest = findNewest(next, after, now);
  const last = newest.at(-1);
  if (last === undefined) return { fire: [] };
  const onTime = newest.filter((time) => now - time <= ON_TIME_MS);
  const fire = schedule.missed === 'all' ? newest : schedule.missed === 'once' ? [last] : onTime.slice(-1);
  const first = fire[0];
  const passed = listTimes(next, after, { until: first === undefined ? last : first - 1, most: MAX_COUNTED });
  const until = first === undefined ? last : findNewest(next, after, first - 1).at(-1);
  return { fire, ...(until === undefined ? {} : { passed: { until, count: passed.length, more: passed.length === MAX_COUNTED } }) };
}

/** The next time of a schedule that is not decided yet; undefined for anything else, and for what is paused. */
export function nextDue({ definition, paused, after }: RegisteredTrigger): number | undefined {
  if (definition.kind !== 'cron' || paused) return undefined;
  return openSchedule(definition)(Date.parse(after));
}

type Next = (from: number) => number | undefined;

function openSchedule({ cron, zone: timezone }: Pick<Schedule, 'cron' | 'zone'>): Next {
  // Paused and without a function it has no timer: only `nextRun` of it is used.
  const schedule = new Cron(cron, { timezone, mode: '5-part', paused: true });
  return (from) => schedule.nextRun(new Date(from))?.getTime();
}

/** The times behind `after` up to `until`, at most so many. */
function listTimes(next: Next, after: number, { until, most }: { until: number; most: number }): number[] {
  const times: number[] = [];
  for (let time = next(after); time !== undefined && time <= until && times.length < most; time = next(time)) times.push(time);
  return times;
}

/**
 * The newest times up to `now`: looked for in longer and longer stretches of the past until there are enough, and in shorter
 * ones again when there are too many.
 */
function findNewest(next: Next, after: number, now: number): number[] {
  let few = 0;
  let many: number | undefined;
  for (;;) {
    const span = many === undefined ? Math.max(2 * MINUTE_MS, 2 * few) : (few + many) / 2;
    const from = Math.max(after, now - span);
    const times = listTimes(next, from, { until: now, most: MAX_COUNTED });
    const cut = times.length === MAX_COUNTED && span > 2 * MINUTE_MS;
    if (!cut && (times.length >= MAX_CATCH_UP || from === after)) return times.slice(-MAX_CATCH_UP);
    if (cut) many = span;
    else few = span;
  }
}

/** What was used up, in totals that follow from the record: of each run, and of the day, overall and by agent. */
import type { Event, EventNamed } from '../events/envelope.ts';

/** What was used, with the attempts under way apart, so that their minutes follow from any time at once. */
export interface UsageTotals {
  tokens: number;
  /** US dollars. */
  cost: number;
  /** Milliseconds of attempts that have ended. */
  ms: number;
  /** Attempts under way, and the sum of their starts, each in milliseconds since 2020. */
  open: number;
  starts: number;
}

export interface UsageTable {
  /** The day (UTC) that `overall` and `agents` count; what was under way at midnight counts to the day on which it ends. */
  day: string;
  overall: UsageTotals;
  agents: Map<string, UsageTotals>;
  /** All that each run in memory has used, on any day. */
  runs: Map<string, UsageTotals>;
}

const NOTHING: UsageTotals = { tokens: 0, cost: 0, ms: 0, open: 0, starts: 0 };
/** Sums of so many starts stay exact whole numbers this way. */
const YEAR_2020 = Date.UTC(2020, 0, 1);

export function emptyUsage(): UsageTable {
  return { day: '', overall: NOTHING, agents: new Map(), runs: new Map() };
}

/** Totals as what a condition sees, at `now` (milliseconds since 1970); minutes of what is under way count up to then. */
export function readTotals(totals: UsageTotals | undefined, now: number): { tokens: number; cost: number; minutes: number } {
  const { tokens, cost, ms, open, starts } = totals ?? NOTHING;
  return { tokens, cost, minutes: Math.max(0, ms + open * (now - YEAR_2020) - starts) / 60_000 };
}

/** Totals of a day as they stand at `now`: on a later day only what is under way is left of them. */
export function readDay(usage: UsageTable, totals: UsageTotals | undefined, now: number): ReturnType<typeof readTotals> {
  const today = new Date(now).toISOString().startsWith(usage.day);
  return readTotals(today || totals === undefined ? totals : turnTotals(totals), now);
}

/** Folds what uses something: the start and the end of an attempt, and what was reported of it. */
export function evolveUsage(
  usage: UsageTable,
  event: EventNamed<'attempt.starting' | 'attempt.ended' | 'usage.reported'>,
  at: string,
  startedAt: string,
): void {
  if (!at.startsWith(usage.day) || usage.day === '') turnDay(usage, at.slice(0, 10));
  const change = changeOf(event, at, startedAt);
  usage.overall = change(usage.overall);
  if (event.agent !== undefined) usage.agents.set(event.agent, change(usage.agents.get(event.agent) ?? NOTHING));
  if (event.run !== undefined) usage.runs.set(event.run, change(usage.runs.get(event.run) ?? NOTHING));
}

function changeOf(event: Event, at: string, startedAt: string): (totals: UsageTotals) => UsageTotals {
  const start = Date.parse(startedAt) - YEAR_2020;
  if (event.type === 'usage.reported')
    return (totals) => ({ ...totals, tokens: totals.tokens + event.data.tokens, cost: totals.cost + event.data.cost });
  if (event.type === 'attempt.starting') return (totals) => ({ ...totals, open: totals.open + 1, starts: totals.starts + start });
  const took = Math.max(0, Date.parse(at) - Date.parse(startedAt));
  // A state from before these totals does not know what was under way then.
  return (totals) =>
    totals.open === 0 ? totals : { ...totals, ms: totals.ms + took, open: totals.open - 1, starts: totals.starts - start };
}

function turnDay(usage: UsageTable, day: string): void {
  usage.day = day;
  usage.overall = turnTotals(usage.overall);
  for (const [agent, totals] of usage.agents)
    if (totals.open === 0) usage.agents.delete(agent);
    else usage.agents.set(agent, turnTotals(totals));
}

function turnTotals({ open, starts }: UsageTotals): UsageTotals {
  return { ...NOTHING, open, starts };
}

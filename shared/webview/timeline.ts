/**
 * What the timeline of one run shows, and the messages between the extension and its webview. Both doors parse what comes in.
 *
 * 1. Times are milliseconds since the epoch by the daemon's clock; `now` says what that clock shows, so that a webview on
 *    another machine can follow it. An absent `end` means: still under way.
 * 2. Everything is bounded; what does not fit is counted in `omitted`, never dropped in silence.
 * 3. Texts here come from the record. Words of the interface are in timeline-text.ts, so that they can be translated.
 *
 * zod/mini, because the whole of zod would be most of the webview's bundle.
 */
import * as z from 'zod/mini';

/** Most spans, and most marks, that a timeline carries; the oldest are left out first. */
export const MAX_ITEMS = 20_000;
/** Most rows: one per stage and as many lanes as its attempts need at once. */
export const MAX_ROWS = 5_000;
/** Longest text of an item, in UTF-16 units. */
export const MAX_TEXT = 500;
const MAX_LINKS = 20;

const id = z.string().check(z.minLength(1), z.maxLength(400));
const text = z.string().check(z.maxLength(MAX_TEXT));
const time = z.number().check(z.gte(0));
const count = z.number().check(z.gte(0));

/** How a row, span or mark looks; the exact status stands beside it in words. */
export const Tone = z.enum(['idle', 'waiting', 'running', 'success', 'failure', 'skipped', 'canceled']);
export type Tone = z.infer<typeof Tone>;

/** What a person wants to see or do about an item; the extension opens it. */
export const TimelineIntent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('log'), run: id, stage: id, attempt: id }),
  /** What a granted approval would let happen, what a commit holds, or what the merge of the run brought. */
  z.strictObject({ kind: z.literal('diff'), run: id, subject: z.enum(['approval', 'commit', 'merge']), id }),
  z.strictObject({ kind: z.literal('artifact'), run: id, name: id, digest: id }),
  /** A question that nobody has answered. */
  z.strictObject({ kind: z.literal('approval'), run: id, approval: id }),
]);
export type TimelineIntent = z.infer<typeof TimelineIntent>;

const links = z.array(TimelineIntent).check(z.maxLength(MAX_LINKS));

/** A line of the timeline: a stage, or a lane of its attempts below it. */
export const TimelineRow = z.strictObject({
  id,
  kind: z.enum(['stage', 'attempts']),
  stage: id,
  label: text,
  tone: Tone,
  status: text,
  /** Names of the stages that it still waits for. */
  needs: z.array(text).check(z.maxLength(500)),
  /** What its task waits for. */
  waitsFor: z.optional(z.enum(['dependencies', 'approval', 'agent', 'retry', 'quota', 'paused'])),
  /** Why it failed, was skipped or canceled. */
  note: text,
});
export type TimelineRow = z.infer<typeof TimelineRow>;

/** Something that took time: a stage, an attempt, or the time that a stage waited for an answer. */
export const TimelineSpan = z.strictObject({
  id,
  row: id,
  kind: z.enum(['stage', 'attempt', 'wait']),
  label: text,
  tone: Tone,
  status: text,
  start: time,
  end: z.optional(time),
  note: text,
  /** The first one opens on Enter. */
  links,
});
export type TimelineSpan = z.infer<typeof TimelineSpan>;

/** Something that happened at one moment. */
export const TimelineMark = z.strictObject({
  id,
  row: id,
  kind: z.enum(['asked', 'answered', 'tool', 'unasked', 'commit', 'merge', 'undo']),
  label: text,
  tone: Tone,
  status: text,
  at: time,
  note: text,
  links,
});
export type TimelineMark = z.infer<typeof TimelineMark>;

/** The run itself; `live` until it has ended. */
export const TimelineRun = z.strictObject({
  id,
  title: text,
  version: z.number(),
  tone: Tone,
  status: text,
  start: time,
  end: z.optional(time),
  live: z.boolean(),
  summary: text,
  /** The trigger that started it, and what happened; absent where somebody did. */
  startedBy: z.optional(text),
  omitted: count,
});
export type TimelineRun = z.infer<typeof TimelineRun>;

/** All of a timeline. Rows are in the order in which they are shown. */
export const TimelineModel = z.strictObject({
  run: TimelineRun,
  now: time,
  rows: z.array(TimelineRow).check(z.maxLength(MAX_ROWS)),
  spans: z.array(TimelineSpan).check(z.maxLength(MAX_ITEMS)),
  marks: z.array(TimelineMark).check(z.maxLength(MAX_ITEMS)),
});
export type TimelineModel = z.infer<typeof TimelineModel>;

/** What is different from the model before: entries that are new or changed, and the ids of those that are gone. */
export const TimelineChange = z.strictObject({
  run: z.optional(TimelineRun),
  now: time,
  /** Ids of all rows, when rows came, went or moved. */
  order: z.optional(z.array(id).check(z.maxLength(MAX_ROWS))),
  rows: z.array(TimelineRow).check(z.maxLength(MAX_ROWS)),
  spans: z.array(TimelineSpan).check(z.maxLength(MAX_ITEMS)),
  marks: z.array(TimelineMark).check(z.maxLength(MAX_ITEMS)),
  gone: z.array(id).check(z.maxLength(2 * MAX_ITEMS)),
});
export type TimelineChange = z.infer<typeof TimelineChange>;

/** From the extension. A change fits the revision before its own and no other. */
export const ToTimeline = z.discriminatedUnion('type', [
  /** Nothing is known of the run yet. */
  z.strictObject({ type: z.literal('loading'), run: id, text: z.record(z.string(), text) }),
  z.strictObject({ type: z.literal('model'), revision: count, model: TimelineModel, text: z.record(z.string(), text) }),
  z.strictObject({ type: z.literal('change'), revision: count, change: TimelineChange }),
]);
export type ToTimeline = z.infer<typeof ToTimeline>;

/** From the webview: it has been (re)loaded, it missed a change, or a person wants something opened. */
export const FromTimeline = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('resync') }),
  z.strictObject({ type: z.literal('open'), intent: TimelineIntent }),
]);
export type FromTimeline = z.infer<typeof FromTimeline>;

/** What a webview keeps across a reload. `run` tells the extension which timeline to restore. */
export const TimelineMemory = z.object({
  run: id,
  view: z.object({ mode: z.enum(['fit', 'follow', 'free']), start: z.number(), end: z.number(), top: z.number() }),
  selection: z.optional(z.object({ row: id, item: z.optional(id) })),
  table: z.boolean(),
});
export type TimelineMemory = z.infer<typeof TimelineMemory>;

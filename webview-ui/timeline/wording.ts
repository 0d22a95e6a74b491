/** Items in words, for the details, the table and the live region. Pure. */
import { say, type TimelineWord } from '../../shared/webview/timeline-text.ts';
import type { TimelineIntent, TimelineRow, Tone } from '../../shared/webview/timeline.ts';
import { formatDuration, formatMoment } from './clock.ts';
import { startOf, type Item } from './scene.ts';

export type Words = Readonly<Record<string, string>>;

/** An item, or a row on which nothing has begun, as the table shows it. */
export interface Description {
  what: string;
  name: string;
  tone: Tone;
  state: string;
  from: string;
  took: string;
  note: string;
  links: readonly TimelineIntent[];
}

const TONE_WORDS: Record<Tone, TimelineWord> = {
  idle: 'toneIdle',
  waiting: 'toneWaiting',
  running: 'toneRunning',
  success: 'toneSuccess',
  failure: 'toneFailure',
  skipped: 'toneSkipped',
  canceled: 'toneCanceled',
};

/** What a tone means. */
export const toneWord = (words: Words, tone: Tone): string => say(words, TONE_WORDS[tone]);

const WAITS_FOR = {
  dependencies: 'waitsForDependencies',
  approval: 'waitsForApproval',
  agent: 'waitsForAgent',
  retry: 'waitsForRetry',
  quota: 'waitsForQuota',
  paused: 'waitsForPaused',
} as const satisfies Record<NonNullable<TimelineRow['waitsFor']>, TimelineWord>;

/** The label of a row: a stage's name, or which attempts a lane holds. */
export function rowLabel(words: Words, row: TimelineRow): string {
  if (row.kind === 'stage') return row.label;
  const [first = '', last] = row.label.split('-');
  return last === undefined ? say(words, 'attemptNumber', first) : say(words, 'attemptNumbers', first, last);
}

/** What a row waits for; empty when it waits for nothing. */
export function rowHint(words: Words, row: TimelineRow): string {
  if (row.needs.length > 0) return say(words, 'needs', row.needs.join(', '));
  return row.waitsFor === undefined ? '' : say(words, WAITS_FOR[row.waitsFor]);
}

/** A failure says which, unless it is just that. */
function plainState(words: Words, tone: Tone, status: string): string {
  const word = toneWord(words, tone);
  return tone === 'failure' && status !== 'failed' ? `${word}: ${status}` : word;
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' · ');

/** Describes an item at `now`; `origin` is the begin of the run (both ms), `stage` the name of the item's stage. */
export function describeItem(words: Words, item: Item, row: TimelineRow, at: { now: number; origin: number; stage: string }): Description {
  const span = 'at' in item ? undefined : item;
  const took = span ? formatDuration((span.end ?? Math.max(at.now, span.start)) - span.start) : '';
  const name = item.kind === 'attempt' ? `${at.stage} #${item.label}` : item.label;
  const plain = item.kind === 'stage' || item.kind === 'attempt';
  return {
    what: say(words, item.kind),
    name,
    tone: item.tone,
    state: plain ? plainState(words, item.tone, item.status) : item.status,
    from: formatMoment(startOf(item) - at.origin, 1_000),
    took: span && span.end === undefined ? say(words, 'still', took) : took,
    note: item.kind === 'stage' ? joined(rowHint(words, row), item.note) : item.note,
    links: item.links,
  };
}

/** Describes a row on which nothing has begun. */
export function describeRow(words: Words, row: TimelineRow): Description {
  const note = joined(rowHint(words, row), row.note);
  const what = say(words, row.kind === 'stage' ? 'stage' : 'attempt');
  return {
    what,
    name: rowLabel(words, row),
    tone: row.tone,
    state: row.status || say(words, 'notBegun'),
    from: '',
    took: '',
    note,
    links: [],
  };
}

/** What a link opens. */
export function linkLabel(words: Words, intent: TimelineIntent): string {
  switch (intent.kind) {
    case 'log':
      return say(words, 'openLog');
    case 'diff':
      return intent.subject === 'commit' ? `${say(words, 'showDiff')} ${intent.id.slice(0, 8)}` : say(words, 'showDiff');
    case 'artifact':
      return intent.name;
    case 'approval':
      return say(words, 'answer');
    default:
      return intent satisfies never;
  }
}

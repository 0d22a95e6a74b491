/** What `events/read` answers: the record as CloudEvents, page by page. */
import { toCloudEvent } from '../../shared/protocol/cloud-events.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { EventScope } from '../../shared/protocol/methods.ts';
import type { CloudEvent } from '../../shared/protocol/views.ts';
import { emptyState, evolve, type State } from '../../shared/state/evolve.ts';
import { isInScope } from '../../shared/state/scope.ts';
import { decodeCursor, encodeCursor, isSamePlace, type Place } from '../coordinator/cursor.ts';
import type { Journal } from '../journal/port.ts';
import { listParts, type Part } from '../journal/run-index.ts';

/** Commits that one page looks at. */
const MAX_SCAN = 20_000;

/** Where the record is. */
export interface EventSource {
  journal: Pick<Journal, 'read' | 'head'>;
  installation: string;
  home: string;
}

export interface EventPage {
  events: CloudEvent[];
  cursor: string;
  more: boolean;
}

/** The events of a scope behind a cursor, at most about `limit`; throws SignalboxError `cursor_unknown`. */
export async function readEvents(source: EventSource, scope: EventScope, cursor: string | undefined, limit: number): Promise<EventPage> {
  const { journal, installation, home } = source;
  const after = await findPlace(source, cursor);
  const events: CloudEvent[] = [];
  const answer = (place: Place, more: boolean): EventPage => ({ events, cursor: encodeCursor(installation, place), more });
  let last = after;
  let scanned = 0;
  const everything: Part = { ranges: [{ from: after.seq + 1, to: Number.MAX_SAFE_INTEGER }], end: undefined };
  for await (const { ranges, end } of scope.kind === 'run' ? listParts(home, scope.run, after.seq) : [everything]) {
    for (const { from, to } of ranges) {
      for await (const commit of journal.read(from)) {
        if (commit.seq > to) break;
        // Whole commits only, so that the cursor stands between two of them.
        if (events.length >= limit || scanned >= MAX_SCAN) return answer(last, true);
        for (const event of commit.events) if (isInScope(scope, event)) events.push(toCloudEvent(event, commit, installation));
        last = { seq: commit.seq, hash: commit.hash };
        scanned += 1;
      }
    }
    if (end) last = end;
  }
  return answer(last, false);
}

/** What the record alone says of a run before one of its events (and the commit that this is part of); undefined when the run has no such event. */
export async function readRunBefore({ journal, home }: EventSource, run: string, event: string): Promise<State | undefined> {
  const state = emptyState();
  for await (const { ranges } of listParts(home, run, 0))
    for (const { from, to } of ranges)
      for await (const commit of journal.read(from)) {
        if (commit.seq > to) break;
        const events = commit.events.filter((one) => one.run === run);
        if (events.some(({ id }) => id === event)) return state;
        if (events.length > 0) evolve(state, { ...commit, events });
      }
  return undefined;
}

/** The place that a cursor names, if this journal still has it. */
async function findPlace({ journal, installation }: EventSource, cursor: string | undefined): Promise<Place> {
  if (cursor === undefined) return { seq: 0 };
  const place = decodeCursor(installation, cursor);
  if (place && (await isThere(journal, place))) return place;
  throw new SignalboxError({
    code: 'cursor_unknown',
    message: place
      ? 'The journal was cut or rewritten before that place. Read from the start, without the cursor.'
      : 'The cursor is not one of this journal. Read from the start without it.',
  });
}

async function isThere(journal: EventSource['journal'], place: Place): Promise<boolean> {
  const { head } = journal;
  if (place.seq >= head.seq) return place.seq === head.seq && isSamePlace(place, head.hash);
  for await (const next of journal.read(place.seq + 1)) return next.seq > place.seq + 1 || isSamePlace(place, next.prev);
  return true;
}

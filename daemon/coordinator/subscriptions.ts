/**
 * Who hears of what was recorded. A subscriber gets every commit of its scope after its cursor, once and in order.
 *
 * 1. What a subscriber missed comes from memory, else from the journal in pages; one that is too far behind gets the state of its scope
 *    instead, and so does one that stands at a commit which this journal does not have, or no longer.
 * 2. Delivery never waits: a subscriber with too much unread is told `events/lost`, gets nothing more, and subscribes again.
 * 3. What a scope sees is selected and written as JSON once, however many look at it.
 */
import type { Commit } from '../../shared/events/envelope.ts';
import type { EventScope, Notifications } from '../../shared/protocol/methods.ts';
import type { Progress, SubscribeResult } from '../../shared/protocol/views.ts';
import type { Recorded, State } from '../../shared/state/evolve.ts';
import { narrow, selectScope } from '../../shared/state/scope.ts';
import { toJson } from '../../shared/state/serialize.ts';
import type { Journal } from '../journal/port.ts';
import { decodeCursor, encodeCursor, isSamePlace, type Place } from './cursor.ts';

/** Commits that are kept in memory for subscribers that come back. */
const RECENT = 4_096;
/** Commits behind which the state of the scope is less than what happened meanwhile. */
const MAX_BEHIND = 20_000;
/** Commits of a scope in one page, and characters of JSON. */
const PAGE_COMMITS = 1_000;
const PAGE_CHARS = 512 * 1024;
/** A subscriber that catches up gets so long to make room for the next page, looked at so often, in milliseconds. */
const ROOM_MS = 30_000;
const LOOK_MS = 20;

export interface Subscriber {
  notify<N extends 'attempt/progress' | 'events/lost'>(name: N, params: Notifications[N]): void;
  /** Queues a notification whose parameters are JSON already; false when too much waits there, and it was not queued. */
  offer(name: 'events/recorded', params: string): boolean;
}

export interface Subscriptions {
  /** Resolves with what was missed, or with a snapshot; what was missed beyond one page follows as notifications. */
  subscribe(subscriber: Subscriber, id: string, scope: EventScope, cursor: string | undefined): Promise<SubscribeResult>;
  unsubscribe(id: string): void;
  publish(commits: readonly Commit[]): void;
  progress(item: Progress): void;
}

interface Subscription {
  id: string;
  subscriber: Subscriber;
  scope: EventScope;
  /** Behind the last commit that it has, or that its scope did not see. */
  at: Place;
  /** False while it gets what it missed. */
  live: boolean;
}

interface Parts {
  state: State;
  installation: string;
  journal: Pick<Journal, 'read' | 'head'>;
  log(event: string, facts: Record<string, unknown>): void;
}

/** Part of what a subscriber missed; `to` is behind the last commit that was looked at. */
interface MissedPage {
  commits: Recorded[];
  to: Place;
}

export function createSubscriptions(parts: Parts): Subscriptions {
  const { state, installation, journal, log } = parts;
  const all = new Map<string, Subscription>();
  let recent: Commit[] = [];
  let told: Place = { ...journal.head };

  // Between an append and its publication the journal is ahead of the state, by one batch.
  const here = (): Place => {
    const { seq } = state;
    return [journal.head, told].find((place) => place.seq === seq) ?? { seq };
  };
  const lose = ({ id, subscriber }: Subscription, reason: string): void => {
    all.delete(id);
    subscriber.notify('events/lost', { subscription: id, reason });
  };
  const catchingUp: CatchingUp = { parts, lose, recent: () => recent, ended: (id) => !all.has(id) };

  return {
    async subscribe(subscriber, id, scope, cursor) {
      const after = cursor === undefined ? undefined : decodeCursor(installation, cursor);
      const subscription: Subscription = { id, subscriber, scope, at: after ?? here(), live: false };
      all.set(id, subscription);
      const page = after === undefined ? undefined : await readMissed(parts, recent, scope, { after, here: here() });
      if (!page) {
        subscription.at = here();
        subscription.live = true;
        return { subscription: id, cursor: encodeCursor(installation, subscription.at), snapshot: toJson(selectScope(state, scope)) };
      }
      subscription.at = page.to;
      if (page.to.seq === state.seq) subscription.live = true;
      else {
        catchUp(catchingUp, subscription).catch((error: unknown) => {
          log('subscription.failed', { subscription: id, error });
          lose(subscription, 'What it missed could not be read.');
        });
      }
      return { subscription: id, cursor: encodeCursor(installation, page.to), commits: page.commits };
    },
    unsubscribe: (id) => void all.delete(id),
    publish(commits) {
      recent.push(...commits);
      if (recent.length > 2 * RECENT) recent = recent.slice(-RECENT);
      told = placeBehind(commits) ?? told;
      const news: News = { commits, to: told, cursor: encodeCursor(installation, told), texts: new Map() };
      for (const subscription of all.values())
        if (subscription.live && !deliver(subscription, news))
          lose(subscription, 'It reads too slowly. Subscribe again with the last cursor.');
    },
    progress: (item) => tellProgress(all.values(), state, item),
  };
}

function tellProgress(subscriptions: Iterable<Subscription>, state: State, item: Progress): void {
  const told = new Set<Subscriber>();
  for (const { subscriber, scope } of subscriptions) {
    const wants =
      scope.kind === 'all' ||
      (scope.kind === 'run' && scope.run === item.run) ||
      (scope.kind === 'repo' && state.runs.get(item.run)?.repo === scope.repo);
    if (wants && !told.has(subscriber)) subscriber.notify('attempt/progress', { items: [item] });
    told.add(subscriber);
  }
}

interface CatchingUp {
  parts: Parts;
  recent(): readonly Commit[];
  /** True once nobody wants the subscription any more. */
  ended(id: string): boolean;
  lose(subscription: Subscription, reason: string): void;
}

/** Delivers the pages after the first; from then on the subscription is live. */
async function catchUp({ parts, recent, ended, lose }: CatchingUp, subscription: Subscription): Promise<void> {
  const { id, subscriber, scope } = subscription;
  while (!ended(id) && subscription.at.seq < parts.state.seq) {
    const page = await readPage(parts, recent(), scope, subscription.at);
    if (!page) return lose(subscription, 'What it missed is no longer in the journal.');
    const text = describe(id, JSON.stringify(page.commits), encodeCursor(parts.installation, page.to));
    for (let waited = 0; page.commits.length > 0 && !ended(id) && !subscriber.offer('events/recorded', text); waited += LOOK_MS) {
      if (waited >= ROOM_MS) return lose(subscription, 'It did not read what it missed.');
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    subscription.at = page.to;
  }
  subscription.live = true;
}

function describe(id: string, commits: string, cursor: string): string {
  return `{"subscription":${JSON.stringify(id)},"commits":${commits},"cursor":"${cursor}"}`;
}

/** The JSON of what a scope sees of commits; empty when it sees nothing. */
function writeSeen(scope: EventScope, commits: readonly Recorded[]): string {
  const seen = commits.flatMap((commit) => narrow(scope, commit) ?? []);
  return seen.length === 0 ? '' : JSON.stringify(seen);
}

function placeBehind(commits: readonly Commit[]): Place | undefined {
  const last = commits.at(-1);
  return last && { seq: last.seq, hash: last.hash };
}

interface News {
  commits: readonly Commit[];
  to: Place;
  cursor: string;
  /** What each scope sees of all the commits, as JSON. */
  texts: Map<string, string>;
}

/** False when the subscriber has no room for it. */
function deliver(subscription: Subscription, { commits, to, cursor, texts }: News): boolean {
  const { id, subscriber, scope, at } = subscription;
  // Who subscribed between the recording and now has the first of these already.
  const fresh = (commits[0]?.seq ?? 0) > at.seq ? commits : commits.filter(({ seq }) => seq > at.seq);
  const key = scopeKey(scope);
  const text = (fresh === commits ? texts.get(key) : undefined) ?? writeSeen(scope, fresh);
  if (fresh === commits) texts.set(key, text);
  if (to.seq > at.seq) subscription.at = to;
  return text === '' || subscriber.offer('events/recorded', describe(id, text, cursor));
}

function scopeKey(scope: EventScope): string {
  return scope.kind === 'repo' ? `repo ${scope.repo}` : scope.kind === 'run' ? `run ${scope.run}` : scope.kind;
}

/** The first page of what a cursor lacks; undefined when the state of the scope is the better answer, or the only one. */
async function readMissed(
  parts: Parts,
  recent: readonly Commit[],
  scope: EventScope,
  { after, here }: { after: Place; here: Place },
): Promise<MissedPage | undefined> {
  if (after.seq > here.seq || here.seq - after.seq > MAX_BEHIND) return undefined;
  if (after.seq === here.seq && !isSamePlace(after, here.hash)) return undefined;
  return readPage(parts, recent, scope, after);
}

/** The next page behind a place; undefined when the journal does not reach back to it, or has another commit there. */
async function readPage(
  { journal, state }: Pick<Parts, 'journal' | 'state'>,
  recent: readonly Commit[],
  scope: EventScope,
  after: Place,
): Promise<MissedPage | undefined> {
  const page: MissedPage = { commits: [], to: after };
  let chars = 0;
  for await (const commit of listBehind(journal, state.seq, recent, after.seq)) {
    if (page.to === after && (commit.seq > after.seq + 1 || !isSamePlace(after, commit.prev))) return undefined;
    const seen = narrow(scope, commit);
    page.to = { seq: commit.seq, hash: commit.hash };
    if (!seen) continue;
    page.commits.push(seen);
    chars += JSON.stringify(seen).length;
    if (page.commits.length >= PAGE_COMMITS || chars >= PAGE_CHARS) break;
  }
  return page;
}

/** The commits after one, from memory where they are all there. */
function listBehind(
  journal: Pick<Journal, 'read'>,
  head: number,
  recent: readonly Commit[],
  after: number,
): Iterable<Commit> | AsyncIterable<Commit> {
  if (after >= head) return [];
  const first = recent[0]?.seq ?? Infinity;
  const inMemory = first <= after + 1 && (recent.at(-1)?.seq ?? 0) >= head;
  return inMemory ? recent.slice(after + 1 - first) : journal.read(after + 1);
}

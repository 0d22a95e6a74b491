/**
 * Who hears of what was recorded. A subscriber gets every commit of its scope after its cursor, once and in order.
 *
 * 1. What a subscriber missed comes from the newest commits in memory, or it gets the state of its scope instead.
 * 2. Delivery never waits: whoever reads too slowly is dropped by the connection, and subscribes again.
 */
import type { EventScope, Notifications } from '../../shared/protocol/methods.ts';
import type { Progress, SubscribeResult } from '../../shared/protocol/views.ts';
import type { Recorded, State } from '../../shared/state/evolve.ts';
import { narrow, selectScope } from '../../shared/state/scope.ts';
import { toJson } from '../../shared/state/serialize.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';

/** Commits that are kept in memory for subscribers that come back. */
const RECENT = 4_096;

export interface Subscriber {
  notify<N extends 'events/recorded' | 'attempt/progress'>(name: N, params: Notifications[N]): void;
}

export interface Subscriptions {
  subscribe(subscriber: Subscriber, id: string, scope: EventScope, cursor: string | undefined): SubscribeResult;
  unsubscribe(id: string): void;
  publish(commits: readonly Recorded[]): void;
  progress(item: Progress): void;
}

interface Subscription {
  id: string;
  subscriber: Subscriber;
  scope: EventScope;
}

export function createSubscriptions(state: State, installation: string): Subscriptions {
  const all = new Map<string, Subscription>();
  let recent: Recorded[] = [];

  /** The commits after `seq`, or undefined when some of them are no longer in memory. */
  const missedSince = (seq: number): Recorded[] | undefined => {
    if (seq > state.seq) return undefined;
    if (seq === state.seq) return [];
    const first = recent[0]?.seq;
    return first === undefined || first > seq + 1 ? undefined : recent.slice(seq + 1 - first);
  };

  return {
    subscribe(subscriber, id, scope, cursor) {
      all.set(id, { id, subscriber, scope });
      const at = { subscription: id, cursor: encodeCursor(installation, state.seq) };
      const seq = cursor === undefined ? undefined : decodeCursor(installation, cursor);
      const missed = seq === undefined ? undefined : missedSince(seq);
      if (!missed) return { ...at, snapshot: toJson(selectScope(state, scope)) };
      return { ...at, commits: missed.flatMap((commit) => narrow(scope, commit) ?? []) };
    },
    unsubscribe: (id) => void all.delete(id),
    publish(commits) {
      recent.push(...commits);
      if (recent.length > 2 * RECENT) recent = recent.slice(-RECENT);
      const cursor = encodeCursor(installation, state.seq);
      for (const { id, subscriber, scope } of all.values()) {
        const seen = commits.flatMap((commit) => narrow(scope, commit) ?? []);
        if (seen.length > 0) subscriber.notify('events/recorded', { subscription: id, commits: seen, cursor });
      }
    },
    progress(item) {
      const told = new Set<Subscriber>();
      for (const { subscriber, scope } of all.values()) {
        const wants = scope.kind === 'all' || (scope.kind === 'run' && scope.run === item.run) || (scope.kind === 'repo' && state.runs.get(item.run)?.repo === scope.repo);
        if (wants && !told.has(subscriber)) subscriber.notify('attempt/progress', { items: [item] });
        told.add(subscriber);
      }
    },
  };
}

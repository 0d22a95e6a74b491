/**
 * The state of one scope, folded here from the same events with the same `evolve` as in the daemon. For every client.
 *
 * 1. Every commit is folded once: what came with a snapshot, or was seen before, is passed over by its seq.
 * 2. It outlives connections: attached to another one, it asks for what it missed, or takes a snapshot.
 */
import { SignalboxError } from '../protocol/errors.ts';
import type { EventScope, Notifications } from '../protocol/methods.ts';
import type { Progress, SubscribeResult } from '../protocol/views.ts';
import { emptyState, evolve, type Recorded, type State } from '../state/evolve.ts';
import { fromJson } from '../state/serialize.ts';
import type { Client } from './client.ts';

/** What a replica needs of a connection. */
export interface Attachable {
  client: Pick<Client, 'call' | 'on'>;
  close(): void;
}

export interface Replica {
  readonly scope: EventScope;
  state(): State;
  /** The newest word of each attempt that has not ended. */
  progress: Map<string, Progress>;
  /** Subscribes over a connection, with the last cursor if there is one; resolves when the state is up to date. */
  attach(connection: Attachable): Promise<void>;
  /** Lets go of the connection; the state and the cursor stay. */
  detach(): void;
}

/** A replica that knows nothing yet; `onChange` is called after each change. */
export function createReplica(scope: EventScope, onChange: () => void): Replica {
  let state = emptyState();
  let cursor: string | undefined;
  let release = (): void => {};
  const progress = new Map<string, Progress>();

  const fold = (commits: readonly Recorded[], next: string): void => {
    for (const commit of commits) {
      if (commit.seq <= state.seq) continue;
      evolve(state, commit);
      for (const event of commit.events) if (event.type === 'attempt.ended') progress.delete(event.attempt ?? '');
    }
    cursor = next;
    onChange();
  };

  const attach = async (connection: Attachable): Promise<void> => {
    release();
    let subscription: string | undefined;
    // Commits may arrive before the answer that names their subscription.
    let early: Notifications['events/recorded'][] = [];
    const { client } = connection;
    const listening = [
      client.on('events/recorded', (news) => {
        if (subscription === undefined) early.push(news);
        else if (news.subscription === subscription) fold(news.commits, news.cursor);
      }),
      client.on('attempt/progress', ({ items }) => {
        for (const item of items) if (state.active.has(item.attempt)) progress.set(item.attempt, item);
        onChange();
      }),
      client.on('events/lost', (news) => {
        if (news.subscription === subscription) attach(connection).catch(() => connection.close());
      }),
    ];
    release = () => {
      for (const off of listening) off();
      release = () => {};
      if (subscription !== undefined) client.call('events/unsubscribe', { subscription }).catch(() => {});
    };
    const answer = await subscribe(client, scope, cursor);
    if (answer.snapshot) state = fromJson(answer.snapshot);
    subscription = answer.subscription;
    fold(answer.commits ?? [], answer.cursor);
    for (const news of early) if (news.subscription === subscription) fold(news.commits, news.cursor);
    early = [];
  };
  return { scope, state: () => state, progress, attach, detach: () => release() };
}

async function subscribe(client: Attachable['client'], scope: EventScope, cursor: string | undefined): Promise<SubscribeResult> {
  if (cursor === undefined) return client.call('events/subscribe', { scope });
  try {
    return await client.call('events/subscribe', { scope, cursor });
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'cursor_unknown') return client.call('events/subscribe', { scope });
    throw error;
  }
}

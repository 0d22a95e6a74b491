/**
 * The state of one scope, folded here from the same events with the same `evolve` as in the daemon.
 *
 * 1. Every commit is folded once: what came with a snapshot, or was seen before, is passed over by its seq.
 * 2. It outlives connections: attached to another one, it asks for what it missed, or takes a snapshot.
 */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { EventScope, Notifications } from '../../shared/protocol/methods.ts';
import type { Progress } from '../../shared/protocol/views.ts';
import { emptyState, evolve, type Recorded, type State } from '../../shared/state/evolve.ts';
import { fromJson } from '../../shared/state/serialize.ts';
import type { Connection } from './connect/connection.ts';

export interface Replica {
  state(): State;
  /** The newest word of each attempt. */
  progress: Map<string, Progress>;
  /** Subscribes over a connection, with the last cursor if there is one; resolves when the state is up to date. */
  attach(connection: Connection): Promise<void>;
}

/** A replica that knows nothing yet; `onChange` is called after each change. */
export function createReplica(scope: EventScope, onChange: () => void): Replica {
  let state = emptyState();
  let cursor: string | undefined;
  const progress = new Map<string, Progress>();

  const fold = (commits: readonly Recorded[], next: string): void => {
    for (const commit of commits) if (commit.seq > state.seq) evolve(state, commit);
    cursor = next;
    onChange();
  };

  const attach = async (connection: Connection): Promise<void> => {
    let subscription: string | undefined;
    // Commits may arrive before the answer that names their subscription.
    let early: Notifications['events/recorded'][] = [];
    const { client } = connection;
    const stop = [
      client.on('events/recorded', (news) => {
        if (subscription === undefined) early.push(news);
        else if (news.subscription === subscription) fold(news.commits, news.cursor);
      }),
      client.on('attempt/progress', ({ items }) => {
        for (const item of items) progress.set(item.attempt, item);
        onChange();
      }),
      client.on('events/lost', (news) => {
        if (news.subscription !== subscription) return;
        for (const off of stop) off();
        attach(connection).catch(() => connection.close());
      }),
    ];
    const answer = await subscribe(connection, scope, cursor);
    if (answer.snapshot) state = fromJson(answer.snapshot);
    subscription = answer.subscription;
    fold(answer.commits ?? [], answer.cursor);
    for (const news of early) if (news.subscription === subscription) fold(news.commits, news.cursor);
    early = [];
  };
  return { state: () => state, progress, attach };
}

async function subscribe({ client }: Connection, scope: EventScope, cursor: string | undefined) {
  if (cursor === undefined) return client.call('events/subscribe', { scope });
  try {
    return await client.call('events/subscribe', { scope, cursor });
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'cursor_unknown') return client.call('events/subscribe', { scope });
    throw error;
  }
}

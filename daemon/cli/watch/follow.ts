/**
 * Keeps a replica up to date for as long as somebody watches, over as many connections as it takes.
 *
 * 1. A daemon that died is started again; the replica goes on from its last cursor.
 * 2. A daemon that was stopped on purpose is not: following ends, and says so.
 * 3. A daemon that keeps dying is given up after five starts in a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../shared/client/client.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { EventScope } from '../../../shared/protocol/methods.ts';
import type { Connection } from '../../../shared/client/connect.ts';
import { type Reach, reachDaemon } from '../connect/reach.ts';
import { CliFailure } from '../failure.ts';
import { createReplica, type Replica } from '../../../shared/client/replica.ts';

const MAX_RESTARTS = 5;
const RESTARTS_WITHIN_MS = 60_000;
const STOPPING_MS = 200;

export interface Following {
  replica: Replica;
  /** The client of the connection that is open now, or was last. */
  client(): Client;
  /** Calls a method; waits for the next connection when this one ends meanwhile. Only for what may be done twice. */
  callAgain<Result>(work: (client: Client) => Promise<Result>): Promise<Result>;
  /** Resolves when the daemon was stopped on purpose, with its reason; rejects when it cannot be had back. */
  ended: Promise<string>;
  close(): void;
}

export interface FollowOptions {
  reach: Reach;
  connection: Connection;
  scope: EventScope;
  onChange: () => void;
  /** Called with a sentence when the connection was lost, and when there is another one. */
  onNotice: (sentence: string) => void;
}

/** Follows a scope; resolves when the replica is up to date for the first time. */
export async function follow(options: FollowOptions): Promise<Following> {
  const replica = createReplica(options.scope, options.onChange);
  const line: Line = { connection: options.connection, closed: false, up: Promise.resolve(), stopping: undefined };
  const attach = async (connection: Connection): Promise<void> => {
    connection.client.on('daemon/stopping', ({ reason }) => {
      line.stopping = reason;
    });
    await replica.attach(connection);
  };
  await attach(options.connection);
  const ended = keepUp(options, line, attach);
  // Whoever waits for it hears of the failure; nobody else has to.
  ended.catch(() => undefined);
  return {
    replica,
    client: () => line.connection.client,
    ended,
    async callAgain(work) {
      for (;;) {
        try {
          await line.up;
          return await work(line.connection.client);
        } catch (error) {
          if (line.closed || !(error instanceof SignalboxError) || error.code !== 'disconnected') throw error;
          await sleep(50);
        }
      }
    },
    close() {
      line.closed = true;
      line.connection.close();
    },
  };
}

interface Line {
  connection: Connection;
  closed: boolean;
  /** Resolves when there is a connection. */
  up: Promise<void>;
  stopping: string | undefined;
}

async function keepUp(
  { reach, onNotice, onChange }: FollowOptions,
  line: Line,
  attach: (connection: Connection) => Promise<void>,
): Promise<string> {
  const starts: number[] = [];
  for (;;) {
    await line.connection.ended;
    if (line.closed) return '';
    // The notice and the end of the connection may come in one turn.
    if (line.stopping === undefined) await sleep(STOPPING_MS);
    if (line.stopping !== undefined) return line.stopping;
    const now = Date.now();
    starts.push(now);
    if (starts.filter((at) => now - at < RESTARTS_WITHIN_MS).length > MAX_RESTARTS) {
      throw new CliFailure('The daemon keeps ending.', {
        code: 'daemon_unstable',
        hint: 'Its log, daemon.log in the state folder, says why. What is recorded is on disk.',
      });
    }
    onNotice('The connection to the daemon was lost; connecting again.');
    line.up = reconnect(reach, line, attach);
    await line.up;
    if (line.closed) return '';
    onNotice('Connected again; the run goes on.');
    onChange();
  }
}

async function reconnect(reach: Reach, line: Line, attach: (connection: Connection) => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { connection } = await reachDaemon(reach);
    if (line.closed) {
      connection.close();
      return;
    }
    try {
      await attach(connection);
      line.connection = connection;
      return;
    } catch (error) {
      connection.close();
      if (!(error instanceof SignalboxError) || error.code !== 'disconnected' || tries >= MAX_RESTARTS) throw error;
    }
  }
}

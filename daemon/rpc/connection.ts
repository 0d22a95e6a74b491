// What a handler sees of the client that it answers. Types only; session.ts makes them.
import type { MethodName, NotificationName, Notifications, ResultOf, ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { Scope } from '../../shared/protocol/scopes.ts';

/** Who a connection speaks for; `expiresAt` in milliseconds since 1970, absent for the user's own token. */
export interface Principal {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: number;
}

/** One client that has said hello. */
export interface Connection {
  readonly id: string;
  readonly principal: Principal;
  /** The version of the wire that hello agreed on. */
  readonly protocol: number;
  /** The client's end of the socket. */
  readonly peer: { readonly address: string; readonly port: number };
  /** Queues a notification; those of one turn of the event loop leave in one frame. Does nothing after the end. */
  notify<N extends NotificationName>(name: N, params: Notifications[N]): void;
  /** The same with parameters that are JSON already. False, and nothing queued, while so much is unread that more would only take memory. */
  offer<N extends NotificationName>(name: N, params: string): boolean;
  /** Calls back once when the connection has ended (at once when it has already). */
  onClose(listener: () => void): void;
}

/** Answers one method; throws SignalboxError for a refusal, anything else is a bug. */
export type Handler<M extends MethodName> = (params: ValidParamsOf<M>, connection: Connection) => Promise<ResultOf<M>> | ResultOf<M>;

/** A handler for every method of the wire. */
export type Handlers = { readonly [M in MethodName]: Handler<M> };

/** Takes one line for the daemon's own log: a stable event name and facts, which never hold a token. */
export type Log = (event: string, facts: Readonly<Record<string, unknown>>) => void;

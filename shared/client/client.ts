/**
 * The one RPC client, for the CLI, the extension and tests. The socket is passed in.
 *
 * 1. Requests made in one turn of the event loop leave in one frame (a JSON-RPC batch).
 * 2. Every request ends: with a result, a SignalboxError, a timeout, or the end of the connection.
 * 3. What arrives is checked for its envelope only; the daemon is ours, but its frames are bounded by the socket.
 */
import { JSONRPCClient, type JSONRPCRequest, type JSONRPCResponse } from 'json-rpc-2.0';
import { SignalboxError } from '../protocol/errors.ts';
import type { MethodName, NotificationName, Notifications, ParamsOf, ResultOf } from '../protocol/methods.ts';
import { LIMITS } from '../protocol/version.ts';

/** The part of a WebSocket that the client needs. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

export type Listener<N extends NotificationName> = (params: Notifications[N]) => void;

export interface Client {
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options?: { timeoutMs?: number }): Promise<ResultOf<M>>;
  on<N extends NotificationName>(name: N, listener: Listener<N>): () => void;
  /** Give every text frame that arrives to this. */
  receive(text: string): void;
  /** Call when the socket has closed; ends all that waits. */
  closed(reason: string): void;
  close(): void;
}

interface ErrorLike {
  code?: number;
  message?: string;
  data?: { code?: string } & Record<string, unknown>;
}

/** Makes a client over an open socket. Calls reject with SignalboxError: a code of the table, or `timeout`, `disconnected`, `internal`. */
export function createClient(socket: Socket, options: { timeoutMs?: number } = {}): Client {
  const listeners = new Map<string, Set<(params: never) => void>>();
  let ended: string | undefined;
  const rpc = new JSONRPCClient(collectFrames(socket));

  return {
    async call(method, params, { timeoutMs = options.timeoutMs ?? 30_000 } = {}) {
      // A closed socket takes what is sent and says nothing.
      if (ended !== undefined) throw new SignalboxError({ code: 'disconnected', message: ended });
      try {
        const timed = rpc.timeout(timeoutMs, (id) => ({
          jsonrpc: '2.0',
          id,
          error: { code: 0, message: `No answer to ${method} within ${timeoutMs} ms.`, data: { code: 'timeout' } },
        }));
        return (await timed.request(method, params)) as never;
      } catch (error) {
        throw toSignalboxError(error);
      }
    },
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
    receive(text) {
      for (const message of parseFrame(text)) {
        if ('method' in message) for (const listen of listeners.get(message.method) ?? []) listen(message.params as never);
        else rpc.receive(message);
      }
    },
    closed(reason) {
      ended = reason;
      rpc.rejectAllPendingRequests(reason);
    },
    close: () => socket.close(),
  };
}

/** Takes requests one by one and sends those of one turn together. */
function collectFrames(socket: Socket): (request: JSONRPCRequest) => void {
  let waiting: JSONRPCRequest[] = [];
  const flush = (): void => {
    const all = waiting;
    waiting = [];
    for (let i = 0; i < all.length; i += LIMITS.batch) {
      const part = all.slice(i, i + LIMITS.batch);
      socket.send(JSON.stringify(part.length === 1 ? part[0] : part));
    }
  };
  return (request) => {
    if (waiting.push(request) === 1) queueMicrotask(flush);
  };
}

type Incoming = JSONRPCResponse | { method: string; params: unknown };

function parseFrame(text: string): Incoming[] {
  const frame: unknown = JSON.parse(text);
  const messages = Array.isArray(frame) ? frame : [frame];
  return messages.filter((m): m is Incoming => typeof m === 'object' && m !== null && ('method' in m || 'id' in m));
}

function toSignalboxError(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const { code, message = String(error), data } = (error ?? {}) as ErrorLike;
  // json-rpc-2.0 ends what waits with code 0; whatever a daemon sends names a code of its own.
  if (code === undefined || (code === 0 && data?.code === undefined)) return new SignalboxError({ code: 'disconnected', message });
  const { code: name = 'internal', ...facts } = data ?? {};
  return new SignalboxError({ code: name, message, facts });
}

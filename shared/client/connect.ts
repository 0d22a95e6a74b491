/** The way to a daemon for everybody who runs on Node: the CLI, the extension, workers and tests. */
import { WebSocket } from 'ws';
import type { Endpoint } from '../protocol/endpoint.ts';
import { SignalboxError } from '../protocol/errors.ts';
import { PROGRAM_VERSION, PROTOCOL } from '../protocol/version.ts';
import type { HelloResult } from '../protocol/views.ts';
import { type Client, createClient } from './client.ts';

/** An open, greeted connection to the daemon. */
export interface Connection<At = Endpoint> {
  client: Client;
  hello: HelloResult;
  endpoint: At;
  /** Resolves with the reason when the connection has ended, however; never rejects. */
  ended: Promise<string>;
  close(): void;
}

/** Who connects; `token` instead of the endpoint's, for a worker or another principal. Times in milliseconds. */
export interface ConnectOptions {
  name: string;
  version?: string;
  token?: string;
  timeoutMs?: number;
}

type Place = Pick<Endpoint, 'host' | 'port' | 'token'>;

/** A snapshot of many tasks is one frame. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const CLOSE_MS = 500;
const REFUSED: Readonly<Record<number, string>> = { 401: 'unauthorized', 403: 'unauthorized', 503: 'too_many' };

/** Connects and says hello; rejects with SignalboxError (`unauthorized`, `too_many`, `protocol_mismatch`, `disconnected`, `timeout`). */
export async function openConnection<At extends Place>(endpoint: At, options: ConnectOptions): Promise<Connection<At>> {
  const { name, version = PROGRAM_VERSION, token = endpoint.token, timeoutMs = 5_000 } = options;
  const socket = new WebSocket(`ws://${endpoint.host}:${endpoint.port}/`, {
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const client = createClient({ send: (text) => socket.send(text, () => undefined), close: () => closeSoon(socket) });
  const ended = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => {
      const why = `closed with ${[code, reason.toString('utf8')].filter(Boolean).join(', ')}`;
      client.closed(why);
      resolve(why);
    });
  });
  socket.on('message', (data, isBinary) => {
    try {
      if (!isBinary && Buffer.isBuffer(data)) client.receive(data.toString('utf8'));
    } catch {
      // A frame that is not JSON cannot come from our daemon; there is nothing to salvage on this connection.
      socket.terminate();
    }
  });
  await opened(socket);
  try {
    const hello = await client.call('daemon/hello', { protocol: { ...PROTOCOL }, client: { name, version } }, { timeoutMs });
    return { client, hello, endpoint, ended, close: () => client.close() };
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (_request, response) => {
      socket.terminate();
      const code = REFUSED[response.statusCode ?? 0] ?? 'disconnected';
      reject(new SignalboxError({ code, message: `The daemon answered the connection with ${response.statusCode}.` }));
    });
    socket.on('error', (error) => {
      socket.terminate();
      reject(new SignalboxError({ code: 'disconnected', message: `The daemon cannot be reached: ${error.message}` }));
    });
  });
}

/** A daemon that does not answer the closing handshake must keep neither a command nor a window from ending. */
function closeSoon(socket: WebSocket): void {
  socket.close();
  setTimeout(() => socket.terminate(), CLOSE_MS).unref();
}

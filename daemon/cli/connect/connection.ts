import { WebSocket } from 'ws';
import { type Client, createClient } from '../../../shared/client/client.ts';
import type { Endpoint } from '../../../shared/protocol/endpoint.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { PROGRAM_VERSION, PROTOCOL } from '../../../shared/protocol/version.ts';
import type { HelloResult } from '../../../shared/protocol/views.ts';

/** An open, greeted connection to the daemon. */
export interface Connection {
  client: Client;
  hello: HelloResult;
  endpoint: Endpoint;
  /** Resolves with the reason when the connection has ended, however. */
  ended: Promise<string>;
  close(): void;
}

const MAX_FRAME_BYTES = 32 * 1024 * 1024;

/** Connects and says hello; rejects with SignalboxError (`unauthorized`, `protocol_mismatch`, `disconnected`, `timeout`). */
export async function openConnection(
  endpoint: Endpoint,
  { token = endpoint.token, timeoutMs = 5_000 }: { token?: string; timeoutMs?: number } = {},
): Promise<Connection> {
  const socket = new WebSocket(`ws://127.0.0.1:${endpoint.port}/`, {
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  await opened(socket);
  const client = createClient({ send: (text) => socket.send(text), close: () => socket.close() });
  const ended = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => {
      const why = reason.toString('utf8') || `closed with code ${code}`;
      client.closed(why);
      resolve(why);
    });
  });
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    if (isBinary) return;
    try {
      client.receive((data as Buffer).toString('utf8'));
    } catch {
      // A frame that is not JSON cannot come from our daemon; there is nothing to salvage on this connection.
      socket.terminate();
    }
  });
  try {
    const hello = await client.call(
      'daemon/hello',
      { protocol: { ...PROTOCOL }, client: { name: 'signalbox-cli', version: PROGRAM_VERSION } },
      { timeoutMs },
    );
    return { client, hello, endpoint, ended, close: () => closeSoon(socket) };
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
      const refused = response.statusCode === 401 || response.statusCode === 403;
      reject(
        new SignalboxError({
          code: refused ? 'unauthorized' : 'disconnected',
          message: `The daemon answered the connection with ${response.statusCode}.`,
        }),
      );
    });
    socket.once('error', (error) =>
      reject(new SignalboxError({ code: 'disconnected', message: `The daemon cannot be reached: ${error.message}` })),
    );
  });
}

// A daemon that does not answer the closing handshake must not keep a command from ending.
function closeSoon(socket: WebSocket): void {
  socket.close();
  setTimeout(() => socket.terminate(), 500).unref();
}

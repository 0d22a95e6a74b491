import { WebSocket } from 'ws';
import { type Client, createClient } from '../../shared/client/client.ts';
import type { Endpoint } from '../../shared/protocol/endpoint.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { PROGRAM_VERSION, PROTOCOL } from '../../shared/protocol/version.ts';
import type { HelloResult } from '../../shared/protocol/views.ts';

/** An open, greeted connection to the daemon. */
export interface Connection {
  client: Client;
  hello: HelloResult;
  endpoint: Endpoint;
  /** Resolves with the reason when the connection has ended, however. */
  ended: Promise<string>;
  close(): void;
}

/** A snapshot of many tasks is one frame. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const HANDSHAKE_MS = 5_000;
const CLOSE_MS = 500;

/** Connects and says hello; rejects with SignalboxError (`unauthorized`, `protocol_mismatch`, `disconnected`, `timeout`). */
export async function openConnection(endpoint: Endpoint): Promise<Connection> {
  const socket = new WebSocket(`ws://${endpoint.host}:${endpoint.port}/`, {
    headers: { authorization: `Bearer ${endpoint.token}` },
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const client = createClient({ send: (text) => socket.send(text), close: () => socket.close() });
  const ended = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => {
      const why = reason.toString('utf8') || `closed with code ${code}`;
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
    const hello = await client.call(
      'daemon/hello',
      { protocol: { ...PROTOCOL }, client: { name: 'signalbox-vscode', version: PROGRAM_VERSION } },
      { timeoutMs: HANDSHAKE_MS },
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
    socket.on('error', (error) => {
      socket.terminate();
      reject(new SignalboxError({ code: 'disconnected', message: `The daemon cannot be reached: ${error.message}` }));
    });
  });
}

// A daemon that does not answer the closing handshake must not keep the window from closing.
function closeSoon(socket: WebSocket): void {
  socket.close();
  setTimeout(() => socket.terminate(), CLOSE_MS).unref();
}

// The way to a daemon for node programs: ws and the shared client. Also for the CLI, tests and the bench.
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type Client, createClient } from '../../shared/client/client.ts';
import type { Endpoint } from '../../shared/protocol/endpoint.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { PROTOCOL } from '../../shared/protocol/version.ts';
import type { HelloResult } from '../../shared/protocol/views.ts';

/** Who connects; `token` instead of the endpoint's, for a worker or another principal. */
export interface ConnectOptions {
  readonly name: string;
  readonly version: string;
  readonly token?: string;
}

/** A client that has said hello; `ended` resolves with a sentence when the connection is over, and never rejects. */
export type Connected = Client & { readonly hello: HelloResult; readonly ended: Promise<string> };

const HANDSHAKE_MS = 10_000;
const CLOSE_MS = 2_000;
/** A snapshot of many tasks is one frame. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const REFUSED: Readonly<Record<number, string>> = { 401: 'unauthorized', 403: 'forbidden', 503: 'too_many' };

/** Connects and says hello; throws SignalboxError: `disconnected`, `unauthorized`, `forbidden`, `too_many`, `protocol_mismatch`, `timeout`. */
export async function connectTo(endpoint: Pick<Endpoint, 'host' | 'port' | 'token'>, options: ConnectOptions): Promise<Connected> {
  // A constant, as the types of ws do not know closeTimeout yet.
  const settings = {
    headers: { authorization: `Bearer ${options.token ?? endpoint.token}` },
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    closeTimeout: CLOSE_MS,
  };
  const ws = new WebSocket(`ws://${endpoint.host}:${endpoint.port}/`, settings);
  const client = createClient({ send: (text) => ws.send(text, () => {}), close: () => ws.close(1000) });
  ws.on('message', (data: Buffer) => {
    try {
      client.receive(data.toString('utf8'));
    } catch {
      // What cannot be read is not our daemon; its 'close' ends all that waits.
      ws.terminate();
    }
  });
  const ended = new Promise<string>((resolve) => {
    ws.on('close', (code, reason) => {
      const text = `The connection to the daemon ended (${code}${reason.length > 0 ? `, ${String(reason)}` : ''}).`;
      client.closed(text);
      resolve(text);
    });
  });
  await opened(ws, endpoint.port);
  try {
    const hello = await client.call('daemon/hello', {
      protocol: { ...PROTOCOL },
      client: { name: options.name, version: options.version },
    });
    return { ...client, hello, ended };
  } catch (error) {
    ws.close(1000);
    throw error;
  }
}

function opened(ws: WebSocket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('unexpected-response', (_request, response: IncomingMessage) => {
      const code = REFUSED[response.statusCode ?? 0] ?? 'disconnected';
      response.resume();
      reject(
        new SignalboxError({
          code,
          message: `The daemon at port ${port} refused the connection (HTTP ${response.statusCode}).`,
          facts: { port, status: response.statusCode },
        }),
      );
      ws.terminate();
    });
    ws.on('error', (error) =>
      reject(new SignalboxError({ code: 'disconnected', message: `Nobody answers at port ${port}: ${error.message}.`, facts: { port } })),
    );
  });
}

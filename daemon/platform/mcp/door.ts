/**
 * The door through which one attempt calls back: MCP over HTTP at `/mcp`, and on a pipe for agents that only start programs.
 *
 * 1. Whoever comes has the attempt's token, names a loopback host, and is no web page.
 * 2. It closes with the attempt: the token then opens nothing, and what is under way ends.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import type { AgentCall, CallAnswer } from '../../../shared/protocol/agent-tools.ts';
import type { LocalDoor } from '../sandbox/relay.ts';
import type { createToolServer, ToolServer } from './server.ts';

/** The bundle with the server, as it is loaded. */
export type ToolServerModule = { createToolServer: typeof createToolServer };

export interface CallDoor extends LocalDoor {
  readonly token: string;
  close(): void;
}

/** Where a door is reached, and what ends that. */
export interface Listening {
  readonly port: number;
  close(): void;
}

/** Requests and pipes of one attempt at once. */
const MAX_OPEN = 32;

/** Opens the door of one attempt. */
export function openCallDoor(answer: (call: AgentCall) => Promise<CallAnswer>, load: () => Promise<ToolServerModule>): CallDoor {
  const token = randomBytes(32).toString('base64url');
  let server: Promise<ToolServer> | undefined;
  let closed = false;
  const open = new Set<() => void>();
  const serving = (): Promise<ToolServer> =>
    (server ??= Promise.resolve()
      .then(load)
      .then((module) => module.createToolServer(answer)));
  const refusal = (request: IncomingMessage): Refused | undefined => {
    if (closed) return { status: 410, why: 'The attempt has ended; its token opens nothing any more.' };
    return judge(request, token) ?? (open.size >= MAX_OPEN ? { status: 429, why: `${MAX_OPEN} calls are under way already.` } : undefined);
  };
  return {
    token,
    request(request, response) {
      const refused = refusal(request);
      if (refused)
        return void response.writeHead(refused.status, { 'content-type': 'text/plain', connection: 'close' }).end(`${refused.why}\n`);
      const end = (): void => void response.destroy();
      open.add(end);
      response.once('close', () => open.delete(end));
      void serving()
        .then((ready) => pass(ready, request, response))
        .catch((error: unknown) => giveUp(response, error));
    },
    upgrade(request, socket, head) {
      const refused = refusal(request);
      if (refused) return void socket.end(`HTTP/1.1 ${refused.status} Refused\r\nConnection: close\r\n\r\n${refused.why}\n`);
      const end = (): void => void socket.destroy();
      open.add(end);
      socket.once('close', () => open.delete(end));
      socket.on('error', end);
      void serving()
        .then((ready) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: signalbox-mcp\r\n\r\n');
          if (head.length > 0) socket.unshift(head);
          ready.serve(socket, socket);
        })
        .catch(end);
    },
    close() {
      closed = true;
      for (const end of open) end();
      void server?.then((ready) => ready.close()).catch(() => undefined);
    },
  };
}

interface Refused {
  status: number;
  why: string;
}

function giveUp(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { 'content-type': 'text/plain' }).end(`The tools could not be served: ${String(error)}\n`);
}

function judge({ url, headers }: IncomingMessage, token: string): Refused | undefined {
  if (url !== '/mcp') return { status: 404, why: 'There is only /mcp here.' };
  if (headers.origin !== undefined) return { status: 403, why: 'Web pages do not come in here.' };
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(headers.host ?? ''))
    return { status: 403, why: 'That is not a host of this door.' };
  const [, given = ''] = /^Bearer (.{1,200})$/.exec(headers.authorization ?? '') ?? [];
  if (!timingSafeEqual(digestOf(given), digestOf(token))) return { status: 401, why: 'The token is missing or wrong.' };
  return undefined;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function pass(server: ToolServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  const { method = 'GET' } = request;
  const body = method === 'GET' || method === 'HEAD' ? {} : { body: Readable.toWeb(request), duplex: 'half' as const };
  const answer = await server.fetch(new Request('http://127.0.0.1/mcp', { method, headers, signal: gone.signal, ...body }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) return void response.end();
  const stream = Readable.fromWeb(answer.body);
  stream.on('error', () => response.destroy());
  response.once('close', () => stream.destroy());
  stream.pipe(response);
}

/** Listens on a loopback port for an attempt that is in no sandbox. */
export async function listenOnLoopback(door: LocalDoor): Promise<Listening> {
  const server = createServer((request, response) => door.request(request, response));
  const sockets = new Set<Duplex>();
  server.maxConnections = 2 * MAX_OPEN;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => door.upgrade(request, socket, head));
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

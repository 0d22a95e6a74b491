// The daemon's door: an HTTP server on loopback that opens WebSockets, and takes deliveries of webhooks (hooks.ts).
// 1. It binds 127.0.0.1 and nothing else; who may open a WebSocket is decided by admission.ts before one byte of it is read.
// 2. Everything is bounded: sockets, connections, headers, the time for a handshake and for hello, frames, and what waits on both ways.
// 3. One connection cannot keep the others waiting: frames are read in turns.
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { NotificationName, Notifications } from '../../shared/protocol/methods.ts';
import { LIMITS } from '../../shared/protocol/version.ts';
import { admit } from './admission.ts';
import type { Handlers, Log, Principal } from './connection.ts';
import { createDispatch } from './dispatch.ts';
import { createHookDoor, type ReceiveHook } from './hooks.ts';
import { Session } from './session.ts';
import { createTurns } from './turns.ts';

/** How to start the server. Times in milliseconds. */
export interface ServerOptions {
  readonly handlers: Handlers;
  /** Who a token speaks for; see principals.ts. */
  readonly authenticate: (token: string, now: number) => Principal | undefined;
  readonly log: Log;
  /** Makes ids of connections and incidents. */
  readonly newId: () => string;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Takes deliveries of webhooks; absent: there are none. */
  readonly receiveHook?: ReceiveHook;
  /** Default 0: any free port. */
  readonly port?: number;
  readonly timing?: Partial<Timing>;
}

/** A server that listens. */
export interface RpcServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** How many clients are connected. */
  connections(): number;
  /** Notifies every client that has said hello. */
  broadcast<N extends NotificationName>(name: N, params: Notifications[N]): void;
  /** Takes no more connections and calls, tells the clients, lets the calls in flight end within `graceMs` (default 1,000), and closes. */
  close(reason: string, graceMs?: number): Promise<void>;
}

const HOST = '127.0.0.1';

interface Timing {
  readonly handshakeMs: number;
  readonly helloMs: number;
  readonly pingMs: number;
  readonly closeMs: number;
  readonly turnMs: number;
}
const TIMING: Timing = { handshakeMs: 10_000, helloMs: 10_000, pingMs: 30_000, closeMs: 1_000, turnMs: 4 };
/** Sockets beyond this are dropped by the system's accept: connections, and handshakes that did not end yet. */
const MAX_SOCKETS = LIMITS.connections * 4;

/** Listens on 127.0.0.1; rejects when the port is taken. */
export async function startServer(options: ServerOptions): Promise<RpcServer> {
  const timing = { ...TIMING, ...options.timing };
  const sessions = new Set<Session>();
  const door = { port: 0 };
  const { receiveHook, now } = options;
  const hooks = receiveHook && createHookDoor(receiveHook, { port: () => door.port, now });
  const http = createHttpServer(timing.handshakeMs, hooks);
  const { port } = await listen(http, options.port ?? 0);
  door.port = port;
  acceptUpgrades(http, port, sessions, { ...options, timing });
  const heart = setInterval(() => {
    for (const session of sessions) session.beat();
  }, timing.pingMs).unref();
  const broadcast: RpcServer['broadcast'] = (name, params) => {
    for (const { protocol, connection } of sessions) if (protocol !== undefined) connection.notify(name, params);
  };

  return {
    host: HOST,
    port,
    connections: () => sessions.size,
    broadcast,
    async close(reason, graceMs = 1_000) {
      const closed = new Promise((resolve) => http.close(resolve));
      broadcast('daemon/stopping', { reason });
      for (const session of sessions) session.stopping = true;
      const settled = Promise.all([...sessions].map((session) => session.settle()));
      await Promise.race([settled, delay(graceMs, undefined, { ref: false })]);
      const left = [...sessions].map((session) => new Promise<void>((resolve) => session.connection.onClose(resolve)));
      for (const session of sessions) session.end(1001, 'The daemon is stopping');
      await Promise.all(left);
      clearInterval(heart);
      http.closeAllConnections();
      await closed;
    },
  };
}

function createHttpServer(handshakeMs: number, hooks: ReturnType<typeof createHookDoor> | undefined): Server {
  const limits = {
    headersTimeout: handshakeMs,
    requestTimeout: handshakeMs,
    connectionsCheckingInterval: Math.min(1_000, handshakeMs),
    maxHeaderSize: 8_192,
  };
  const http = createServer(limits, (request, response) => {
    if (hooks?.(request, response)) return;
    const there = request.url === '/';
    const text = there ? 'The daemon speaks JSON-RPC over a WebSocket. Use the signalbox command.\n' : 'There is nothing here.\n';
    response.writeHead(there ? 426 : 404, {
      'Content-Type': 'text/plain; charset=utf-8',
      Connection: there ? 'close, Upgrade' : 'close',
      ...(there ? { Upgrade: 'websocket' } : {}),
    });
    response.end(text);
  });
  // headersTimeout does not count for a socket on which nothing ever came.
  http.setTimeout(handshakeMs, (socket) => socket.destroy());
  http.maxConnections = MAX_SOCKETS;
  return http;
}

function listen(http: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host: HOST, port }, () => {
      http.off('error', reject);
      resolve(http.address() as AddressInfo);
    });
  });
}

function acceptUpgrades(http: Server, port: number, sessions: Set<Session>, options: ServerOptions & { timing: Timing }): void {
  const { authenticate, log, newId, now, timing } = options;
  const dispatch = createDispatch(options);
  const turns = createTurns({ budgetMs: timing.turnMs, now: () => performance.now() });
  // A constant, as the types of ws do not know closeTimeout yet.
  const settings = {
    noServer: true,
    clientTracking: false,
    maxPayload: LIMITS.frameBytes,
    perMessageDeflate: false,
    closeTimeout: timing.closeMs,
  };
  const wss = new WebSocketServer(settings);

  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const verdict = admit(request, {
      port,
      full: sessions.size >= LIMITS.connections,
      authenticate: (token) => authenticate(token, now()),
    });
    if (verdict.kind === 'refused') {
      log('rpc.refused', { status: verdict.status, text: verdict.text });
      return refuseUpgrade(socket, verdict.status, verdict.text);
    }
    const { principal } = verdict;
    const peer = { address: request.socket.remoteAddress ?? '', port: request.socket.remotePort ?? 0 };
    wss.handleUpgrade(request, socket, head, (ws) => {
      const ttlMs = principal.expiresAt === undefined ? undefined : Math.max(0, principal.expiresAt - now());
      const session = new Session({ id: newId(), ws, socket, principal, peer, dispatch, turns, log, helloMs: timing.helloMs, ttlMs });
      sessions.add(session);
      session.connection.onClose(() => sessions.delete(session));
    });
  });
}

function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  const body = `${text}\n`;
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

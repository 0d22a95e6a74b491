// A real server with small handlers, and raw sockets that may send what no client of ours would.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { type Connected, connectTo } from '../../daemon/rpc/connect.ts';
import type { Connection, Handlers, Log } from '../../daemon/rpc/connection.ts';
import { answerHello } from '../../daemon/rpc/hello.ts';
import { createPrincipals, type Principals } from '../../daemon/rpc/principals.ts';
import { type RpcServer, type ServerOptions, startServer } from '../../daemon/rpc/server.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { type MethodName, METHODS } from '../../shared/protocol/methods.ts';

/** Where a server is, for connectTo. */
export interface TestEndpoint {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly token: string;
}

export interface TestServer {
  readonly server: RpcServer;
  readonly principals: Principals;
  readonly endpoint: TestEndpoint;
  /** What the server logged. */
  readonly logged: { event: string; facts: Readonly<Record<string, unknown>> }[];
  /** The server's side of the connections that said hello. */
  readonly connections: Connection[];
}

const MEGABYTE = 'x'.repeat(1024 * 1024);

/** Handlers that answer without a daemon behind them; every method that is not given refuses with `not_found`. */
export function makeHandlers(given: Partial<Handlers> = {}): Handlers {
  const none = (): never => {
    throw new SignalboxError({ code: 'not_found', message: 'There is nothing with that id.' });
  };
  const all = Object.fromEntries((Object.keys(METHODS) as MethodName[]).map((name) => [name, none])) as unknown as Handlers;
  return {
    ...all,
    'daemon/hello': (_params, connection) => answerHello({ version: '0.0.0', epoch: 'e', pid: process.pid }, connection),
    'task/list': () => ({ tasks: [] }),
    'artifact/read': () => ({ text: MEGABYTE, next: MEGABYTE.length, size: MEGABYTE.length, mediaType: 'text/plain' }),
    ...given,
  };
}

/** Starts a server in this process. */
export async function startTestServer({
  handlers = {},
  ...rest
}: Partial<Omit<ServerOptions, 'handlers'>> & { handlers?: Partial<Handlers> } = {}): Promise<TestServer> {
  const logged: TestServer['logged'] = [];
  const connections: Connection[] = [];
  const principals = createPrincipals({ now: Date.now });
  const log: Log = (event, facts) => void logged.push({ event, facts });
  let ids = 0;
  const base = makeHandlers(handlers);
  const server = await startServer({
    handlers: {
      ...base,
      'daemon/hello': (params, connection) => {
        connections.push(connection);
        return base['daemon/hello'](params, connection);
      },
    },
    authenticate: principals.authenticate,
    log,
    newId: () => `id-${(ids += 1)}`,
    now: Date.now,
    ...rest,
  });
  return { server, principals, logged, connections, endpoint: { host: server.host, port: server.port, token: principals.userToken } };
}

/** A server in a process of its own, so that its memory can be told from the attacker's. */
export interface ServerProcess {
  readonly endpoint: TestEndpoint;
  /** Errors that nobody caught in that process; must stay empty. */
  readonly faults: string[];
  stop(): Promise<void>;
}

/** Starts test/daemon/rpc/server-process.ts; `heapMb` bounds its JavaScript heap, beyond which it dies. */
export async function startServerProcess({ heapMb = 160 } = {}): Promise<ServerProcess> {
  const program = fileURLToPath(new URL('../daemon/rpc/server-process.ts', import.meta.url));
  const child = fork(program, {
    execArgv: ['--import=tsx', `--max-old-space-size=${heapMb}`],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const faults: string[] = [];
  const endpoint = await new Promise<TestEndpoint>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The server process ended with ${code}`)));
    child.on('message', (message: { endpoint?: TestEndpoint; fault?: string }) => {
      if (message.endpoint) resolve(message.endpoint);
      if (message.fault !== undefined) faults.push(message.fault);
    });
  });
  child.on('exit', (code, signal) => {
    if (signal !== 'SIGTERM') faults.push(`ended with ${code ?? signal}`);
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  return { endpoint, faults, stop };
}

/** Connects as our own client does. */
export function connectTest(endpoint: TestEndpoint, token?: string): Promise<Connected> {
  return connectTo(endpoint, { name: 'test', version: '0.0.0', ...(token === undefined ? {} : { token }) });
}

/** A WebSocket that keeps what arrives. */
export interface RawSocket {
  readonly ws: WebSocket;
  readonly frames: string[];
  /** The close code and reason. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Sends a text (a value is written as JSON) and waits for the next frame. */
  ask(message: unknown): Promise<unknown>;
  /** Waits until this many frames have arrived in all. */
  untilFrames(count: number): Promise<void>;
}

/** Opens a WebSocket with headers of choice; rejects with the HTTP status as `status` when it is refused. */
export async function openRaw({ port, token }: { port: number; token?: string }, headers: Record<string, string> = {}): Promise<RawSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, {
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    perMessageDeflate: false,
  });
  const frames: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const listener of waiting) listener();
  };
  ws.on('message', (data: Buffer) => {
    frames.push(data.toString('utf8'));
    wake();
  });
  let isClosed = false;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => {
      isClosed = true;
      resolve({ code, reason: String(reason) });
      wake();
    });
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.on('error', reject);
    ws.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        ws.terminate();
        reject(Object.assign(new Error(text), { status: response.statusCode }));
      });
    });
  });
  const untilFrames = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (frames.length < count && !isClosed) return;
        waiting.delete(check);
        if (frames.length >= count) resolve();
        else reject(new Error(`Closed after ${frames.length} frames of ${count}`));
      };
      waiting.add(check);
      check();
    });
  const ask = async (message: unknown): Promise<unknown> => {
    const next = frames.length + 1;
    ws.send(typeof message === 'string' ? message : JSON.stringify(message));
    await untilFrames(next);
    return JSON.parse(frames[next - 1] ?? '');
  };
  return { ws, frames, closed, ask, untilFrames };
}

/** The hello of a raw socket. */
export function helloRequest(id: string | number = 'hello'): Record<string, unknown> {
  return { jsonrpc: '2.0', id, method: 'daemon/hello', params: { protocol: { min: 1, max: 1 }, client: { name: 'raw', version: '0' } } };
}

/** Opens a raw socket and says hello. */
export async function openGreeted(endpoint: { port: number; token: string }): Promise<RawSocket> {
  const raw = await openRaw(endpoint);
  await raw.ask(helloRequest());
  return raw;
}

/** A TCP connection to the server, and everything that it answers until it is closed. */
export function openTcp(port: number): { socket: Socket; closed: Promise<string> } {
  const socket = connectTcp(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, closed };
}

/**
 * What the way over the wire costs without a daemon behind it: 100 calls in flight between two processes, answered by a bare ws
 * server, by one that also reads and writes JSON, and by our server with json-rpc-2.0, zod and all its checks. What a task of the
 * daemon costs more than that is its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';
import { connectTo } from '../../daemon/rpc/connect.ts';
import { startTestServer } from '../support/rpc.ts';
import { round, times, type Bench, type Line, type Row } from './row.ts';

const CALLS = 40_000;
const IN_FLIGHT = 100;
const KINDS = ['ws', 'json', 'rpc'] as const;
type Kind = (typeof KINDS)[number];

const NAMES: Readonly<Record<Kind, string>> = {
  ws: 'bare ws, one message a frame',
  json: 'ws, JSON read and written at both ends',
  rpc: 'our server and client: ws, json-rpc-2.0, zod, bounds',
};

interface Place {
  port: number;
  token: string;
}

async function serve(kind: Kind): Promise<Place> {
  if (kind === 'rpc') {
    const { endpoint } = await startTestServer({ handlers: { 'task/submit': ({ id }) => ({ task: id, existing: false }) } });
    return endpoint;
  }
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      if (kind === 'ws') return socket.send(data, { binary: false });
      const { id, params } = JSON.parse(data.toString('utf8')) as { id: number; params: { id: string } };
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: { task: params.id, existing: false } }));
    }),
  );
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, token: '' };
}

const paramsOf = (n: number) => ({ id: `wire-${n}`, agent: 'bench', action: 'noop', payload: { n, sentAt: Date.now() } });

/** Keeps so many calls in flight until all are answered; milliseconds. */
async function callAll(call: (n: number) => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  let made = 0;
  const one = async (): Promise<void> => {
    while (made < CALLS) await call(made++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return performance.now() - begin;
}

async function callOverRpc({ port, token }: Place): Promise<number> {
  const client = await connectTo({ host: '127.0.0.1', port, token }, { name: 'bench', version: '0' });
  const ms = await callAll((n) => client.call('task/submit', paramsOf(n)));
  client.close();
  return ms;
}

async function callOverSocket({ port }: Place, kind: Kind): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  const waiting = new Map<number, () => void>();
  let next = 0;
  socket.on('message', (data: Buffer) => {
    // The bare kind answers in order.
    const id = kind === 'ws' ? next++ : (JSON.parse(data.toString('utf8')) as { id: number }).id;
    waiting.get(id)?.();
    waiting.delete(id);
  });
  const request = (n: number): string => JSON.stringify({ jsonrpc: '2.0', id: n, method: 'task/submit', params: paramsOf(n) });
  const same = request(0);
  const ms = await callAll(
    (n) =>
      new Promise<void>((resolve) => {
        waiting.set(n, resolve);
        socket.send(kind === 'ws' ? same : request(n));
      }),
  );
  socket.close();
  return ms;
}

const next = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('message', resolve));

interface Cost {
  perSecond: number;
  /** CPU of the server's process, in microseconds for each call. */
  serverUs: number;
}

async function measureOne(kind: Kind): Promise<Cost> {
  const server = fork(fileURLToPath(import.meta.url), [kind], { execArgv: ['--import=tsx'] });
  const place = (await next(server)) as Place;
  const ms = kind === 'rpc' ? await callOverRpc(place) : await callOverSocket(place, kind);
  server.send('end');
  const cpuMs = (await next(server)) as number;
  server.kill();
  return { perSecond: (CALLS / ms) * 1_000, serverUs: (cpuMs * 1_000) / CALLS };
}

async function measure({ say }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const costs: Partial<Record<Kind, Cost>> = {};
  const lines: Line[] = [];
  for (const kind of KINDS) {
    const cost = await measureOne(kind);
    costs[kind] = cost;
    const said = `${Math.round(cost.perSecond)} calls/s, ${round(cost.serverUs, 1)} us of the server's CPU a call`;
    say(`${NAMES[kind]}: ${said}`);
    lines.push({
      what: `wire, 100 in flight: ${NAMES[kind]}`,
      ours: said,
      ...(costs.ws && kind !== 'ws' ? { beside: 'bare ws', ratio: `${times(cost.serverUs / costs.ws.serverUs)} the CPU` } : {}),
    });
  }
  return { lines, figures: costs };
}

export const wireRow: Row = {
  name: 'wire',
  about: 'what ws, JSON and json-rpc-2.0 cost without a daemon behind them',
  measure,
};

// The server's process runs this file.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const place = await serve((process.argv[2] ?? 'ws') as Kind);
  const before = process.cpuUsage();
  process.send?.({ port: place.port, token: place.token } satisfies Place);
  process.once('message', () => {
    const { user, system } = process.cpuUsage(before);
    process.send?.((user + system) / 1_000);
  });
}

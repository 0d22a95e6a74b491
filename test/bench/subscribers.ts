/** What subscribers cost: the same 5,000 events a second told to 1 and to 100 of them, in one run, by the real server and subscriptions. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { connectTo } from '../../daemon/rpc/connect.ts';
import { createSubscriptions } from '../../daemon/coordinator/subscriptions.ts';
import { startTestServer } from '../support/rpc.ts';
import type { Commit } from '../../shared/events/envelope.ts';
import { emptyState, evolve } from '../../shared/state/evolve.ts';
import { round, times, type Bench, type Line, type Row } from './row.ts';

/** Commits a second, of so many events. */
const PER_SECOND = 2_500;
const EVENTS = 2;
const SECONDS = 5;
const MANY = 100;
const TICK_MS = 10;
/** What the coordinator records at once, at most. */
const MAX_BATCH = 1_024;

/** The server's part: tells `seconds` of commits to whoever subscribed, and measures itself. */
async function serve(seconds: number): Promise<void> {
  const state = emptyState();
  const subscriptions = createSubscriptions({
    state,
    installation: 'bench',
    log: () => undefined,
    journal: { head: { seq: 0, hash: '0'.repeat(64) }, read: async function* () {} },
  });
  let ids = 0;
  let lost = 0;
  const test = await startTestServer({
    handlers: {
      'events/subscribe': ({ scope, cursor }, connection) => {
        const counting = {
          offer: connection.offer,
          notify: (name: 'attempt/progress' | 'events/lost', params: never) => (
            (lost += name === 'events/lost' ? 1 : 0), connection.notify(name, params)
          ),
        };
        return subscriptions.subscribe(counting, `s${ids++}`, scope, cursor);
      },
    },
  });
  process.send?.(test.endpoint);
  await new Promise((resolve) => process.once('message', resolve));
  const cpu = process.cpuUsage();
  const begin = performance.now();
  let worst = 0;
  let peak = 0;
  for (let told = 0; told < seconds * PER_SECOND; ) {
    const due = Math.min(seconds * PER_SECOND, told + MAX_BATCH, Math.floor(((performance.now() - begin) / 1_000) * PER_SECOND));
    if (due > told) {
      const commits = Array.from({ length: due - told }, () => makeCommit(state.seq + 1));
      for (const commit of commits) evolve(state, commit);
      const at = performance.now();
      subscriptions.publish(commits);
      worst = Math.max(worst, performance.now() - at);
      told = due;
    }
    peak = Math.max(peak, process.memoryUsage.rss());
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({
    cpuMs: (user + system) / 1_000,
    ms: performance.now() - begin,
    worstPublishMs: worst,
    peakMb: peak / 1024 / 1024,
    lost,
  });
}

function makeCommit(seq: number): Commit {
  const at = new Date().toISOString();
  const task = `0192f0c0-0000-7000-8000-${String(seq % 100).padStart(12, '0')}`;
  const of = { v: 1, stream: `task/${task}`, task, tenant: 'local' } as const;
  const events = [
    {
      ...of,
      id: `e-${seq}.0`,
      type: 'task.submitted',
      data: { wants: 'w', action: 'a', priority: 0, timeoutMs: 1, maxAttempts: 1, payload: { n: seq }, artifacts: {} },
    },
    { ...of, id: `e-${seq}.1`, type: 'task.completed', data: { values: {} } },
  ] satisfies Commit['events'];
  return { seq, at, prev: '0'.repeat(64), principal: 'bench', cause: 'bench', events, hash: '0'.repeat(64) };
}

/** A process with subscribers, so that their reading is not the server's CPU. */
async function read(port: number, token: string, count: number): Promise<void> {
  let events = 0;
  const clients = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await connectTo({ host: '127.0.0.1', port, token }, { name: 'bench', version: '0' });
      client.on('events/recorded', ({ commits }) => (events += commits.length));
      await client.call('events/subscribe', { scope: { kind: 'all' } });
      return client;
    }),
  );
  process.send?.('ready');
  process.once('message', () => {
    process.send?.(events);
    for (const client of clients) client.close();
    process.disconnect();
  });
}

const next = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('message', resolve));
const start = (...args: string[]): ChildProcess => fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import=tsx'] });

interface Cost {
  cpuMs: number;
  ms: number;
  worstPublishMs: number;
  peakMb: number;
  lost: number;
  delivered: number;
}

async function measureOne(count: number, seconds: number): Promise<Cost> {
  const server = start('serve', String(seconds));
  const { port, token } = (await next(server)) as { port: number; token: string };
  const readers = start('read', String(port), token, String(count));
  await next(readers);
  server.send('go');
  const cost = (await next(server)) as Omit<Cost, 'delivered'>;
  // What is under way arrives.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  readers.send('end');
  const delivered = (await next(readers)) as number;
  server.kill();
  return { ...cost, delivered };
}

async function measure({ say }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const one = await measureOne(1, SECONDS);
  say(describe(1, one));
  const many = await measureOne(MANY, SECONDS);
  say(describe(MANY, many));
  const ratio = many.cpuMs / one.cpuMs;
  const line: Line = {
    what: `${MANY} subscribers, ${PER_SECOND * EVENTS} events/s`,
    ours: describe(MANY, many),
    beside: `1 subscriber: ${describe(1, one)}`,
    ratio: `${times(ratio)} the CPU`,
    budget: 'bounded: nobody lost, under 20 x',
    met: many.lost === 0 && ratio < 20,
  };
  return { lines: [line], figures: { one, many } };
}

function describe(count: number, { cpuMs, ms, worstPublishMs, peakMb, delivered }: Cost): string {
  const core = round((100 * cpuMs) / ms, 0);
  const all = count * SECONDS * PER_SECOND;
  return `${core} % of a core, longest publish ${round(worstPublishMs, 1)} ms, peak ${round(peakMb, 0)} MB, ${delivered} of ${all} delivered`;
}

export const subscribersRow: Row = {
  name: 'subscribers',
  about: `${PER_SECOND * EVENTS} events a second told to 1 and to ${MANY} subscribers, by the real server and subscriptions`,
  measure,
};

// The two other processes of a measurement run this file.
const [role, ...args] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (role === 'serve') await serve(Number(args[0]));
  else if (role === 'read') await read(Number(args[0]), args[1] ?? '', Number(args[2]));
}

/**
 * How long the daemon's event loop pauses with 10,000 tasks active while work comes and goes, snapshots are made, somebody subscribes to
 * everything and the worker with all its tasks goes, measured from within; beside it a process that only waits, which shows what the machine itself takes away.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment } from '../../shared/protocol/views.ts';
import { round, times, type Bench, type Line, type Row } from './row.ts';
import { BenchDaemon } from './run.ts';

const ACTIVE = 10_000;
/** Enough commits for a snapshot or two: one is made every 20,000. */
const TURNOVER = 12_000;
const FEED = 100;

/** What loop-delay.mjs writes, in milliseconds: by the clock, and without the time that others had the CPU. */
type LoopDelay = Record<'all' | 'own', { p99: number; max: number }>;

const LOADED = ['--import', fileURLToPath(new URL('loop-delay.mjs', import.meta.url))];

/** A process that does nothing but look at its loop. */
function startBare(file: string): () => Promise<LoopDelay> {
  const wait = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); process.kill(process.pid, 'SIGUSR2')";
  const child = spawn(process.execPath, [...LOADED, '-e', wait], { env: { ...process.env, BENCH_LOOP_FILE: file }, stdio: 'ignore' });
  return async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    return JSON.parse(await readFile(file, 'utf8')) as LoopDelay;
  };
}

/** Keeps so many tasks active: the oldest is reported done for each that is submitted. */
async function turnOver(daemon: BenchDaemon, say: (text: string) => void, begin: () => void): Promise<void> {
  const client = await daemon.connect();
  const worker = await daemon.connect(await daemon.issueToken());
  const held: Assignment[] = [];
  worker.on('worker/assign', ({ assignments }) => held.push(...assignments));
  await worker.call('worker/attach', { id: 'bench', slots: ACTIVE });
  let made = 0;
  const submit = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        client.call('task/submit', { id: `pause-${made++}`, agent: 'bench', action: 'noop', payload: { made }, timeoutMs: 3_600_000 }),
      ),
    );
  while (made < ACTIVE) await submit(FEED);
  while (held.length < ACTIVE) await sleep(20);
  say(`${held.length} tasks are active`);
  await sleep(1_000);
  begin();
  // Somebody who wants to see all of it, from the start.
  const watcher = await daemon.connect();
  const { snapshot } = await watcher.call('events/subscribe', { scope: { kind: 'all' } });
  if (!snapshot) throw new Error('The subscriber was not given the state.');
  for (let done = 0; done < TURNOVER; done += FEED) {
    const reports = held.splice(0, FEED).map(({ task, attempt, token }) => ({ task, attempt, token, status: 'succeeded' as const }));
    await Promise.all([worker.call('worker/report', { reports }), submit(FEED)]);
  }
  await sleep(2_000);
  for (const one of [client, watcher, worker]) one.close();
}

async function measure({ dir, say, profile }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const file = join(dir, 'loop.json');
  const daemon = await BenchDaemon.start(dir, profile, { args: LOADED, env: { BENCH_LOOP_FILE: file } });
  let bare: (() => Promise<LoopDelay>) | undefined;
  try {
    await turnOver(daemon, say, () => {
      bare = startBare(join(dir, 'bare.json'));
      daemon.child.kill('SIGUSR2');
    });
  } finally {
    await daemon.end();
  }
  const ours = JSON.parse(await readFile(file, 'utf8')) as LoopDelay;
  const beside = await bare?.();
  const snapshots = (await readdir(join(dir, 'snapshots')).catch(() => [])).length;
  if (snapshots === 0) throw new Error('No snapshot was made while the loop was looked at.');
  const describe = ({ all, own }: LoopDelay): string =>
    `longest ${round(own.max, 1)} ms, p99 ${round(own.p99, 1)} ms of its own doing (${round(all.max, 1)} and ${round(all.p99, 1)} by the clock)`;
  const line: Line = {
    what: 'pause of the event loop, 10,000 active tasks, snapshots',
    ours: describe(ours),
    ...(beside ? { beside: `a process that waits: ${describe(beside)}`, ratio: times(ours.own.max / beside.own.max) } : {}),
    budget: 'no pause over 20 ms',
    met: ours.own.max <= 20,
  };
  return { lines: [line], figures: { ours, beside, snapshots } };
}

export const pauseRow: Row = {
  name: 'pause',
  about: 'pauses of the event loop with 10,000 active tasks, snapshots included',
  measure,
};

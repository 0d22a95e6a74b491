/**
 * What a start costs after a long history: a home with so many events is made by the real coordinator, journal and archive,
 * with the newest snapshot as far behind as it ever is; then the built daemon is started there.
 * `node --import tsx test/bench/history.ts [events ...]` prints a row for each number (1000000) and, as the last line, JSON.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startArchivist } from '../../daemon/coordinator/archivist.ts';
import { createCoordinator, type Coordinator } from '../../daemon/coordinator/coordinator.ts';
import type { Command } from '../../daemon/commands.ts';
import { openJournal } from '../../daemon/journal/file.ts';
import { makeSnapshot } from '../../daemon/journal/snapshot.ts';
import { readInstallation } from '../../daemon/platform/installation.ts';
import { readSettings } from '../../daemon/settings.ts';
import { openArchive } from '../../daemon/store/archive.ts';
import { emptyState } from '../../shared/state/evolve.ts';
import { Simulation } from '../support/engine.ts';

const IN_FLIGHT = 256;
/** As many commits as the daemon lets go by before it has a snapshot made. */
const TAIL = 20_000;

/** What came of a start: milliseconds from the spawn to `daemon.ready`, and resident memory right then and a second later, in MB. */
export interface StartCost {
  events: number;
  commits: number;
  tasks: number;
  readyMs: number;
  readyMb: number;
  settledMb: number;
  peakMb: number;
}

async function runTask(tell: (command: Command) => Promise<unknown>, n: number): Promise<void> {
  const task = `0192f0c0-0000-7000-8000-${String(n).padStart(12, '0')}`;
  const attempt = `0192f0c1-0000-7000-8000-${String(n).padStart(12, '0')}`;
  await tell({
    type: 'task/submit',
    task,
    wants: 'bench',
    action: 'noop',
    priority: 0,
    timeoutMs: 60_000,
    maxAttempts: 3,
    payload: { n },
    artifacts: {},
  });
  await tell({ type: 'task/assign', task, attempt, agent: 'bench' });
  await tell({ type: 'attempt/end', attempt, token: 1, ending: { status: 'succeeded', values: {} } });
}

/** Makes the history in `home`; resolves with how much there is. */
export async function makeHistory(home: string, events: number): Promise<{ events: number; commits: number; tasks: number }> {
  const installation = await readInstallation(home);
  const { journal } = await openJournal({ dir: home, installation: installation.id, now: new Date().toISOString() });
  const { now: _, ...context } = new Simulation().context;
  const fail = (error: unknown): void => {
    throw error;
  };
  const coordinator: Coordinator = createCoordinator({
    journal,
    published: emptyState(),
    tentative: emptyState(),
    context,
    now: Date.now,
    onFatal: fail,
  });
  const tell = (command: Command) => coordinator.submit(command, { principal: 'bench', cause: 'bench' });
  const archivist = startArchivist({
    state: coordinator.state,
    archive: await openArchive(home),
    keep: readSettings({}).keep,
    now: Date.now,
    tell,
    log: fail,
  });
  let made = 0;
  coordinator.onRecorded((commits) => {
    for (const commit of commits) made += commit.events.length;
    archivist.note();
  });
  await tell({ type: 'agent/register', agent: 'bench', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 1_000 });
  let tasks = 0;
  while (made < events) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => runTask(tell, tasks++)));
    // The pace of people and agents, not of a loop in the same process: the archive keeps up with it.
    if (tasks % (16 * IN_FLIGHT) === 0) await archivist.move();
  }
  await archivist.move();
  archivist.stop();
  await coordinator.idle();
  const commits = journal.head.seq;
  await journal.close();
  await makeSnapshot(home, Math.max(1, commits - TAIL));
  return { events: made, commits, tasks };
}

/** Starts the built daemon there and measures until it is ready. */
export async function measureStart(home: string): Promise<Pick<StartCost, 'readyMs' | 'readyMb' | 'settledMb' | 'peakMb'>> {
  const main = fileURLToPath(new URL('../../dist/daemon.cjs', import.meta.url));
  const begin = performance.now();
  const child = spawn(process.execPath, [main], { env: { ...process.env, SIGNALBOX_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve) => child.stderr.on('data', (data: Buffer) => data.toString().includes('daemon.ready') && resolve()));
  const readyMs = performance.now() - begin;
  const readyMb = readMemory(child.pid, 'VmRSS');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const settledMb = readMemory(child.pid, 'VmRSS');
  const peakMb = readMemory(child.pid, 'VmHWM');
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  return { readyMs, readyMb, settledMb, peakMb };
}

/** A number of /proc in MB; 0 where there is none. */
function readMemory(pid: number | undefined, name: string): number {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

/** Makes a home with so many events, starts there, and removes it. */
export async function measureHistory(events: number): Promise<StartCost> {
  const home = await mkdtemp(join(tmpdir(), 'signalbox-history-'));
  try {
    const made = await makeHistory(home, events);
    return { ...made, ...(await measureStart(home)) };
  } finally {
    // The child that makes a snapshot may still be at it.
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = process.argv.slice(2).map(Number);
  const rows: StartCost[] = [];
  for (const size of sizes.length > 0 ? sizes : [1_000_000]) {
    const cost = await measureHistory(size);
    rows.push(cost);
    const { events, commits, readyMs, readyMb, settledMb, peakMb } = cost;
    process.stdout.write(
      `${events} events in ${commits} commits: ready in ${Math.round(readyMs)} ms, ${Math.round(readyMb)} MB then, ${Math.round(settledMb)} MB a second later, peak ${Math.round(peakMb)} MB\n`,
    );
  }
  process.stdout.write(`${JSON.stringify(rows)}\n`);
}

/**
 * What a start costs after a long history: a home with so many events is made by the real coordinator, journal and archive,
 * with the newest snapshot as far behind as it ever is; then the built daemon is started there.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
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
import { times, type Bench, type Line, type Row } from './row.ts';
import { BenchDaemon } from './run.ts';

const IN_FLIGHT = 256;
/** As many commits as the daemon lets go by before it has a snapshot made. */
const TAIL = 20_000;

/** What came of a start: milliseconds from the spawn to `daemon.ready`, and resident memory right then and a second later, in MB. */
interface StartCost {
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
async function makeHistory(home: string, events: number): Promise<{ events: number; commits: number; tasks: number }> {
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

async function measureStart(home: string): Promise<Pick<StartCost, 'readyMs' | 'readyMb' | 'settledMb' | 'peakMb'>> {
  const begin = performance.now();
  const daemon = await BenchDaemon.start(home);
  const readyMs = performance.now() - begin;
  const readyMb = daemon.memoryMb();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const cost = { readyMs, readyMb, settledMb: daemon.memoryMb(), peakMb: daemon.memoryMb('VmHWM') };
  await daemon.end();
  return cost;
}

async function measure({ dir, say }: Bench, events: number): Promise<{ lines: Line[]; figures: unknown }> {
  const home = join(dir, 'history');
  await mkdir(home, { mode: 0o700 });
  const made = await makeHistory(home, events);
  say(`${made.events} events in ${made.commits} commits are there`);
  const empty = await measureStart(join(dir, 'empty'));
  const cost: StartCost = { ...made, ...(await measureStart(home)) };
  const line: Line = {
    what: `restart with ${made.events} events of history`,
    ours: `ready in ${Math.round(cost.readyMs)} ms, ${Math.round(cost.settledMb)} MB (peak ${Math.round(cost.peakMb)})`,
    beside: `an empty one: ${Math.round(empty.readyMs)} ms, ${Math.round(empty.settledMb)} MB`,
    ratio: times(cost.readyMs / empty.readyMs),
    ...(events >= 1_000_000 ? { budget: '2 s, 150 MB', met: cost.readyMs <= 2_000 && cost.settledMb <= 150 } : {}),
  };
  return { lines: [line], figures: { ...cost, empty } };
}

export const restartRows: readonly Row[] = [10_000, 100_000, 1_000_000].map((events) => ({
  name: `restart-${events / 1_000}k`,
  about: `start with ${events} events of history, made by the real coordinator, journal and archive`,
  long: events >= 1_000_000,
  measure: (bench) => measure(bench, events),
}));

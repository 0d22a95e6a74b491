/**
 * Torture of the record on a disk that fails: coordinator, journal and scheduler in this process, on a disk in memory.
 *
 * Each life gets one fault (a short write, EIO or ENOSPC at any kind of call), then the process is gone: the system keeps what it
 * was given, or the power fails with any 512-byte sectors of what was not synced. Now and then a bit flips as well.
 */
import assert from 'node:assert/strict';
import type { Command } from '../../daemon/commands.ts';
import { openJournal } from '../../daemon/journal/file.ts';
import { JournalDamaged, JournalFailed, type Head } from '../../daemon/journal/port.ts';
import { verifyJournal } from '../../daemon/journal/verify.ts';
import { collect } from '../contracts/journal.ts';
import { FaultDisk, type Fault } from '../daemon/journal/fault-disk.ts';
import { Ledger } from './ledger.ts';
import { seededRandom, type Random } from './random.ts';
import { SMALL_HOME, startSmallDaemon, type SmallDaemon } from './small-daemon.ts';

/** What was done, and how often it hit. */
export interface DiskTorture {
  lives: number;
  faults: number;
  powerLosses: number;
  bitFlips: number;
  commits: number;
}

/** Lives on one disk, before an empty one is taken. */
const LIVES = 12;
const SEGMENT_BYTES = 2_500;
const CLIENTS = 4;
const INJECTED = ['EIO', 'ENOSPC', 'SHORT_WRITE'];

/** Tortures until `ms` milliseconds are over; throws at the first thing that is wrong. The same seed does the same. */
export async function tortureDisk({ seed, ms }: { seed: number; ms: number }): Promise<DiskTorture> {
  const done: DiskTorture = { lives: 0, faults: 0, powerLosses: 0, bitFlips: 0, commits: 0 };
  const until = Date.now() + ms;
  // Each history has a seed of its own, so that a failing one replays alone and at once.
  for (let history = seed; Date.now() < until; history++) {
    try {
      await tortureHistory(history, done);
    } catch (error) {
      throw new Error(`Replay with SEED=${history}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, {
        cause: error,
      });
    }
  }
  return done;
}

async function tortureHistory(seed: number, done: DiskTorture): Promise<void> {
  const random = seededRandom(seed);
  let disk = new FaultDisk();
  const world = { ledger: new Ledger(), tasks: [] as string[], head: undefined as Head | undefined };
  for (let life = 0; life < LIVES; life++) {
    if (life < LIVES - 1) disk.faults = [chooseFault(random)];
    await live(disk, random, world, life);
    const power = random.chance(0.6);
    done.powerLosses += power ? 1 : 0;
    done.lives++;
    const density = random.pick([0, 0.3, 0.7, 1]);
    done.faults += disk.faultsHit;
    disk = power ? disk.losePower(() => random.chance(density)) : disk.copy();
    if (random.chance(0.5)) {
      await flipBit(disk, random);
      done.bitFlips++;
    }
    world.ledger = await readAnew(disk, world);
  }
  const last = await startSmallDaemon({ disk, epoch: 'last', segmentBytes: SEGMENT_BYTES });
  for (const task of world.tasks) await last.submit(submitTask(task));
  await last.coordinator.idle();
  for (let round = 0; last.coordinator.state.pending.size + last.coordinator.state.active.size > 0; round++) {
    assert.ok(round < 1_000, 'the work never ends');
    await new Promise((resolve) => setImmediate(resolve));
  }
  await last.coordinator.idle();
  await last.journal.close();
  world.ledger = await readAnew(disk, world);
  world.ledger.checkAllEnded();
  assert.equal(world.ledger.count('task submitted'), world.tasks.length);
  done.commits += world.ledger.seq;
}

interface World {
  ledger: Ledger;
  tasks: string[];
  /** The newest head that was durable by the journal's own word. */
  head: Head | undefined;
}

function chooseFault(random: Random): Fault {
  const op = random.pick(['append', 'append', 'datasync', 'datasync', 'rename', 'syncFolder', 'overwrite', 'truncate'] as const);
  const on = 1 + random.below(op === 'append' || op === 'datasync' ? 40 : 12);
  const writes = op === 'append' || op === 'overwrite';
  return writes && random.chance(0.5) ? { op, on, short: random.below(600) } : { op, on, error: random.pick(['EIO', 'ENOSPC']) };
}

function submitTask(task: string): Command {
  return {
    type: 'task/submit',
    task,
    wants: 'a',
    action: 'x',
    payload: { task },
    artifacts: {},
    priority: 0,
    timeoutMs: 1_000,
    maxAttempts: 100,
  };
}

/** One life: clients submit, cancel and ask again, until the disk fails or enough was done. */
async function live(disk: FaultDisk, random: Random, world: World, life: number): Promise<void> {
  let small: SmallDaemon;
  const { ledger } = world;
  try {
    small = await startSmallDaemon({
      disk,
      epoch: `e${life}`,
      segmentBytes: SEGMENT_BYTES,
      work: () => (random.chance(0.1) ? undefined : random.chance(0.9) ? 'succeeded' : 'failed'),
      onReport: (attempt, status) => ledger.answered(status === 'succeeded' ? 'attempt succeeded' : 'attempt failed', attempt),
    });
  } catch (error) {
    assert.ok(INJECTED.includes(codeOf(error)), `a start failed with ${String(error)}`);
    return;
  }
  const { died } = small;
  // Short lives too: a long one mends by its next segment what the one before it left half done.
  const commands = random.chance(0.4) ? random.below(3) : random.below(16);
  const clients = Array.from({ length: CLIENTS }, (_, client) =>
    useDaemon(small, random, world, { prefix: `t${life}.${client}`, commands }),
  );
  const dead = await Promise.race([Promise.all(clients).then(() => undefined), died]);
  // Some are killed in the middle of a batch that nobody waits for.
  if (!dead && random.chance(0.5)) for (let n = 0; n < 5; n++) void small.submit(submitTask(addTask(world, `t${life}.last.${n}`)));
  if (!dead && random.chance(0.5)) await Promise.race([small.coordinator.idle(), died]);
  if (dead)
    assert.ok(
      dead instanceof JournalFailed && INJECTED.includes(dead.reason),
      `it died of ${dead instanceof Error ? (dead.stack ?? dead.message) : 'something else'}`,
    );
  world.head = small.journal.head;
  await small.journal.close();
}

const codeOf = (error: unknown): string => (error instanceof JournalFailed ? error.reason : String((error as NodeJS.ErrnoException).code));

function addTask(world: World, id: string): string {
  world.tasks.push(id);
  return id;
}

async function useDaemon(
  small: SmallDaemon,
  random: Random,
  world: World,
  { prefix, commands }: { prefix: string; commands: number },
): Promise<void> {
  const { ledger } = world;
  for (let n = 0; n < commands; n++) {
    const again = world.tasks.length > 0 && random.chance(0.2);
    const task = again ? random.pick(world.tasks) : addTask(world, `${prefix}.${n}`);
    const known = ledger.wasAnswered('task submitted', task);
    const result = await small.submit(submitTask(task));
    assert.ok(result.ok, JSON.stringify(result));
    if (known) assert.equal(result.commit, undefined, `${task} was taken twice`);
    ledger.answered('task submitted', task);
    if (!random.chance(0.1)) continue;
    const canceled = await small.submit({ type: 'task/cancel', task, reason: 'torture' });
    if (canceled.ok) ledger.answered('task cancel', task);
  }
}

/** The disk must be sound, hold what was durable, and hold everything that was answered. A ledger of what it holds now, with all that was ever answered. */
async function readAnew(disk: FaultDisk, world: World): Promise<Ledger> {
  const copy = disk.copy();
  let found: Awaited<ReturnType<typeof openJournal>>;
  try {
    found = await openJournal({
      dir: SMALL_HOME,
      installation: 'torture',
      now: '2026-01-02T03:04:05.678Z',
      segmentBytes: SEGMENT_BYTES,
      disk: copy,
    });
  } catch (error) {
    throw new Error(`A crash was taken for damage: ${String(error)}`, { cause: error });
  }
  const commits = await collect(found.journal.read(1));
  await found.journal.close();
  const verified = await verifyJournal(SMALL_HOME, { disk: copy, ...(world.head ? { expect: world.head } : {}) });
  assert.deepEqual([verified.problems, verified.tail, verified.commits], [[], undefined, commits.length]);
  const ledger = world.ledger.withoutWhatWasRead();
  ledger.read(commits);
  ledger.check();
  return ledger;
}

/** Flips a bit on a copy: verify must name it, and a start must refuse, or set it aside as the end that nobody was answered for. */
async function flipBit(disk: FaultDisk, random: Random): Promise<void> {
  const segments = disk.files.filter(([path, bytes]) => path.endsWith('.ndjson') && bytes.length > 0);
  if (segments.length === 0) return;
  const [path, bytes] = random.pick(segments);
  const at = random.below(bytes.length);
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
  const damaged = disk.copy();
  damaged.put(path, flipped);
  const where = `bit flip at ${path} byte ${at}`;
  const verified = await verifyJournal(SMALL_HOME, { disk: damaged });
  assert.ok(!verified.ok || verified.tail, `${where}: verify saw nothing`);
  try {
    const { journal, setAside } = await openJournal({
      dir: SMALL_HOME,
      installation: 'torture',
      now: '2026-01-02T03:04:05.678Z',
      disk: damaged,
    });
    // A sealed segment is read when it is needed.
    await collect(journal.read(1));
    await journal.close();
    assert.ok(setAside, `${where}: a start saw nothing`);
    assert.ok(verified.ok, `${where}: a start took for an unsynced end what verify calls ${JSON.stringify(verified.problems[0])}`);
  } catch (error) {
    assert.ok(error instanceof JournalDamaged, `${where}: ${String(error)}`);
    assert.ok(!verified.ok, `${where}: a start refuses what verify takes for an unsynced end: ${error.message}`);
  }
}

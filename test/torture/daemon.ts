/**
 * Torture of the real daemon: several clients keep it busy, SIGKILL ends it at a random moment, and it is started again.
 *
 * The seed decides what clients ask and when the daemon is killed; what it was doing at that moment is up to the machine.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeDisk } from '../../daemon/journal/disk.ts';
import type { Head } from '../../daemon/journal/port.ts';
import { readJournal } from '../../daemon/journal/read.ts';
import { verifyJournal } from '../../daemon/journal/verify.ts';
import { runEnded } from '../../shared/state/run.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../support/daemon.ts';
import { git, makeRepo, removeTempFolders } from '../support/repos.ts';
import { DAEMON, environmentOf } from '../support/programs.ts';
import { approveRuns, BRANCH, produce, startRuns, work, type Client, type World } from './clients.ts';
import { Ledger } from './ledger.ts';
import { MergeLedger } from './merges.ts';
import { seededRandom, type Random } from './random.ts';

/** What was done. */
export interface DaemonTorture {
  kills: number;
  /** Of these, while the daemon was starting. */
  killsAtStart: number;
  tasks: number;
  runs: number;
  approvals: number;
  merges: number;
  commits: number;
}

/** Kills in one state folder, before an empty one is taken. */
const KILLS = 40;
/** Runs that the first life of a folder starts before it is killed, so that there is something to merge, and the time for that. */
const FIRST_RUNS = 5;
const FIRST_MS = 15_000;
/** Time for everything to end once nobody kills any more. */
const SETTLE_MS = 60_000;

/** Kills and restarts until `ms` milliseconds are over, then lets all work end; throws at the first thing that is wrong. */
export async function tortureDaemon({
  seed,
  ms,
  log = () => undefined,
}: {
  seed: number;
  ms: number;
  log?: (line: string) => void;
}): Promise<DaemonTorture> {
  const done: DaemonTorture = { kills: 0, killsAtStart: 0, tasks: 0, runs: 0, approvals: 0, merges: 0, commits: 0 };
  const random = seededRandom(seed);
  const until = Date.now() + ms;
  try {
    while (Date.now() < until) {
      await tortureHome(random, until, done);
      log(
        `${done.kills} kills (${done.killsAtStart} at the start), ${done.tasks} tasks, ${done.runs} runs, ${done.merges} merges, ${done.commits} commits`,
      );
    }
  } finally {
    removeTempFolders();
  }
  return done;
}

async function tortureHome(random: Random, until: number, done: DaemonTorture): Promise<void> {
  const home = await makeHome();
  const world: World = {
    random,
    ledger: new Ledger(),
    merges: new MergeLedger(),
    tasks: [],
    runs: [],
    repo: makeRepo(),
    problems: [],
    calm: false,
    env: chooseSettings(random),
  };
  let head: Head = { seq: 0, hash: '0'.repeat(64) };
  try {
    for (let kill = 0; kill < KILLS && Date.now() < until; kill++) {
      if (random.chance(0.15)) {
        await killAtStart(home, random.below(400));
        done.killsAtStart++;
      } else await live(home, world, random.below(800));
      done.kills++;
      head = await look(home, world, head);
    }
    world.calm = true;
    await settle(home, world);
    await look(home, world, head);
    world.ledger.checkAllEnded();
    world.merges.check(world.repo, BRANCH, true);
    assert.equal(git(world.repo, 'status', '--porcelain'), '', 'merges leave the checkout as the branch is');
    assert.equal(world.ledger.count('task submitted task-'), world.tasks.length, 'every task that was asked for is there');
    done.tasks += world.ledger.count('task submitted');
    done.runs += world.ledger.count('run submitted');
    done.approvals += world.ledger.count('approval asked');
    done.merges += world.merges.done;
    done.commits += world.ledger.seq;
  } catch (error) {
    throw new Error(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nThe state folder is left for a look: ${home}`,
      { cause: error },
    );
  }
  await removeHome(home);
}

/** In half of the folders what has finished leaves memory at once, so that the archive is in the way of every kill. */
function chooseSettings(random: Random): World['env'] {
  const archive: Record<string, string> = random.chance(0.5) ? { SIGNALBOX_KEEP_TASKS: '20', SIGNALBOX_KEEP_RUNS: '1' } : {};
  return { SIGNALBOX_MIN_FREE_MB: '0', ...archive };
}

async function killAtStart(home: string, ms: number): Promise<void> {
  const child = spawn(process.execPath, [DAEMON], {
    env: environmentOf(home),
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await sleep(ms);
  child.kill('SIGKILL');
  await exited;
  assert.equal(child.signalCode, 'SIGKILL', `the daemon ended by itself with ${child.exitCode} while it started`);
}

/** Everybody that uses a daemon, until it is gone. */
async function connectAll(
  daemon: DaemonProcess,
  world: World,
  { alive, onMerge }: { alive: () => boolean; onMerge: () => void },
): Promise<{ clients: Client[]; busy: Promise<unknown> }> {
  const [first, second, person] = await Promise.all([daemon.connect(), daemon.connect(), daemon.connect()]);
  const { token } = await person.call('token/issue', { name: 'worker', scopes: ['worker'] });
  const worker = await daemon.connect(token);
  await work(worker, world);
  await approveRuns(person, world, onMerge);
  const busy = Promise.all([produce(first, world, alive), produce(second, world, alive), startRuns(person, world, alive)]);
  return { clients: [first, second, person, worker], busy };
}

async function live(home: string, world: World, ms: number): Promise<void> {
  const daemon = await startDaemon({ home, env: world.env });
  let alive = true;
  const isAlive = (): boolean => alive;
  // Whoever is in the middle of connecting when it is killed may fail as it likes.
  let merging: () => void = () => undefined;
  const mergeBegan = new Promise<void>((resolve) => (merging = resolve));
  const inTheMiddle = world.random.chance(0.5);
  const connected = connectAll(daemon, world, { alive: isAlive, onMerge: () => inTheMiddle && merging() }).catch(
    (error: unknown) => void (alive && world.problems.push(error)),
  );
  const using = connected.then((all) => all?.busy).catch((error: unknown) => void world.problems.push(error));
  // Mostly killed while it is used, however slow the machine is; now and then while clients connect.
  if (world.random.chance(0.8)) await connected;
  for (let waited = 0; world.runs.length < FIRST_RUNS && waited < FIRST_MS; waited += 20) await sleep(20);
  // Half of those that begin a merge die in the middle of one.
  await Promise.race([sleep(ms), mergeBegan.then(() => sleep(ms % 40))]);
  alive = false;
  assert.equal(daemon.child.exitCode, null, `the daemon ended by itself:\n${daemon.output().slice(-3_000)}`);
  await daemon.end('SIGKILL');
  await using;
}

/** Reads what is new in the journal of a dead daemon: the chain is sound, holds the head of before, and everything that was answered. */
async function look(home: string, { ledger, merges, repo, problems }: World, head: Head): Promise<Head> {
  for (const problem of problems) throw problem;
  const found = await verifyJournal(home, { expect: head });
  assert.deepEqual(found.problems, []);
  const read = await readJournal(nodeDisk, home);
  for await (const commits of read({ from: ledger.seq + 1, to: found.head.seq })) {
    ledger.read(commits);
    for (const event of commits.flatMap((commit) => commit.events)) merges.read(event);
  }
  ledger.check();
  merges.check(repo, BRANCH, false);
  return found.head;
}

/** Nobody kills any more: everything that was asked for is asked for again, and must come to its end. */
async function settle(home: string, world: World): Promise<void> {
  const daemon = await startDaemon({ home, env: world.env });
  const { clients } = await connectAll(daemon, world, { alive: () => false, onMerge: () => undefined });
  const [client] = clients;
  assert.ok(client);
  const submit = (id: string) => client.call('task/submit', { id, agent: 'worker', action: 'work', timeoutMs: 2_000, maxAttempts: 100 });
  // Fewer at once than a connection may have in flight.
  for (let from = 0; from < world.tasks.length; from += 500) await Promise.all(world.tasks.slice(from, from + 500).map(submit));
  const until = Date.now() + SETTLE_MS;
  for (;;) {
    const { tasks } = await client.call('task/list', { active: true, limit: 1_000 });
    const { runs } = await client.call('run/list', { active: true, limit: 1_000 });
    if (tasks.length === 0 && runs.every(runEnded)) break;
    assert.ok(
      Date.now() < until,
      `never ended: ${JSON.stringify([tasks.slice(0, 5), runs.slice(0, 5)])}\n${daemon.output().slice(-2_000)}`,
    );
    await sleep(50);
  }
  for (const one of clients) one.close();
  assert.equal(await daemon.end('SIGTERM'), 0);
}

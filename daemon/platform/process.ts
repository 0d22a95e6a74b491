// Starts processes that can be found again, and ends them with everything that they started.
// Boundary: knows tags and process numbers, not attempts; process-table.ts reads what the system says.
// Invariants:
// 1. A process is signalled only when it carries the tag, descends from one that does, or is in a group or session led by one.
//    A number alone is never enough: it may belong to somebody else by now.
// 2. This process, its parent and its group are never signalled.
// 3. endTree looks again until nobody is left, so a process that forks while it is being ended does not escape.
// What cannot be found: a process that cleared its environment, started a session and lost its parent before endTree first looked.
import { type ChildProcess, execFile, spawn, type StdioOptions } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess, listProcesses, type ProcessIdentity, type ProcessRow, readVariable, readVariables } from './process-table.ts';

export { identifyProcess, isAlive, ProcessIdentity } from './process-table.ts';

/** The environment variable that says to which attempt a process belongs. */
export const ATTEMPT_TAG = 'SIGNALBOX_ATTEMPT';

/** What marks the processes of one attempt. */
export interface ProcessTag {
  readonly name: typeof ATTEMPT_TAG;
  readonly value: string;
}

/** How to start a process: `env` is its whole environment but for the tag. */
export interface SpawnRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tag: ProcessTag;
  readonly stdio?: StdioOptions;
}

/** A process that was started, with what is needed to find it again after a crash. */
export interface TaggedProcess {
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
}

/** The program could not be started; `reason` is the system's code, such as ENOENT. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError';
  readonly code = 'spawn_failed';
  readonly reason: string;

  constructor(program: string, cause: NodeJS.ErrnoException) {
    super(
      `${program} could not be started (${cause.code ?? cause.message}). Check that it is installed and that the working directory exists.`,
    );
    this.reason = cause.code ?? 'unknown';
  }
}

const TAG_VALUE = /^[\w.:-]{1,200}$/;

/** Starts a program in a process group of its own with the tag in its environment; throws SpawnError. */
export async function spawnTagged({ argv, cwd, env, tag, stdio = 'pipe' }: SpawnRequest): Promise<TaggedProcess> {
  if (!TAG_VALUE.test(tag.value)) throw new TypeError(`Not a tag: ${tag.value.slice(0, 80)}`);
  const [program, ...args] = argv;
  const detached = process.platform !== 'win32';
  const child = spawn(program, args, { cwd, env: { ...env, [tag.name]: tag.value }, stdio, detached, windowsHide: true });
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new SpawnError(program, error)));
  });
  // Before the first await: a process that ends at once is not yet reaped, so its start time can still be read.
  const [identity] = await Promise.all([child.pid === undefined ? undefined : identifyProcess(child.pid), started]);
  if (identity) return { child, identity };
  // Only where the system is asked slowly: it has ended, and nothing is left to find.
  return { child, identity: { pid: child.pid ?? 0, startTime: 'ended', host: '', bootId: '' } };
}

/** The numbers of all processes that carry this tag value, without zombies; empty on Windows. */
export async function findTagged(value: string, name: string = ATTEMPT_TAG): Promise<number[]> {
  const carriers = await readVariables(await listProcesses(), name);
  return [...carriers].flatMap(([pid, found]) => (found === value && pid !== process.pid ? [pid] : []));
}

/** The tag value that a process or one of its ancestors carries, or undefined; says whether a peer speaks from inside an attempt. */
export async function hasTag(pid: number, name: string = ATTEMPT_TAG): Promise<string | undefined> {
  const parents = new Map((await listProcesses()).map((row) => [row.pid, row.parent]));
  for (let current: number | undefined = pid, depth = 0; current !== undefined && current > 1 && depth < 1_000; depth += 1) {
    const value = await readVariable(current, name);
    if (value !== undefined) return value;
    current = parents.get(current);
  }
  return undefined;
}

const POLL_MS = 25;

/**
 * Ends every process of a tag: SIGTERM, up to `graceMs` to go, then SIGKILL until nobody is left or `killMs` (default 5,000) is over.
 * `pid` is the process that spawnTagged started (used on Windows, where the tag cannot be read). `spare` is asked to end only by the
 * end of what it contains. Returns how many survived.
 */
export async function endTree(
  { pid, tag, spare }: { pid?: number; tag: ProcessTag; spare?: number },
  { graceMs, killMs = 5_000 }: { graceMs: number; killMs?: number },
): Promise<number> {
  if (process.platform === 'win32') return endWindowsTree(pid);
  const known = new Map<number, string>();
  let left = await findMembers(tag, known);
  signalAll(
    left.filter((row) => row.pid !== spare),
    'SIGTERM',
  );
  const graceEnds = performance.now() + graceMs;
  while (left.length > 0 && performance.now() < graceEnds) {
    await delay(POLL_MS);
    left = await findMembers(tag, known);
  }
  const killEnds = performance.now() + killMs;
  // Twice nobody: a process that is just being replaced by another program shows no tag at that moment.
  for (let quiet = 0; quiet < 2 && performance.now() < killEnds; ) {
    quiet = left.length === 0 ? quiet + 1 : 0;
    signalAll(left, 'SIGKILL');
    await delay(POLL_MS);
    left = await findMembers(tag, known);
  }
  return left.length;
}

/** Everybody who belongs to the tag: its carriers, who they lead, their descendants, and whoever was known before and still runs. */
async function findMembers(tag: ProcessTag, known: Map<number, string>): Promise<ProcessRow[]> {
  const rows = (await listProcesses()).filter((row) => !isOurs(row));
  const carriers = await readVariables(rows, tag.name);
  const members = new Map<number, ProcessRow>();
  for (const row of rows) {
    const wasKnown = known.has(row.pid) && known.get(row.pid) === row.startTime;
    if (wasKnown || carriers.get(row.pid) === tag.value) members.set(row.pid, row);
  }
  for (let grew = true; grew; ) {
    const before = members.size;
    const led = new Set<number>();
    for (const row of members.values()) for (const id of [row.group, row.session]) if (members.has(id)) led.add(id);
    for (const row of rows) {
      if (members.has(row.parent) || led.has(row.group) || led.has(row.session)) members.set(row.pid, row);
    }
    grew = members.size > before;
  }
  for (const row of members.values()) known.set(row.pid, row.startTime);
  return [...members.values()];
}

function isOurs(row: ProcessRow): boolean {
  return row.pid <= 1 || row.pid === process.pid || row.pid === process.ppid;
}

function signalAll(rows: readonly ProcessRow[], signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const { pid } of rows) {
    try {
      process.kill(pid, signal);
      // A stopped process handles SIGTERM only after it goes on.
      if (signal === 'SIGTERM') process.kill(pid, 'SIGCONT');
    } catch {
      // It ended in between, or changed its user and shows up among the survivors.
    }
  }
}

async function endWindowsTree(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  const taskkill = `${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\taskkill.exe`;
  await new Promise<void>((resolve) => {
    execFile(taskkill, ['/PID', String(pid), '/T', '/F'], { windowsHide: true, timeout: 10_000 }, () => resolve());
  });
  return (await identifyProcess(pid)) === undefined ? 0 : 1;
}

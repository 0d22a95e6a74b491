// One holder at a time, among processes of this machine that may crash at any point.
// Each holder adds the next generation, `lock.<n>`; the highest generation decides.
// Invariants:
// 1. A generation appears whole (a link to a finished file) and only if nobody made it before.
// 2. It is made only after the holder of the one before was found gone or released.
// 3. The highest generation is never removed, so nobody who looked long ago can make it a second time and hold.
// Two starters that find the same dead holder therefore have one winner.
import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { syncFolder, writeFileAtomic } from './atomic.ts';
import { identifyProcess, isAlive, ProcessIdentity } from './process-table.ts';

const LockRecord = ProcessIdentity.extend({ nonce: z.string().max(100), released: z.boolean() });
type LockRecord = z.infer<typeof LockRecord>;

/** A lock that this process holds; `generation` grows with every holder and can fence a writer that lost it. */
export interface HeldLock {
  readonly kind: 'held';
  readonly generation: number;
  readonly nonce: string;
  release(): Promise<void>;
}

/** Somebody else holds the lock. */
export interface ForeignLock {
  readonly kind: 'foreign';
  readonly heldBy: ProcessIdentity;
}

const MAX_ROUNDS = 100;

/** Takes the lock in `folder`, or says who holds it; a holder whose process is gone or whose start time differs does not count. */
export async function acquireLock(folder: string): Promise<HeldLock | ForeignLock> {
  const identity = await identifyProcess(process.pid);
  if (!identity) throw new Error('This process cannot read its own start time');
  const record: LockRecord = { ...identity, nonce: randomUUID(), released: false };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const generations = await listGenerations(folder);
    const highest = generations.at(-1) ?? 0;
    const current = highest === 0 ? undefined : await readRecord(pathOf(folder, highest));
    if (current === 'vanished') continue;
    if (current && !current.released && (await isAlive(current)) !== false) return { kind: 'foreign', heldBy: identityOf(current) };
    if (!(await createGeneration(folder, highest + 1, record))) continue;
    if ((await listGenerations(folder)).at(-1) !== highest + 1) {
      await rm(pathOf(folder, highest + 1), { force: true });
      continue;
    }
    await Promise.all(generations.map((generation) => rm(pathOf(folder, generation), { force: true })));
    return { kind: 'held', generation: highest + 1, nonce: record.nonce, release: () => releaseLock(folder, highest + 1, record) };
  }
  throw new Error(`The lock in ${folder} changed hands ${MAX_ROUNDS} times while we tried to take it`);
}

/** Who holds the lock in `folder` now, or undefined; takes nothing. */
export async function readLockHolder(folder: string): Promise<ProcessIdentity | undefined> {
  const highest = (await listGenerations(folder)).at(-1);
  if (highest === undefined) return undefined;
  const record = await readRecord(pathOf(folder, highest));
  if (record === undefined || record === 'vanished' || record.released || (await isAlive(record)) === false) return undefined;
  return identityOf(record);
}

function pathOf(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`);
}

function identityOf({ pid, startTime, host, bootId }: LockRecord): ProcessIdentity {
  return { pid, startTime, host, bootId };
}

async function listGenerations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => /^lock\.([1-9]\d{0,14})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** The record, `vanished` when a later holder removed it meanwhile, or undefined when it is none: then nobody can be holding it. */
async function readRecord(path: string): Promise<LockRecord | 'vanished' | undefined> {
  try {
    const parsed = LockRecord.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'vanished';
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function createGeneration(folder: string, generation: number, record: LockRecord): Promise<boolean> {
  const temporary = join(folder, `.lock.${process.pid}.${randomUUID()}.tmp`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(record));
    await file.sync();
    await file.close();
    await link(temporary, pathOf(folder, generation));
    await syncFolder(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function releaseLock(folder: string, generation: number, record: LockRecord): Promise<void> {
  const path = pathOf(folder, generation);
  const current = await readRecord(path);
  if (current === undefined || current === 'vanished' || current.nonce !== record.nonce) return;
  await writeFileAtomic(path, JSON.stringify({ ...record, released: true }));
}

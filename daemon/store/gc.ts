/**
 * Removes from the store what nothing reaches: artifacts, spools, and what crashes left half written.
 *
 * 1. What is younger than an hour stays: whoever stores something names it in the record only afterwards. Storing again makes it young.
 * 2. Tombstones stay: they are the answer to who asks for what was removed on purpose.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../platform/atomic.ts';

/** Age below which nothing is removed, in milliseconds. */
const YOUNG_MS = 3_600_000;

const BLOB = /^[0-9a-f]{64}$/;
const SPOOL = /^(.+)\.(?:log|json)$/;
const HALF_WRITTEN = /^\..+\.tmp$/;

/** How many files, and their bytes. */
export interface Garbage {
  count: number;
  bytes: number;
}

/** What is to be kept, the time (milliseconds since 1970), and whether files are only counted. */
export interface CollectGarbage {
  dir: string;
  keepsArtifact(digest: string): boolean;
  keepsAttempt(attempt: string): boolean;
  now: number;
  dryRun: boolean;
}

/** Removes, or only counts, what is not kept. */
export async function collectGarbage({
  dir,
  keepsArtifact,
  keepsAttempt,
  now,
  dryRun,
}: CollectGarbage): Promise<{ artifacts: Garbage; spools: Garbage }> {
  const artifacts: Garbage = { count: 0, bytes: 0 };
  const spools: Garbage = { count: 0, bytes: 0 };
  const look = async (folder: string, total: Garbage, keeps: (name: string) => boolean): Promise<void> => {
    let removed = 0;
    for (const name of await readdir(folder).catch(() => [])) {
      if (keeps(name) && !HALF_WRITTEN.test(name)) continue;
      const path = join(folder, name);
      const facts = await stat(path).catch(() => undefined);
      if (!facts?.isFile() || now - facts.mtimeMs < YOUNG_MS) continue;
      if (!dryRun) await rm(path, { force: true });
      removed += 1;
      total.count += 1;
      total.bytes += facts.size;
    }
    if (removed > 0 && !dryRun) await syncFolder(folder);
  };
  const root = join(dir, 'artifacts');
  for (const name of await readdir(root).catch(() => []))
    if (/^[0-9a-f]{2}$/.test(name)) await look(join(root, name), artifacts, (file) => !BLOB.test(file) || keepsArtifact(file));
  await look(join(dir, 'spools'), spools, (file) => {
    const attempt = SPOOL.exec(file)?.[1];
    return attempt === undefined || keepsAttempt(attempt);
  });
  return { artifacts, spools };
}

/**
 * Where a journal begins: at commit 1, or behind the last commit that a compaction removed.
 *
 * 1. Without `journal/compacted.json` it begins at commit 1, and anything missing there is damage.
 * 2. The base is a state of any version: later versions of `evolve` only add what may be absent.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { emptyState, type State } from '../../shared/state/evolve.ts';
import { fromJson, type StateJson } from '../../shared/state/serialize.ts';
import { journalFolder } from './disk.ts';
import { sha256 } from './format.ts';
import { NO_HASH, type Head } from './port.ts';
import { headBefore, type Segment } from './segments.ts';

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** One compaction: the commits that it removed, the hash of the last of them, when, by whom, and what was asked for. */
const Removal = z.strictObject({
  first: z.int().positive(),
  last: z.int().positive(),
  hash: Hash,
  at: z.string(),
  by: z.string(),
  before: z.string(),
});
export type Removal = z.infer<typeof Removal>;

const Compacted = z.strictObject({
  format: z.literal(1),
  /** SHA-256 of the base's file. */
  sum: Hash,
  removals: z.array(Removal).min(1),
});

const Base = z.strictObject({ evolve: z.int().positive(), seq: z.int().positive(), hash: Hash, state: z.unknown() });

/** Name of the small file that says what was removed. */
export const COMPACTED_FILE = 'compacted.json';

/** Where the state after commit `seq` lies, when that was the last one removed. */
export const basePath = (dir: string, seq: number): string => join(journalFolder(dir), `base-${seq}.json`);

/** The compactions of a journal, oldest first; none for one that is whole. Throws when the file is not what was written. */
export async function readRemovals(dir: string): Promise<Removal[]> {
  return (await readCompacted(dir))?.removals ?? [];
}

async function readCompacted(dir: string): Promise<z.infer<typeof Compacted> | undefined> {
  const path = join(journalFolder(dir), COMPACTED_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return Compacted.parse(JSON.parse(text));
  } catch {
    throw Object.assign(
      new Error(`${path} is not what was written. Bring it back from a copy: without it nobody can tell what was removed.`),
      { code: 'compacted_damaged' },
    );
  }
}

/** The head that the first segment of a journal continues: commit 0, or the last one that a compaction removed. */
export async function readStart(dir: string, first?: Segment): Promise<Head> {
  const last = (await readRemovals(dir)).at(-1);
  if (!last) return { seq: 0, hash: NO_HASH };
  // A compaction that was cut short: what is left of its segments is sound in itself.
  if (first && first.header.first <= last.last) return headBefore(first.header);
  return { seq: last.last, hash: last.hash };
}

/** The state at the start of what is left of the journal; the empty one for a journal that is whole. Throws when it is not what was written. */
export async function readBase(dir: string): Promise<{ state: State; hash: string }> {
  const compacted = await readCompacted(dir);
  const last = compacted?.removals.at(-1);
  if (!compacted || !last) return { state: emptyState(), hash: NO_HASH };
  const path = basePath(dir, last.last);
  const text = await readFile(path, 'utf8').catch(() => '');
  if (sha256(text) !== compacted.sum) {
    throw Object.assign(new Error(`${path} is not what was written, and the commits before it were removed. Bring it back from a copy.`), {
      code: 'compacted_damaged',
    });
  }
  const { state, hash } = Base.parse(JSON.parse(text));
  return { state: fromJson(state as StateJson), hash };
}

/**
 * A folder as a source: each file in it is an item, and lies in `done/` or `failed/` when its run has ended.
 *
 * 1. A file is taken when it looked the same at two polls: whoever writes it has finished.
 * 2. Links and folders are no items, and names that begin with a dot are not either. No file is overwritten.
 */
import { lstat, mkdir, open, readdir, realpath, rename } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Firing } from '../../shared/state/trigger.ts';
import type { Item, Source } from './poll.ts';

/** Files that one poll looks at. */
const MAX_FILES = 1_000;
/** Text of a file that a run may be given. */
const MAX_TEXT_BYTES = 8 * 1024;

export interface FolderRequest {
  folder: string;
  /** It must lie in here, links resolved; undefined: anywhere. */
  within: string | undefined;
}

export function openFolder({ folder, within }: FolderRequest): Source {
  let before = new Set<string>();
  return {
    async list() {
      await checkFolder(folder, within);
      const now = new Map<string, string>();
      for (const name of await listNames(folder)) {
        const id = await identify(join(folder, name));
        if (id !== undefined) now.set(`${name}:${id}`, name);
      }
      const settled = [...now].filter(([id]) => before.has(id));
      before = new Set(now.keys());
      return Promise.all(settled.map(([id, name]) => describeItem(folder, id, name)));
    },
    acknowledge: (firing) => moveAway(folder, firing),
  };
}

async function checkFolder(folder: string, within: string | undefined): Promise<void> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined || !(await lstat(real)).isDirectory()) throw new Error(`There is no folder ${folder}. Make it; files go into it.`);
  if (within === undefined) return;
  const root = await realpath(within);
  if (real !== root && !real.startsWith(root + sep)) throw new Error(`${folder} leads out of ${within}, so nothing is taken from it.`);
}

async function listNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => name);
  return names.sort().slice(0, MAX_FILES);
}

/** What tells a file from another one of its name; undefined when it has gone. A file that was moved away and back is new. */
async function identify(path: string): Promise<string | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  return facts?.isFile() ? `${facts.size}.${Math.trunc(facts.ctimeMs)}.${facts.ino}` : undefined;
}

async function describeItem(folder: string, id: string, name: string): Promise<Item> {
  const path = join(folder, name);
  const { text, size } = await readSmall(path);
  return { id, name, summary: `${name} came`, facts: { item: { id, name, path, size, ...(text === undefined ? {} : { text }) } } };
}

async function readSmall(path: string): Promise<{ text?: string; size: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > MAX_TEXT_BYTES) return { size };
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_TEXT_BYTES), 0, MAX_TEXT_BYTES, 0);
    return { size, text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead)) };
  } catch (error) {
    // Not a text: the run finds it by its path.
    if (error instanceof TypeError) return { size: (await file.stat()).size };
    throw error;
  } finally {
    await file.close();
  }
}

/** A file that was changed or taken away meanwhile is left: it is another item, or nobody's any more. */
async function moveAway(folder: string, { id, item = '', outcome, run }: Firing): Promise<void> {
  const path = join(folder, item);
  const still = await identify(path);
  if (item === '' || still === undefined || id !== `item:${item}:${still}`) return;
  const to = join(folder, outcome === 'success' ? 'done' : 'failed');
  await mkdir(to, { recursive: true });
  const taken = (await lstat(join(to, item)).catch(() => undefined)) !== undefined;
  await rename(path, join(to, taken ? `${item}.${run}` : item));
}

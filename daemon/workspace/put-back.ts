/**
 * Puts files of a worktree back as a tree has them, while somebody who is not trusted works there.
 *
 * 1. Nothing outside of the worktree is written or removed, whatever becomes of its folders meanwhile: each folder on the way is
 *    opened without following links, and what is written is named by the open folder.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runGit } from '../platform/git.ts';
import { placeOf } from './inspect.ts';
import type { Worktree } from './worktrees.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

interface Entry {
  mode: string;
  content: Buffer;
}

/** Puts each path back, or removes it where the tree has none; returns those for which that was not possible. */
export async function putBack(worktree: Worktree, tree: string, paths: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const path of paths) {
    try {
      const entry = await readEntry(worktree, tree, path);
      if (!(await putOne(worktree.path, path, entry))) left.push(path);
    } catch {
      left.push(path);
    }
  }
  return left;
}

async function readEntry(worktree: Worktree, tree: string, path: string): Promise<Entry | undefined> {
  const place = placeOf(worktree);
  const { stdout } = await runGit(place, ['ls-tree', '-z', '--full-tree', tree, '--', path]);
  const [line = ''] = stdout.toString('utf8').split('\0');
  if (line === '') return undefined;
  const [mode = '', type, oid = ''] = line.slice(0, line.indexOf('\t')).split(' ');
  if (type !== 'blob') throw new TypeError(`${path} is no file.`);
  return { mode, content: (await runGit(place, ['cat-file', 'blob', oid], { maxBytes: MAX_BYTES })).stdout };
}

/** False when something is in the way that is no file. */
async function putOne(root: string, path: string, entry: Entry | undefined): Promise<boolean> {
  // Without a name for an open folder somebody could lead the way elsewhere.
  if (process.platform !== 'linux') return false;
  const parts = dirname(path) === '.' ? [] : dirname(path).split('/');
  const folders: FileHandle[] = [await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)];
  try {
    for (const part of parts) {
      const next = join(nameOf(folders), part);
      if (entry) await mkdir(next).catch(() => undefined);
      folders.push(await open(next, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    }
    const target = join(nameOf(folders), basename(path));
    if ((await lstat(target).catch(() => undefined))?.isDirectory()) return false;
    await rm(target, { force: true });
    if (!entry) return true;
    if (entry.mode === '120000') await symlink(entry.content.toString('utf8'), target);
    else await writeFile(target, entry.content, { flag: 'wx', mode: entry.mode === '100755' ? 0o755 : 0o644 });
    return true;
  } finally {
    for (const folder of folders) await folder.close();
  }
}

function nameOf(folders: readonly FileHandle[]): string {
  return `/proc/self/fd/${folders.at(-1)?.fd ?? -1}`;
}

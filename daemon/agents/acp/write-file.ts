/** Writes a file for an agent, inside the attempt's worktree and nowhere else, whatever the agent does to the path meanwhile. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** Bytes of one file. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Writes a text; says in a sentence why not, or undefined when it was written. */
export async function writeInside(root: string, path: string, content: string): Promise<string | undefined> {
  if (Buffer.byteLength(content) > MAX_BYTES) return `${path} would have more than ${MAX_BYTES} bytes.`;
  const base = await realpath(root);
  const target = resolve(base, path);
  const outside = `${path} lies outside of the worktree, or in .git.`;
  if (!isPlainInside(base, target)) return outside;
  try {
    if (!isInsideOrBase(base, await realParent(dirname(target)))) return outside;
    await mkdir(dirname(target), { recursive: true });
    const parent = await realpath(dirname(target));
    const real = join(parent, basename(target));
    if (!isPlainInside(base, real)) return outside;
    const handle = await open(real, constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o644);
    try {
      // Somebody may have put a link in the way after the look above; what counts is the file that is open.
      if (!(await isOpenedInside(handle, base, real))) return outside;
      await handle.truncate(0);
      await handle.writeFile(content, 'utf8');
    } finally {
      await handle.close();
    }
    return undefined;
  } catch (error) {
    return `${path} could not be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`;
  }
}

/** The real path of the nearest folder above that exists. */
async function realParent(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    return realParent(dirname(folder));
  }
}

function isInsideOrBase(base: string, folder: string): boolean {
  return folder === base || isPlainInside(base, folder);
}

function isPlainInside(base: string, target: string): boolean {
  const within = relative(base, target);
  if (within === '' || within.startsWith('..') || isAbsolute(within)) return false;
  return within.split(sep).every((part) => part.toLowerCase() !== '.git');
}

async function isOpenedInside(handle: FileHandle, base: string, path: string): Promise<boolean> {
  if (process.platform === 'linux') return isPlainInside(base, await readlink(`/proc/self/fd/${handle.fd}`));
  const [opened, named]: Stats[] = await Promise.all([handle.stat(), lstat(path)]);
  return opened !== undefined && opened.ino === named?.ino && opened.dev === named.dev && (await realpath(path)) === path;
}

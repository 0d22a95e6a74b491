import { readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { ActionPath } from '../../shared/state/action.ts';

/** Links to what is not there yet that are followed in one path. */
const MAX_LINKS = 16;

/**
 * Where a path really leads now, in the worktree at `root` (absolute): links and `..` are resolved as the file system would,
 * also in front of what does not exist yet. A relative path is one of `folder`, which is `root` unless said otherwise.
 */
export async function resolveLivePath(root: string, path: string, folder: string = root): Promise<ActionPath> {
  const [base, real] = await Promise.all([followAll(root, 0), followAll(isAbsolute(path) ? path : join(folder, path), 0)]);
  const within = relative(base, real);
  const inside = within === '' || (!within.startsWith(`..${sep}`) && within !== '..' && !isAbsolute(within));
  const parts = inside ? within.split(sep) : real.split(sep);
  return { path: real, relative: inside ? parts.join('/') : '', inside, git: parts.some(isGitName) };
}

/** The real path of what exists of it, with the rest behind; a link to nothing is followed too. */
async function followAll(path: string, links: number): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const parent = dirname(whole);
    if (parent === whole) return whole;
    const folder = await followAll(parent, links);
    const target = await readlink(join(folder, basename(whole))).catch(() => undefined);
    if (target === undefined || links >= MAX_LINKS) return join(folder, basename(whole));
    return followAll(resolve(folder, target), links + 1);
  }
}

// Also where a file system folds case, or drops trailing dots and spaces.
function isGitName(part: string): boolean {
  return /^\.git[. ]*$/i.test(part) || /^git~1$/i.test(part);
}

import { readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, relative, sep } from 'node:path';
import type { ActionPath } from '../../shared/state/action.ts';

/** Times that one path climbs with `..`, or follows a link to what is not there yet; one with more counts as outside. */
const MAX_STEPS = 64;

/**
 * Where a path really leads now, in the worktree at `root` (absolute): links and `..` are resolved as the file system would,
 * also in front of what does not exist yet. A relative path is one of `folder`, which is `root` unless said otherwise.
 */
export async function resolveLivePath(root: string, path: string, folder: string = root): Promise<ActionPath> {
  const whole = isAbsolute(path) ? path : `${folder}${sep}${path}`;
  const [base, real] = await Promise.all([climb(root, { left: MAX_STEPS }), climb(whole, { left: MAX_STEPS })]);
  if (base === undefined || real === undefined) return { path: whole, relative: '', inside: false, git: whole.split(sep).some(isGitName) };
  const within = relative(base, real);
  const inside = within === '' || (!within.startsWith(`..${sep}`) && within !== '..' && !isAbsolute(within));
  const parts = inside ? within.split(sep) : real.split(sep);
  return { path: real, relative: inside ? parts.join('/') : '', inside, git: parts.some(isGitName) };
}

interface Steps {
  left: number;
}

/** `a/..` leads from where `a` really is, which is elsewhere than its name says when `a` is a link; undefined after too many steps. */
async function climb(path: string, steps: Steps): Promise<string | undefined> {
  const { root } = parse(path);
  let real = root;
  let ahead = path.slice(root.length).split(sep === '/' ? sep : /[/\\]/);
  for (;;) {
    const at = ahead.indexOf('..');
    if (at < 0) return followAll(join(real, ...ahead), steps);
    const before = await followAll(join(real, ...ahead.slice(0, at)), steps);
    if (before === undefined || (steps.left -= 1) < 0) return undefined;
    real = dirname(before);
    ahead = ahead.slice(at + 1);
  }
}

/** The real path of what exists of it, with the rest behind; a link to nothing is followed too. */
async function followAll(path: string, steps: Steps): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    if (parent === path) return path;
    const folder = await followAll(parent, steps);
    if (folder === undefined) return undefined;
    const target = await readlink(join(folder, basename(path))).catch(() => undefined);
    if (target === undefined) return join(folder, basename(path));
    // The file system gives up as well, or follows what was not looked at.
    if ((steps.left -= 1) < 0) return undefined;
    return climb(isAbsolute(target) ? target : `${folder}${sep}${target}`, steps);
  }
}

// Also where a file system folds case, or drops trailing dots and spaces.
function isGitName(part: string): boolean {
  return /^\.git[. ]*$/i.test(part) || /^git~1$/i.test(part);
}

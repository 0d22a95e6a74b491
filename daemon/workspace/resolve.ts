import { posix } from 'node:path';
import { join } from 'node:path';
import type { ActionPath } from '../../shared/state/action.ts';
import { readGit, runGit } from '../platform/git.ts';
import { branchRef, requireCommit, type RepoPlace } from './inspect.ts';

/** Commit that a branch stands at; throws WorkspaceError branch_missing or branch_name_invalid. */
export async function readBranch(repo: RepoPlace, branch: string): Promise<string> {
  return requireCommit(repo, await branchRef(repo, branch), 'branch_missing');
}

/** Links that are followed in one path, and `..` that are climbed, before it counts as leading outside. */
const MAX_STEPS = 32;

/**
 * Where a path of a commit really leads when it is checked out at `root`: `..` and links are resolved within the commit, as the
 * file system would, where `link/..` is not the folder of the link. A link to an absolute path, or one that climbs out, leads outside.
 */
export async function resolvePath(repo: RepoPlace, commit: string, path: string, root: string): Promise<ActionPath> {
  const slashed = path.split('\\').join('/');
  let real = root !== '' && slashed.startsWith(`${root}/`) ? slashed.slice(root.length + 1) : slashed;
  const seen = new Set<string>();
  for (let steps = 0; ; steps++) {
    const { before, behind } = cutAtClimb(real);
    if (posix.isAbsolute(real) || (before === '.' && behind !== undefined) || steps > MAX_STEPS || seen.has(real))
      return outside(root, real);
    // A link that leads to itself leads nowhere.
    seen.add(real);
    const followed = await followFirstLink(repo, commit, before);
    if (followed === undefined && behind === undefined)
      return { path: join(root, before), relative: before, inside: true, git: isGit(before) };
    // Where nothing in front of `..` is a link, it takes back the part before.
    const climbed = followed === undefined ? posix.dirname(before) : `${followed}/..`;
    real = behind === undefined ? (followed ?? before) : `${climbed}/${behind}`;
  }
}

function outside(root: string, path: string): ActionPath {
  const real = posix.normalize(path);
  return { path: posix.isAbsolute(real) ? real : join(root, real), relative: '', inside: false, git: isGit(real) };
}

/** The parts in front of the first `..`, and what is behind it; undefined when there is none. */
function cutAtClimb(path: string): { before: string; behind: string | undefined } {
  const parts = path.split('/').filter((part) => part !== '.' && part !== '');
  const at = parts.indexOf('..');
  if (at < 0) return { before: parts.join('/') || '.', behind: undefined };
  return { before: parts.slice(0, at).join('/') || '.', behind: parts.slice(at + 1).join('/') };
}

// Also where a file system folds case, or drops trailing dots and spaces.
function isGit(path: string): boolean {
  return path.split('/').some((part) => /^\.git[. ]*$/i.test(part) || /^git~1$/i.test(part));
}

/** The path with its first link replaced by what it points to, or undefined when there is none. */
async function followFirstLink(repo: RepoPlace, commit: string, path: string): Promise<string | undefined> {
  const parts = path.split('/').filter((part) => part !== '.' && part !== '');
  const prefixes = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  if (prefixes.length === 0) return undefined;
  const { stdout } = await runGit(repo, ['ls-tree', '-z', '--full-tree', commit, '--', ...prefixes]);
  for (const entry of stdout.toString('utf8').split('\0')) {
    const match = /^120000 blob ([0-9a-f]+)\t(.*)$/s.exec(entry);
    if (!match) continue;
    const [, oid = '', link = ''] = match;
    const target = await readGit(repo, ['cat-file', 'blob', oid]);
    const rest = path.slice(link.length);
    return posix.isAbsolute(target) ? `${target}${rest}` : `${posix.dirname(link)}/${target}${rest}`;
  }
  return undefined;
}

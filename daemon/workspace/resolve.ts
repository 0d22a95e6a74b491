import { posix } from 'node:path';
import { join } from 'node:path';
import type { ActionPath } from '../../shared/state/action.ts';
import { readGit, runGit } from '../platform/git.ts';
import { branchRef, requireCommit, type RepoPlace } from './inspect.ts';

/** Commit that a branch stands at; throws WorkspaceError branch_missing or branch_name_invalid. */
export async function readBranch(repo: RepoPlace, branch: string): Promise<string> {
  return requireCommit(repo, await branchRef(repo, branch), 'branch_missing');
}

/** Links that are followed in one path before it counts as leading outside. */
const MAX_LINKS = 16;

/**
 * Where a path of a commit really leads when it is checked out at `root`: `..` and links are resolved within the commit, as the
 * file system would. A link to an absolute path, or one that climbs out, leads outside.
 */
export async function resolvePath(repo: RepoPlace, commit: string, path: string, root: string): Promise<ActionPath> {
  let real = posix.normalize(path.split('\\').join('/'));
  for (let links = 0; ; links++) {
    if (isOutside(real) || links > MAX_LINKS)
      return { path: posix.isAbsolute(real) ? real : join(root, real), relative: '', inside: false, git: isGit(real) };
    const next = await followFirstLink(repo, commit, real);
    if (next === undefined) break;
    real = next;
  }
  return { path: join(root, real), relative: real, inside: true, git: isGit(real) };
}

function isOutside(path: string): boolean {
  return posix.isAbsolute(path) || path === '..' || path.startsWith('../');
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
    return posix.normalize(posix.isAbsolute(target) ? `${target}${rest}` : `${posix.dirname(link)}/${target}${rest}`);
  }
  return undefined;
}

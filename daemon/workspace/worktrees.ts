// Worktrees of a repository: made, found and removed.
// Invariants:
// 1. The git directory of a worktree comes from the repository's own list, never from the `.git` file inside the worktree.
// 2. A worktree with work that exists nowhere else is not removed.
// 3. Making and removing can be repeated after a crash at any point, with the same result.
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, type GitWhere, runGit } from '../platform/git.ts';
import { branchRef, readCommit, readHead, readStatus, type RepoPlace } from './inspect.ts';
import { checkWorktreeLink, exists, readBackLink, readLine, realOf } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';

const LOCK_PREFIX = 'signalbox: ';

/** A linked worktree as the repository knows it. */
export interface Worktree extends RepoPlace {
  readonly path: string;
  readonly branch: string;
  readonly head: string;
  /** For runGit in this worktree. */
  readonly where: Required<GitWhere>;
}

/** One entry of the repository's list of linked worktrees; the folder may be gone. */
export interface WorktreeEntry extends RepoPlace {
  readonly path: string;
}

/** The linked worktrees that the repository knows, read from its own directory. */
export async function listWorktrees({ commonDir }: RepoPlace): Promise<WorktreeEntry[]> {
  const root = join(commonDir, 'worktrees');
  const names = await readdir(root).catch(() => []);
  const entries = await Promise.all(
    names.map(async (name): Promise<WorktreeEntry[]> => {
      const gitDir = join(root, name);
      const path = await readBackLink(gitDir);
      return path === undefined ? [] : [{ gitDir, commonDir, path }];
    }),
  );
  return entries.flat();
}

/** The entry for the worktree at `path`, or undefined. */
export async function findWorktree(repo: RepoPlace, path: string): Promise<WorktreeEntry | undefined> {
  const real = await realOf(path);
  return (await listWorktrees(repo)).find((entry) => entry.path === real);
}

/**
 * Makes a worktree at `path` on a new `branch` that starts at `base`, without running any checkout filter or hook.
 * Called again it returns the same worktree. Throws WorkspaceError repository_empty, base_missing, branch_exists, branch_name_invalid, worktree_path_in_use or worktree_tampered.
 */
export async function createWorktree({
  repo,
  path,
  branch,
  base,
}: {
  repo: RepoPlace;
  path: string;
  branch: string;
  base: string;
}): Promise<Worktree> {
  const ref = await branchRef(repo, branch);
  const real = await realOf(path);
  const entry = await findUsable(repo, real);
  if (entry) return finishWorktree(entry, branch);
  const start = await readBase(repo, base);
  const tip = await readCommit(repo, ref);
  if (tip !== undefined && tip !== start) {
    throw new WorkspaceError('branch_exists', `The branch ${branch} already exists at another commit. Choose another name.`, {
      branch,
      tip,
      base: start,
    });
  }
  const content = await readdir(real).catch(() => []);
  if (content.length > 0) throw inUse(real);
  if (tip === undefined) await runGit(repo, ['update-ref', '-m', 'signalbox: worktree', ref, start, '0'.repeat(start.length)]);
  await addWorktree(repo, real, branch);
  const made = await findWorktree(repo, real);
  if (!made) throw new WorkspaceError('worktree_missing', `git made no worktree at ${real}.`, { path: real });
  return finishWorktree(made, branch);
}

async function addWorktree({ gitDir, commonDir }: RepoPlace, path: string, branch: string): Promise<void> {
  try {
    await runGit({ gitDir, commonDir }, ['worktree', 'add', '--no-checkout', '--quiet', '--end-of-options', path, branch]);
  } catch (error) {
    if (!(error instanceof GitError) || !/already (checked out|used)/.test(error.stderr)) throw error;
    throw new WorkspaceError('branch_exists', `The branch ${branch} is checked out elsewhere. Choose another name.`, {
      branch,
      git: error.message,
    });
  }
}

async function readBase(repo: RepoPlace, base: string): Promise<string> {
  const commit = await readCommit(repo, base);
  if (commit !== undefined) return commit;
  const { stdout } = await runGit(repo, ['rev-list', '--all', '--max-count=1']);
  if (stdout.length === 0) throw new WorkspaceError('repository_empty', 'The repository has no commit yet. Make a first commit.', {});
  throw new WorkspaceError('base_missing', `${base} names no commit in this repository.`, { base });
}

function inUse(path: string): WorkspaceError {
  return new WorkspaceError('worktree_path_in_use', `${path} already holds something else. Remove it or choose another path.`, { path });
}

// What a crash inside "git worktree add" left behind is taken away, so that it can be made again.
async function findUsable(repo: RepoPlace, path: string): Promise<WorktreeEntry | undefined> {
  const entry = await findWorktree(repo, path);
  if (!entry) return undefined;
  const content = await readdir(path).catch(() => []);
  const unfinished = (await readLine(join(entry.gitDir, 'locked'))) === 'initializing';
  if (!unfinished && content.length > 0) return entry;
  if (content.some((name) => name !== '.git')) throw inUse(path);
  await rm(path, { recursive: true, force: true });
  await rm(entry.gitDir, { recursive: true, force: true });
  return undefined;
}

async function finishWorktree(entry: WorktreeEntry, branch: string): Promise<Worktree> {
  const { path, gitDir, commonDir } = entry;
  await checkWorktreeLink(path, gitDir);
  const head = await readHead(entry);
  if (head.branch !== branch || head.commit === undefined) throw inUse(path);
  const where = { gitDir, commonDir, workTree: path };
  // Without an index the files were never completely written; nobody can have worked here yet.
  if (!(await exists(join(gitDir, 'index')))) await runGit(where, ['read-tree', '--reset', '-u', head.commit]);
  return { path, gitDir, commonDir, branch, head: head.commit, where };
}

/**
 * Removes the worktree at `path`; its branch stays. True when there was one, false when it was already gone.
 * Throws WorkspaceError worktree_dirty, worktree_locked or worktree_tampered, and then nothing was touched.
 */
export async function removeWorktree({ repo, path }: { repo: RepoPlace; path: string }): Promise<boolean> {
  const entry = await findWorktree(repo, await realOf(path));
  if (!entry) return false;
  if (await exists(entry.path)) await refuseLoss(entry);
  await takeAway(entry);
  return true;
}

/** Removes a worktree and what the repository knows of it, whatever is in it; its branch stays. */
export async function takeAway({ path, gitDir }: WorktreeEntry): Promise<void> {
  const trash = `${path}.signalbox-removed`;
  if (await exists(path)) {
    // Renamed first: half-deleted files would look like somebody's uncommitted work to the next try.
    await rm(trash, { recursive: true, force: true });
    await rename(path, trash);
  }
  await rm(trash, { recursive: true, force: true });
  await rm(gitDir, { recursive: true, force: true });
}

/** Locks a worktree while it is used, so that no `git worktree prune` or `remove` takes it away. */
export async function lockWorktree({ gitDir }: Pick<WorktreeEntry, 'gitDir'>, reason: string): Promise<void> {
  await writeFile(join(gitDir, 'locked'), `${LOCK_PREFIX}${reason}\n`);
}

/** Takes away a lock that lockWorktree made; somebody else's stays. */
export async function unlockWorktree({ gitDir }: Pick<WorktreeEntry, 'gitDir'>): Promise<void> {
  const reason = await readLine(join(gitDir, 'locked'));
  if (reason?.startsWith(LOCK_PREFIX)) await rm(join(gitDir, 'locked'), { force: true });
}

async function refuseLoss(entry: WorktreeEntry): Promise<void> {
  const { path, gitDir, commonDir } = entry;
  await checkWorktreeLink(path, gitDir);
  if (await exists(join(gitDir, 'locked'))) {
    throw new WorkspaceError('worktree_locked', `The worktree at ${path} is locked. Run "git worktree unlock" if it may go.`, { path });
  }
  const where = { gitDir, commonDir, workTree: path };
  const { changed, untracked } = await readStatus(where);
  const submodules = await listOpenSubmodules(where);
  const detached = await readLooseHead(entry);
  if (changed.length + untracked.length + submodules.length === 0 && detached === undefined) return;
  throw new WorkspaceError('worktree_dirty', `The worktree at ${path} holds work that is nowhere else. Commit it or move it away first.`, {
    path,
    changed: changed.slice(0, 100),
    untracked: untracked.slice(0, 100),
    submodules: submodules.slice(0, 100),
    ...(detached === undefined ? {} : { detachedCommit: detached }),
  });
}

/** Submodules with files, and repositories that were added as such: their state is never asked for, so they count as work. */
export async function listOpenSubmodules(where: Required<GitWhere>, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const { stdout } = await runGit(where, ['ls-files', '--stage', '-z'], { env });
  const paths = stdout
    .toString('utf8')
    .split('\0')
    .flatMap((line) => (line.startsWith('160000 ') ? [line.slice(line.indexOf('\t') + 1)] : []));
  const open = await Promise.all(
    paths.map(async (path) => ((await readdir(join(where.workTree, path)).catch(() => [])).length > 0 ? [path] : [])),
  );
  return open.flat();
}

/** The commit of a detached HEAD that no branch or tag contains. */
async function readLooseHead(entry: WorktreeEntry): Promise<string | undefined> {
  const { branch, commit } = await readHead(entry);
  if (branch !== undefined || commit === undefined) return undefined;
  const { stdout } = await runGit(entry, ['for-each-ref', '--count=1', '--contains', commit]);
  return stdout.length === 0 ? commit : undefined;
}

/** Deletes a branch that still stands where it began, so that nothing is lost with it; says whether it did. Throws WorkspaceError branch_name_invalid. */
export async function dropUnusedBranch({ repo, branch, base }: { repo: RepoPlace; branch: string; base: string }): Promise<boolean> {
  const ref = await branchRef(repo, branch);
  const { code } = await runGit(repo, ['update-ref', '-d', ref, base], { okCodes: [0, 1, 128] });
  return code === 0;
}

// Lets the work trees that have a branch checked out follow when the branch moves.
// Invariants:
// 1. Somebody's uncommitted or untracked file is never overwritten: that is checked before the branch moves.
// 2. Only a work tree whose `.git` leads back to its git directory is written to; core.worktree is not believed.
// 3. The intent to follow is on disk before the branch moves, so that a crash in between is finished by the next call.
import { createHash } from 'node:crypto';
import { lstat, readFile, readlink, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '../platform/atomic.ts';
import { GitError, type GitWhere, isMarkedBare, runGit } from '../platform/git.ts';
import { listChanges } from './diff.ts';
import { readHeadBranch, readStatus, type RepoPlace } from './inspect.ts';
import { checkWorktreeLink, exists, readGitFile, readLine } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';
import { listWorktrees } from './worktrees.ts';

/** A work tree that has a branch checked out. */
export interface Checkout {
  readonly path: string;
  readonly where: Required<GitWhere>;
}

/** A move of a branch that checkouts follow. */
export interface BranchMove {
  readonly from: string;
  readonly to: string;
}

const OPERATIONS = [
  'MERGE_HEAD',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'BISECT_LOG',
  'rebase-merge',
  'rebase-apply',
  'sequencer',
  'index.lock',
];
const INTENT_FILE = 'signalbox-follow';

/** A checkout that could not follow: `paths` are in the way, or `operation` is in progress there. */
export interface BehindCheckout {
  readonly path: string;
  readonly paths: readonly string[];
  readonly operation?: string;
}

/** The checkouts of a branch whose folders exist, also those that are rebasing it; throws WorkspaceError worktree_tampered. */
export async function findCheckouts(repo: RepoPlace & { readonly path?: string }, branch: string): Promise<Checkout[]> {
  const { commonDir } = repo;
  const main = await findMainCheckout(repo);
  const linked = (await listWorktrees(repo)).map((entry) => ({ ...entry, main: false }));
  const checkouts: Checkout[] = [];
  for (const entry of [...(main === undefined ? [] : [{ path: main, gitDir: commonDir, main: true }]), ...linked]) {
    const where = { gitDir: entry.gitDir, commonDir, workTree: entry.path };
    // Its folder may be gone, and be going right now: what has no folder has nothing to follow.
    if (!(await exists(entry.path))) continue;
    const isHere = (await readBranchOf(where)) === branch;
    if (!isHere && !(await isRebasing(entry.gitDir, branch))) continue;
    if (!entry.main) await checkWorktreeLink(entry.path, entry.gitDir);
    checkouts.push({ path: entry.path, where });
  }
  return checkouts;
}

// Beside `.git` itself, or where the caller came from when that is a `.git` file leading here (a submodule, a separate git directory).
async function findMainCheckout({ commonDir, path }: RepoPlace & { readonly path?: string }): Promise<string | undefined> {
  if (await isMarkedBare({ gitDir: commonDir })) return undefined;
  if (basename(commonDir) === '.git') return dirname(commonDir);
  if (path !== undefined && (await readGitFile(join(path, '.git'))) === commonDir) return path;
  return undefined;
}

/** The branch of a checkout; undefined also for one that is being removed. */
async function readBranchOf({ gitDir, commonDir }: RepoPlace): Promise<string | undefined> {
  try {
    return await readHeadBranch({ gitDir, commonDir });
  } catch (error) {
    if (error instanceof GitError && !(await exists(gitDir))) return undefined;
    throw error;
  }
}

async function isRebasing(gitDir: string, branch: string): Promise<boolean> {
  const names = await Promise.all(['rebase-merge/head-name', 'rebase-apply/head-name'].map((file) => readLine(join(gitDir, file))));
  return names.includes(`refs/heads/${branch}`);
}

async function findOperation({ where }: Checkout): Promise<string | undefined> {
  for (const name of OPERATIONS) if (await exists(join(where.gitDir, name))) return name;
  return undefined;
}

/** Checks that every checkout can follow; throws WorkspaceError operation_in_progress, or would_overwrite with the paths in the way, and nothing was touched. */
export async function checkFollow(repo: RepoPlace, checkouts: readonly Checkout[], move: BranchMove): Promise<void> {
  for (const checkout of checkouts) {
    const operation = await findOperation(checkout);
    if (operation !== undefined) {
      throw new WorkspaceError(
        'operation_in_progress',
        `A git operation (${operation}) is in progress in ${checkout.path}. Finish or abort it and try again.`,
        { path: checkout.path, operation },
      );
    }
    const paths = await findObstacles(repo, checkout, move);
    if (paths.length === 0) continue;
    throw new WorkspaceError(
      'would_overwrite',
      `Uncommitted changes in ${checkout.path} are in the way: ${paths.slice(0, 5).join(', ')}. Commit or stash them and try again.`,
      {
        path: checkout.path,
        paths: paths.slice(0, 200),
      },
    );
  }
}

/** Paths that the move changes and that somebody has changed too; empty when the checkout can follow. */
async function findObstacles(repo: RepoPlace, { where }: Checkout, move: BranchMove): Promise<string[]> {
  const changes = await listChanges({ repo, ...move });
  // git would overwrite an ignored file without a word, so untracked files are looked for here.
  const tracked = await listTracked(where);
  const untracked = [];
  for (const { path, status, oid } of changes) {
    if (status !== 'A' || tracked.has(path) || oid === undefined) continue;
    if ((await isOnDisk(where.workTree, path)) && !(await holds(where, path, oid))) untracked.push(path);
  }
  if (untracked.length > 0) return untracked;
  await runGit(where, ['update-index', '-q', '--refresh'], { okCodes: [0, 1, 128] });
  const dryRun = await runGit(where, ['read-tree', '-n', '-m', '-u', move.from, move.to], { okCodes: [0, 1, 128] });
  if (dryRun.code === 0) return [];
  const dirty = await listDirty(where, move.from);
  const paths = changes.map(({ path }) => path).filter((path) => dirty.some((name) => name === path || overlap(name, path)));
  return paths.length > 0 ? paths : [dryRun.stderr.split('\n', 1)[0] ?? 'unknown'];
}

/** What differs from the commit that the checkout was at; HEAD may already be past it. */
async function listDirty(where: Required<GitWhere>, from: string): Promise<string[]> {
  const compare = ['diff-index', '--name-only', '--no-renames', '-z'];
  const [files, index, status] = await Promise.all([
    runGit(where, [...compare, from]),
    runGit(where, [...compare, '--cached', from]),
    readStatus(where),
  ]);
  const names = [files, index].flatMap(({ stdout }) => stdout.toString('utf8').split('\0'));
  return [...new Set([...names, ...status.untracked])].filter((name) => name !== '');
}

function overlap(name: string, path: string): boolean {
  const folder = name.endsWith('/') ? name : `${name}/`;
  return path.startsWith(folder) || name.startsWith(`${path}/`);
}

async function listTracked(where: Required<GitWhere>): Promise<Set<string>> {
  const { stdout } = await runGit(where, ['ls-files', '-z']);
  return new Set(stdout.toString('utf8').split('\0'));
}

// A path through a symbolic link, or through a file where a folder must be, is in the way as well.
async function isOnDisk(workTree: string, path: string): Promise<boolean> {
  let current = workTree;
  const parts = path.split('/');
  for (const [index, part] of parts.entries()) {
    current = join(current, part);
    const facts = await lstat(current).catch(() => undefined);
    if (!facts) return false;
    if (index < parts.length - 1 && !facts.isDirectory()) return true;
  }
  return true;
}

/** Whether the file on disk is exactly the object: then an interrupted call has already written it. */
async function holds(where: Required<GitWhere>, path: string, oid: string): Promise<boolean> {
  const full = join(where.workTree, path);
  const facts = await lstat(full).catch(() => undefined);
  if (!facts || !(facts.isFile() || facts.isSymbolicLink())) return false;
  const content = facts.isFile() ? await readFile(full) : Buffer.from(await readlink(full));
  const hash = createHash(oid.length === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex') === oid;
}

/** Writes down, durably, that these checkouts are about to follow. */
export async function recordIntent(checkouts: readonly Checkout[], move: BranchMove): Promise<void> {
  for (const { where } of checkouts) await writeFileAtomic(join(where.gitDir, INTENT_FILE), `${move.from} ${move.to}\n`);
}

/** Forgets the intent, because the branch did not move. */
export async function dropIntent(checkouts: readonly Checkout[]): Promise<void> {
  for (const { where } of checkouts) await rm(join(where.gitDir, INTENT_FILE), { force: true });
}

/** Brings checkouts to the new commit of their branch; returns those that could not follow. */
export async function followMove(repo: RepoPlace, checkouts: readonly Checkout[], move: BranchMove): Promise<BehindCheckout[]> {
  const behind: BehindCheckout[] = [];
  for (const checkout of checkouts) {
    const { where, path } = checkout;
    const operation = await findOperation(checkout);
    if (operation !== undefined) {
      behind.push({ path, paths: [], operation });
      continue;
    }
    try {
      await runGit(where, ['read-tree', '-m', '-u', move.from, move.to], { timeoutMs: 300_000 });
      await dropIntent([checkout]);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      behind.push({ path, paths: await findObstacles(repo, checkout, move) });
    }
  }
  return behind;
}

/** Finishes an interrupted followMove: only checkouts that recorded the intent for exactly this move are touched. */
export async function finishMove(repo: RepoPlace, checkouts: readonly Checkout[], move: BranchMove): Promise<BehindCheckout[]> {
  const intents = await Promise.all(checkouts.map(({ where }) => readLine(join(where.gitDir, INTENT_FILE))));
  const unfinished = checkouts.filter((_, index) => intents[index] === `${move.from} ${move.to}`);
  for (const checkout of unfinished) if ((await findOperation(checkout)) === undefined) await adoptWritten(repo, checkout, move);
  return followMove(repo, unfinished, move);
}

/** Tells the index of files that an interrupted read-tree has already written, or they would look like somebody's changes. */
async function adoptWritten(repo: RepoPlace, { where }: Checkout, move: BranchMove): Promise<void> {
  const changes = await listChanges({ repo, ...move });
  const written: string[] = [];
  for (const { path, oid } of changes) {
    if (oid !== undefined && (await holds(where, path, oid))) written.push(path);
  }
  if (written.length === 0) return;
  await runGit(where, ['update-index', '--add', '-z', '--stdin'], { stdin: written.map((path) => `${path}\0`).join('') });
}

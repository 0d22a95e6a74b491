// What there is to know about a repository before anything is done with it. Executes nothing of the repository and changes nothing in it.
import { join } from 'node:path';
import { GitError, type GitWhere, isMarkedBare, listTree, readGit, runGit } from '../platform/git.ts';
import { locateRepo, readLine, type RepoLocation } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';

/** Which repository: what every function of this folder needs to know of it. */
export interface RepoPlace {
  readonly gitDir: string;
  readonly commonDir: string;
}

/** Only the directories of what may know more: commands about objects and branches must not see a work tree. */
export function placeOf({ gitDir, commonDir }: RepoPlace): RepoPlace {
  return { gitDir, commonDir };
}

/** A repository as found. */
export interface RepoInfo extends RepoPlace {
  /** The real path of the top level; of a bare repository its git directory. */
  readonly path: string;
  readonly bare: boolean;
  /** Whether `path` is a worktree made by "git worktree add". */
  readonly linkedWorktree: boolean;
  /** `branch` is absent when HEAD is detached, `commit` when there is none yet. */
  readonly head: { readonly branch?: string; readonly commit?: string };
  /** How many paths have uncommitted changes, and how many are neither tracked nor ignored (a folder counts once). */
  readonly dirty: { readonly changed: number; readonly untracked: number };
  /** Paths of submodules in HEAD. */
  readonly submodules: readonly string[];
  /** For runGit in this checkout. */
  readonly where: GitWhere;
}

/** Describes the repository that contains `path`; throws WorkspaceError path_missing, not_a_repository, worktree_tampered or repository_unreadable. */
export async function inspectRepo(path: string): Promise<RepoInfo> {
  const location = await locateRepo(path);
  try {
    return await describeRepo(location);
  } catch (error) {
    if (!(error instanceof GitError) || error.code === 'git_missing' || error.code === 'git_timeout') throw error;
    throw new WorkspaceError(
      'repository_unreadable',
      `git cannot read the repository at ${location.top ?? location.gitDir}: ${error.message}`,
      { path, git: error.code },
    );
  }
}

async function describeRepo({ top, gitDir, commonDir }: RepoLocation): Promise<RepoInfo> {
  const place = { gitDir, commonDir };
  const linkedWorktree = gitDir !== commonDir;
  const bare = !linkedWorktree && (top === undefined || (await isMarkedBare(place)));
  const where: GitWhere = bare || top === undefined ? place : { ...place, workTree: top };
  const head = await readHead(place);
  const [dirty, submodules] = await Promise.all([
    bare ? { changed: 0, untracked: 0 } : countDirty(where),
    head.commit === undefined ? [] : listSubmodules(place, head.commit),
  ]);
  return { ...place, path: bare ? gitDir : (top ?? gitDir), bare, linkedWorktree, head, dirty, submodules, where };
}

/** Branch and commit of a checkout's HEAD. */
export async function readHead(place: RepoPlace): Promise<RepoInfo['head']> {
  const [branch, commit] = await Promise.all([readHeadBranch(place), readCommit(place, 'HEAD')]);
  return { ...(branch === undefined ? {} : { branch }), ...(commit === undefined ? {} : { commit }) };
}

/** The branch that a checkout's HEAD is on; undefined when it is detached. */
export async function readHeadBranch(place: RepoPlace): Promise<string | undefined> {
  const head = await readLine(join(place.gitDir, 'HEAD'));
  const named = head?.startsWith('ref: refs/heads/') ? head.slice('ref: refs/heads/'.length) : '';
  if (PLAIN_BRANCH.test(named)) return named;
  const { stdout } = await runGit(place, ['symbolic-ref', '--quiet', 'HEAD'], { okCodes: [0, 1] });
  const ref = stdout.toString('utf8').trim();
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
}

/** The commit that a revision names, or undefined. */
export async function readCommit(place: GitWhere, revision: string): Promise<string | undefined> {
  const { stdout, code } = await runGit(place, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], {
    okCodes: [0, 1, 128],
  });
  return code === 0 ? stdout.toString().trim() : undefined;
}

/** Uncommitted paths of a checkout: `changed` differ from HEAD or the index, `untracked` are neither tracked nor ignored. */
export async function readStatus(where: GitWhere): Promise<{ changed: string[]; untracked: string[] }> {
  const { stdout } = await runGit(where, [
    'status',
    '--porcelain=v2',
    '-z',
    '--untracked-files=normal',
    '--no-renames',
    '--no-ahead-behind',
  ]);
  const changed: string[] = [];
  const untracked: string[] = [];
  for (const record of stdout.toString('utf8').split('\0')) {
    if (record.startsWith('? ')) untracked.push(record.slice(2));
    // "1 XY sub mH mI mW hH hI path" and "u XY sub m1 m2 m3 mW h1 h2 h3 path".
    else if (record.startsWith('1 ')) changed.push(record.split(' ').slice(8).join(' '));
    else if (record.startsWith('u ')) changed.push(record.split(' ').slice(10).join(' '));
  }
  return { changed, untracked };
}

async function countDirty(where: GitWhere): Promise<RepoInfo['dirty']> {
  const { changed, untracked } = await readStatus(where);
  return { changed: changed.length, untracked: untracked.length };
}

async function listSubmodules(place: RepoPlace, commit: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of listTree(place, commit)) if (entry.type === 'commit') paths.push(entry.path);
  return paths;
}

// What needs no look by git: nothing that it expands, forbids or keeps for itself.
const PLAIN_BRANCH = /^(?!HEAD$)(?!.*(?:\.\.|\.\/|\.$|\.lock(?:\/|$)))\w[\w.-]*(?:\/\w[\w.-]*)*$/;

/** Checks a branch name as git does and returns its full reference; throws WorkspaceError branch_name_invalid. */
export async function branchRef(place: RepoPlace, branch: string): Promise<string> {
  if (PLAIN_BRANCH.test(branch)) return `refs/heads/${branch}`;
  const { stdout, code } = await runGit(place, ['check-ref-format', '--branch', branch], { okCodes: [0, 1, 128] });
  // "@{-1}" and the like are expanded by git to another name.
  if (code !== 0 || stdout.toString('utf8').trim() !== branch || branch.startsWith('-')) {
    throw new WorkspaceError('branch_name_invalid', `${JSON.stringify(branch)} is not a valid branch name.`, { branch });
  }
  return `refs/heads/${branch}`;
}

/** The tree of a commit or tree id. */
export function readTree(place: RepoPlace, revision: string): Promise<string> {
  return readGit(place, ['rev-parse', '--verify', '--end-of-options', `${revision}^{tree}`]);
}

/** The commit that `revision` names; throws WorkspaceError with `code` when there is none. */
export async function requireCommit(
  place: RepoPlace,
  revision: string,
  code: 'base_missing' | 'commit_missing' | 'branch_missing',
): Promise<string> {
  const commit = await readCommit(place, revision);
  if (commit === undefined) throw new WorkspaceError(code, `${revision} names no commit in this repository.`, { revision });
  return commit;
}

/** Whether `ancestor` is reachable from `commit`, or is it. */
export async function isAncestor(place: RepoPlace, ancestor: string, commit: string): Promise<boolean> {
  const { code } = await runGit(place, ['merge-base', '--is-ancestor', ancestor, commit], { okCodes: [0, 1] });
  return code === 0;
}

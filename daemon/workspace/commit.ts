// Commits made by Signalbox: fixed identity and time, so that making one again gives the same id.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, readGit, runGit } from '../platform/git.ts';
import { placeOf, readCommit, readHead, readTree, type RepoPlace } from './inspect.ts';
import { checkWorktreeLink } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';

/** The trailer that ties a commit to the recorded event it is an effect of. */
export const EFFECT_TRAILER = 'Signalbox-Effect';

/** A commit to be made from a finished tree; `at` is ISO 8601, `trailers` come last in the message. `author` is somebody else, with a raw date. */
export interface CommitContent {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly at: string;
  readonly author?: { readonly name: string; readonly email: string; readonly date: string };
}

/** Writes a commit object and returns its id; the same content always gives the same id. */
export async function writeCommit(repo: RepoPlace, { tree, parents, message, trailers, at, author }: CommitContent): Promise<string> {
  const args = ['commit-tree', '--no-gpg-sign', ...parents.flatMap((parent) => ['-p', parent]), '-F', '-', tree];
  return readGit(placeOf(repo), args, { stdin: composeMessage(message, trailers), env: { ...signature(at), ...authorOf(author) } });
}

/** The message with its trailers, ending in a newline. */
export function composeMessage(message: string, trailers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(trailers).map(([key, value]) => {
    if (!/^[A-Za-z0-9-]+$/.test(key) || !/^[^\r\n\0]+$/.test(value)) throw new TypeError(`Not a trailer: ${key}`);
    return `${key}: ${value}`;
  });
  const body = message.replaceAll('\0', '').trim();
  return lines.length === 0 ? `${body}\n` : `${body}\n\n${lines.join('\n')}\n`;
}

function authorOf(author: CommitContent['author']): Record<string, string> {
  if (!author) return {};
  // git makes no commit for nobody.
  const { name, email, date } = author;
  return { GIT_AUTHOR_NAME: name.trim() || email.trim() || 'unknown', GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date };
}

function signature(at: string): Record<string, string> {
  const seconds = Math.floor(Date.parse(at) / 1000);
  if (!Number.isFinite(seconds)) throw new TypeError(`Not a time: ${at}`);
  const date = `@${seconds} +0000`;
  return {
    GIT_AUTHOR_NAME: 'Signalbox',
    GIT_AUTHOR_EMAIL: 'signalbox@localhost',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'Signalbox',
    GIT_COMMITTER_EMAIL: 'signalbox@localhost',
    GIT_COMMITTER_DATE: date,
  };
}

/** What to commit in a worktree: all changes, or only those at `paths` (relative, literal). With `branch`, HEAD must be on it. */
export interface WorktreeCommit extends RepoPlace {
  readonly workTree: string;
  readonly branch?: string;
  readonly paths?: readonly (string | Buffer)[];
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly at: string;
}

/**
 * Commits in a worktree and returns the commit, or undefined when nothing changed; done before with the same message and trailers, it returns that commit.
 * Throws WorkspaceError worktree_tampered, path_missing, repository_empty or branch_moved.
 */
export async function commitWorktree(request: WorktreeCommit): Promise<string | undefined> {
  const { gitDir, commonDir, workTree, branch, paths, message, trailers, at } = request;
  await checkWorktreeLink(workTree, gitDir);
  const head = await readHead(request);
  if (branch !== undefined && head.branch !== branch) {
    throw new WorkspaceError('worktree_tampered', `The worktree at ${workTree} is on ${head.branch ?? 'no branch'}, not on ${branch}.`, {
      path: workTree,
      branch: head.branch,
      expected: branch,
    });
  }
  const parent = head.commit;
  if (parent === undefined) throw new WorkspaceError('repository_empty', 'The worktree has no commit to build on.', { path: workTree });
  const where = { gitDir, commonDir, workTree };
  const tree = paths === undefined ? await stageAll(where) : await stageOnly(where, parent, paths);
  const isDone = tree === (await readTree(request, parent));
  const commit = isDone ? await findDone(request, parent) : await writeCommit(request, { tree, parents: [parent], message, trailers, at });
  if (commit === undefined) return undefined;
  if (!isDone) await moveHead(where, commit, parent);
  // The checkout's own index does not know yet what the separate one committed; also after a crash right here.
  if (paths !== undefined) await addPaths(where, paths);
  return commit;
}

type Where = RepoPlace & { readonly workTree: string };

async function stageAll(where: Where): Promise<string> {
  await runGit(where, ['add', '--all', '--', '.']);
  return readGit(where, ['write-tree']);
}

// In an index of its own, so that what somebody else staged stays out of this commit.
async function stageOnly(where: Where, parent: string, paths: readonly (string | Buffer)[]): Promise<string> {
  const env = { GIT_INDEX_FILE: join(where.gitDir, 'signalbox-index') };
  try {
    await runGit(where, ['read-tree', parent], { env });
    await addPaths(where, paths, env);
    return await readGit(where, ['write-tree'], { env });
  } finally {
    await rm(env.GIT_INDEX_FILE, { force: true });
  }
}

async function addPaths(where: Where, paths: readonly (string | Buffer)[], env: Record<string, string> = {}): Promise<void> {
  if (paths.length === 0) return;
  const stdin = Buffer.concat(paths.flatMap((path) => [Buffer.from(path), Buffer.from([0])]));
  try {
    await runGit(where, ['add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'], { stdin, env });
  } catch (error) {
    if (!(error instanceof GitError) || !/did not match any files/.test(error.stderr)) throw error;
    throw new WorkspaceError('path_missing', 'One of the paths to commit neither exists nor is tracked.', {
      path: where.workTree,
      git: error.message,
    });
  }
}

/** What an earlier, interrupted call committed: HEAD with exactly this message. */
async function findDone({ message, trailers, ...repo }: WorktreeCommit, head: string): Promise<string | undefined> {
  const raw = (await runGit(placeOf(repo), ['cat-file', 'commit', head])).stdout.toString('utf8');
  return raw.slice(raw.indexOf('\n\n') + 2) === composeMessage(message, trailers) ? head : undefined;
}

async function moveHead(where: Where, commit: string, parent: string): Promise<void> {
  try {
    await runGit(where, ['update-ref', '-m', 'signalbox: commit', 'HEAD', commit, parent]);
  } catch (error) {
    if (!(error instanceof GitError) || (await readCommit(where, 'HEAD')) === parent) throw error;
    throw new WorkspaceError('branch_moved', `Somebody else committed in ${where.workTree} meanwhile. Look at it and try again.`, {
      path: where.workTree,
      expected: parent,
    });
  }
}

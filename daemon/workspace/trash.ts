/**
 * Takes a worktree away without losing anything: what is uncommitted or untracked becomes a commit that a ref of its own keeps,
 * and can be laid out again. Files that git ignores are not kept.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readGit, runGit } from '../platform/git.ts';
import { writeCommit } from './commit.ts';
import { placeOf, readCommit, readHead, readTree, type RepoPlace } from './inspect.ts';
import { checkWorktreeLink } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';
import { createWorktree, listOpenSubmodules, takeAway, type Worktree } from './worktrees.ts';

/** A worktree in the trash: its branch, where that stood, and the commit that holds all of its files. */
export interface Trashed {
  readonly branch: string;
  readonly head: string;
  readonly files: string;
}

/** Two looks at once use an index each. */
let snapshots = 0;

const refOf = (name: string): string => `refs/signalbox/trash/${name}`;

/** Moves a worktree to the trash under `name`; throws WorkspaceError worktree_tampered, worktree_dirty (for what git cannot keep). */
export async function trashWorktree(worktree: RepoPlace & { path: string }, name: string, at: string): Promise<Trashed> {
  const { gitDir, commonDir, path } = worktree;
  await checkWorktreeLink(path, gitDir);
  const where = { gitDir, commonDir, workTree: path };
  const { branch = '', commit: head } = await readHead(worktree);
  if (head === undefined) throw new WorkspaceError('repository_empty', `The worktree at ${path} has no commit to build on.`, { path });
  const tree = await snapshotWorktree(where);
  const files = await writeCommit(worktree, { tree, parents: [head], message: `Files of ${path}`, trailers: {}, at });
  await runGit(placeOf(worktree), ['update-ref', refOf(name), files]);
  // What changed while it was kept would be lost with the folder.
  if ((await snapshotWorktree(where)) !== tree)
    throw new WorkspaceError('worktree_dirty', `Something still writes in ${path}. Try again.`, { path });
  await takeAway(worktree);
  return { branch, head, files };
}

/** The tree of all files of a worktree as they are now, but for what git ignores; throws WorkspaceError worktree_dirty for a repository inside. */
export async function snapshotWorktree(where: Required<RepoPlace> & { workTree: string }): Promise<string> {
  const env = { GIT_INDEX_FILE: join(where.gitDir, `signalbox-snapshot-${++snapshots}`) };
  try {
    await runGit(where, ['read-tree', 'HEAD'], { env });
    await runGit(where, ['add', '--all', '--', '.'], { env, timeoutMs: 300_000 });
    const open = await listOpenSubmodules(where, env);
    if (open.length === 0) return await readGit(where, ['write-tree'], { env });
    const message = `${open[0]} in ${where.workTree} is a repository of its own, which the trash cannot keep. Move it away first.`;
    throw new WorkspaceError('worktree_dirty', message, { path: where.workTree, submodules: open });
  } finally {
    await rm(env.GIT_INDEX_FILE, { force: true });
  }
}

/** Lays a worktree out again as it was; its branch gets another name when the old one stands elsewhere by now. */
export async function restoreWorktree(
  { repo, path, name }: { repo: RepoPlace; path: string; name: string },
  { branch, head }: Trashed,
): Promise<Worktree> {
  const place = placeOf(repo);
  const files = await readCommit(place, refOf(name));
  if (files === undefined) throw new WorkspaceError('commit_missing', `The trash of ${path} is gone.`, { path });
  const tip = branch === '' ? undefined : await readCommit(place, `refs/heads/${branch}`);
  const onto = branch !== '' && (tip === undefined || tip === head) ? branch : `${branch || 'signalbox/restored'}-${name.slice(-8)}`;
  const worktree = await createWorktree({ repo: place, path, branch: onto, base: head });
  const { where } = worktree;
  await runGit(where, ['read-tree', '-m', '-u', head, await readTree(place, files)], { timeoutMs: 300_000 });
  await runGit(where, ['read-tree', head]);
  await runGit(where, ['update-index', '-q', '--refresh'], { okCodes: [0, 1] });
  await emptyTrash(place, name);
  return worktree;
}

/** Forgets what the trash holds under `name`, for good. */
export async function emptyTrash(repo: RepoPlace, name: string): Promise<void> {
  await runGit(placeOf(repo), ['update-ref', '-d', refOf(name)], { okCodes: [0, 1, 128] });
}

/**
 * Goes on in a worktree that an earlier attempt left: what lies in it stays, and nothing that was committed there without being
 * recorded is believed.
 */
import { runGit } from '../platform/git.ts';
import { branchRef, readCommit, type RepoPlace } from './inspect.ts';
import { checkWorktreeLink, exists } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';
import { createWorktree, findWorktree, type Worktree } from './worktrees.ts';

/**
 * Puts the worktree at `path` on a new `branch` at `base`; whatever differs from that commit in its files is an uncommitted change
 * then. One that is gone is made anew. Called again it does the same. Throws WorkspaceError, as createWorktree does.
 */
export async function takeOverWorktree(request: { repo: RepoPlace; path: string; branch: string; base: string }): Promise<Worktree> {
  const { repo, path, branch, base } = request;
  const entry = await findWorktree(repo, path);
  if (!entry || !(await exists(entry.path))) return createWorktree(request);
  const { gitDir, commonDir } = entry;
  await checkWorktreeLink(entry.path, gitDir);
  const head = await readCommit(repo, base);
  if (head === undefined) throw new WorkspaceError('base_missing', `${base} names no commit in this repository.`, { base });
  const ref = await branchRef(repo, branch);
  const tip = await readCommit(repo, ref);
  if (tip !== undefined && tip !== head)
    throw new WorkspaceError('branch_exists', `The branch ${branch} already exists at another commit. Choose another name.`, {
      branch,
      tip,
      base: head,
    });
  if (tip === undefined) await runGit(repo, ['update-ref', '-m', 'signalbox: worktree', ref, head, '0'.repeat(head.length)]);
  await runGit({ gitDir, commonDir }, ['symbolic-ref', '-m', 'signalbox: goes on', 'HEAD', ref]);
  const where = { gitDir, commonDir, workTree: entry.path };
  await runGit(where, ['read-tree', '--reset', head]);
  await runGit(where, ['update-index', '-q', '--refresh'], { okCodes: [0, 1] });
  return { path: entry.path, gitDir, commonDir, branch, head, where };
}

/**
 * What a repository brings for an agent to obey or to run by itself: in the sandbox it is empty, so that it does neither. The git
 * directory that the attempt was lent takes those files for unchanged, or the agent would commit that they are gone.
 */
import { lstat, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { runGit } from '../../platform/git.ts';
import type { SandboxWorktree } from '../../platform/sandbox/sandbox.ts';
import type { AttemptSpec } from '../agent.ts';

type Worktree = NonNullable<AttemptSpec['worktree']>;

/** The worktree as a sandbox shows it; `covers` are relative paths, of which those count that are there. */
export async function coverWorktree({ path, lent }: Worktree, covers: readonly string[]): Promise<SandboxWorktree> {
  const root = await realpath(path);
  const covered = (await Promise.all(covers.map((each) => findCovered(root, each)))).flat();
  if (lent && covered.length > 0)
    await skipInIndex(
      { gitDir: lent.gitDir, workTree: path },
      covered.map((each) => relative(root, each.path)),
    );
  return { path, ...(lent === undefined ? {} : { lent }), covered };
}

/** A link leads to what is covered then, if that lies in the worktree; what lies outside does not exist in a sandbox. */
async function findCovered(root: string, name: string): Promise<{ path: string; folder: boolean }[]> {
  const path = await realpath(join(root, name)).catch(() => undefined);
  if (path === undefined || !path.startsWith(root + sep)) return [];
  return [{ path, folder: (await lstat(path)).isDirectory() }];
}

async function skipInIndex(where: { gitDir: string; workTree: string }, paths: string[]): Promise<void> {
  const { stdout } = await runGit(where, ['ls-files', '-z', '--', ...paths]);
  if (stdout.length > 0) await runGit(where, ['update-index', '--skip-worktree', '-z', '--stdin'], { stdin: stdout });
}

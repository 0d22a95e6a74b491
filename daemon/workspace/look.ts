/**
 * Looks at a worktree again and again while somebody works in it: cheap, because git keeps what it knows of unchanged files in an
 * index that is ours alone. Nothing is shown to anybody until it is accepted.
 */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readGit, runGit } from '../platform/git.ts';
import { readTree } from './inspect.ts';
import type { Worktree } from './worktrees.ts';

const STAGE_MS = 30_000;

/** What changed since the last look that was accepted; paths are relative, with forward slashes. */
export interface Seen {
  readonly tree: string;
  readonly changed: readonly string[];
}

export interface Look {
  /** Takes all files as they are now, ignored ones left out. Throws GitError. */
  look(): Promise<Seen>;
  /** The next look is compared with this one. */
  accept(tree: string): void;
  /** The tree that the next look is compared with. */
  readonly last: string;
  close(): Promise<void>;
}

/** Opens the look at a worktree; `own`: its own index was out of the reach of whoever works there, so that it can be believed. */
export async function openLook(worktree: Worktree, own: boolean): Promise<Look> {
  const { where, gitDir, head } = worktree;
  const env = { GIT_INDEX_FILE: join(gitDir, 'signalbox-look-index') };
  if (own) await copyFile(join(gitDir, 'index'), env.GIT_INDEX_FILE);
  else await runGit(where, ['read-tree', head], { env });
  let last = await readTree(worktree, head);
  return {
    async look() {
      await runGit(where, ['add', '--all', '--ignore-errors', '--', '.'], { env, okCodes: [0, 1], timeoutMs: STAGE_MS });
      const tree = await readGit(where, ['write-tree'], { env });
      if (tree === last) return { tree, changed: [] };
      const { stdout } = await runGit(where, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', last, tree]);
      return {
        tree,
        changed: stdout
          .toString('utf8')
          .split('\0')
          .filter((path) => path !== ''),
      };
    },
    accept(tree) {
      last = tree;
    },
    get last() {
      return last;
    },
    close: () => rm(env.GIT_INDEX_FILE, { force: true }),
  };
}

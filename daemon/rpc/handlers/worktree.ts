import type { Handlers } from '../connection.ts';
import type { Core } from './core.ts';

type WorktreeHandlers = Pick<Handlers, 'worktree/list' | 'worktree/remove' | 'worktree/restore' | 'worktree/prune'>;

/** The worktrees of attempts: what is used, kept, and in the trash. */
export function worktreeHandlers({ worktrees }: Core): WorktreeHandlers {
  return {
    'worktree/list': async ({ weather }) => ({ worktrees: await worktrees.list(), clashes: weather ? await worktrees.clashes() : [] }),
    'worktree/remove': async ({ attempt }) => ({ worktree: await worktrees.remove(attempt) }),
    'worktree/restore': async ({ attempt }) => ({ worktree: await worktrees.restore(attempt) }),
    'worktree/prune': (params) => worktrees.prune(params),
  };
}

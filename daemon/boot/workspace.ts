/** What the coordinator may do with repositories and worktrees. */
import type { WorkspacePort } from '../coordinator/ports.ts';
import { guardGit, lookAtWork } from '../workspace/audit.ts';
import { commitWorktree } from '../workspace/commit.ts';
import { findSides, listMarked, listSince } from '../workspace/conflicts.ts';
import { diffCommits } from '../workspace/diff.ts';
import { readTree } from '../workspace/inspect.ts';
import { joinCommits } from '../workspace/join.ts';
import { forgetGit, lendGit } from '../workspace/lend.ts';
import { mergeBranch, undoMerge } from '../workspace/merge.ts';
import { takeUp } from '../workspace/take-up.ts';
import { readBranch, resolvePath } from '../workspace/resolve.ts';
import { openLook } from '../workspace/look.ts';
import { putBack } from '../workspace/put-back.ts';
import { flattenWork, readCommitted, takeBack } from '../workspace/take-back.ts';
import { takeOverWorktree } from '../workspace/take-over.ts';
import { createWorktree, dropUnusedBranch, lockWorktree, removeWorktree, unlockWorktree } from '../workspace/worktrees.ts';

export const workspace: WorkspacePort = {
  createWorktree,
  takeOverWorktree,
  joinCommits,
  removeWorktree,
  lockWorktree,
  unlockWorktree,
  dropUnusedBranch,
  commitWorktree,
  lendGit,
  takeBack,
  forgetGit,
  readCommitted,
  flattenWork,
  openLook,
  putBack,
  guardGit,
  lookAtWork,
  diffCommits,
  takeUp,
  readTree,
  findSides,
  listSince,
  listMarked,
  mergeBranch,
  undoMerge,
  readBranch,
  resolvePath,
};

// Merges that happen once: the same request gives the same commit, and a branch moves only from the commit that was expected.
// Boundary: objects and references; checkouts.ts moves work trees.
// Invariants:
// 1. Objects first, then one compare-and-swap of the branch; nothing else of the repository changes before it.
// 2. What it makes carries the effect's id in a trailer; a merge commit is made also where the branch could just move.
// 3. History is only added to.
import type { MergeHow } from '../../shared/state/action.ts';
import { GitError, readGit, runGit } from '../platform/git.ts';
import {
  type BehindCheckout,
  type BranchMove,
  checkFollow,
  type Checkout,
  dropIntent,
  findCheckouts,
  finishMove,
  followMove,
  recordIntent,
} from './checkouts.ts';
import { EFFECT_TRAILER, writeCommit } from './commit.ts';
import { mergeTrees } from './merge-tree.ts';
import { takeUp } from './take-up.ts';
import { branchRef, isAncestor, placeOf, readTree, type RepoPlace, requireCommit } from './inspect.ts';
import { WorkspaceError } from './workspace-error.ts';

/** What became of moving a branch: `behind` are checkouts that could not follow, with the paths in the way. */
export interface BranchResult {
  readonly kind: 'moved' | 'already_done' | 'up_to_date';
  readonly commit: string;
  readonly behind: readonly BehindCheckout[];
}

/** A repository, with the folder of its checkout where it is not beside `.git`. */
export type RepoWithPath = RepoPlace & { readonly path?: string };

/** A merge to make: `expected` is the commit that the branch must be at, `at` ISO 8601, `effect` the id of the recorded event. */
export interface MergeRequest {
  readonly repo: RepoWithPath;
  readonly into: string;
  readonly expected: string;
  readonly from: string;
  readonly effect: string;
  readonly at: string;
  readonly message: string;
  /** Absent: by a merge commit. */
  readonly how?: MergeHow;
}

/**
 * Merges `from` into the branch `into`; called again it changes nothing more and returns the same commit.
 * Throws WorkspaceError branch_missing, branch_moved, merge_conflicts, unrelated_histories, would_overwrite, operation_in_progress or worktree_tampered;
 * the branch has then not moved.
 */
export async function mergeBranch({ repo, into, expected, from, effect, at, message, how = 'merge' }: MergeRequest): Promise<BranchResult> {
  const place = placeOf(repo);
  const ref = await branchRef(place, into);
  const tip = await requireCommit(place, ref, 'branch_missing');
  const { commit, conflicts, upToDate } = await takeUp({ repo: place, into: expected, from, how, effect, at, message });
  if (upToDate) {
    if (await isAncestor(place, from, tip)) return { kind: 'up_to_date', commit: tip, behind: [] };
    throw branchMoved(into, expected, tip);
  }
  if (conflicts.length > 0) {
    throw new WorkspaceError(
      'merge_conflicts',
      `Merging into ${into} conflicts in ${conflicts.length} files. Resolve them on the branch that is merged.`,
      { branch: into, files: conflicts },
    );
  }
  return moveBranch({ repo, branch: into, move: { from: expected, to: commit } });
}

/** Moves a branch by compare-and-swap and lets its checkouts follow; finishes what an interrupted call began. */
export async function moveBranch({ repo, branch, move }: { repo: RepoWithPath; branch: string; move: BranchMove }): Promise<BranchResult> {
  const place = placeOf(repo);
  const ref = await branchRef(place, branch);
  const tip = await requireCommit(place, ref, 'branch_missing');
  if (tip !== move.from) {
    if (tip === move.to)
      return { kind: 'already_done', commit: move.to, behind: await finishMove(place, await findCheckouts(repo, branch), move) };
    if (await isAncestor(place, move.to, tip)) return { kind: 'already_done', commit: move.to, behind: [] };
    throw branchMoved(branch, move.from, tip);
  }
  const checkouts = await findCheckouts(repo, branch);
  await checkFollow(place, checkouts, move);
  await recordIntent(checkouts, move);
  await swapBranch({ place, ref, branch, move, checkouts });
  return { kind: 'moved', commit: move.to, behind: await followMove(place, checkouts, move) };
}

async function swapBranch({
  place,
  ref,
  branch,
  move,
  checkouts,
}: {
  place: RepoPlace;
  ref: string;
  branch: string;
  move: BranchMove;
  checkouts: readonly Checkout[];
}): Promise<void> {
  try {
    await runGit(place, ['update-ref', '-m', 'signalbox: merge', ref, move.to, move.from]);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    await dropIntent(checkouts);
    const tip = await requireCommit(place, ref, 'branch_missing');
    throw tip === move.from ? error : branchMoved(branch, move.from, tip);
  }
}

function branchMoved(branch: string, expected: string, actual: string): WorkspaceError {
  return new WorkspaceError('branch_moved', `The branch ${branch} is no longer where it was. Look at what is new and ask again.`, {
    branch,
    expected,
    actual,
  });
}

/** An undo to make: `merge` is the commit that mergeBranch returned, `before` the one that the branch stood at, where that made no merge commit. */
export interface UndoRequest {
  readonly repo: RepoWithPath;
  readonly branch: string;
  readonly merge: string;
  readonly before?: string;
  readonly effect: string;
  readonly at: string;
}

/**
 * Takes a merge back with a new commit on top of the branch; called again it returns the same commit.
 * Throws WorkspaceError branch_missing, commit_missing, not_a_merge, merge_not_on_branch, undo_conflicts, branch_moved, would_overwrite, operation_in_progress or worktree_tampered.
 */
export async function undoMerge({ repo, branch, merge, before, effect, at }: UndoRequest): Promise<BranchResult> {
  const place = placeOf(repo);
  const tip = await requireCommit(place, await branchRef(place, branch), 'branch_missing');
  const undone = await requireCommit(place, merge, 'commit_missing');
  const start = before === undefined ? await requireFirstParent(place, undone) : await requireCommit(place, before, 'commit_missing');
  if (!(await isAncestor(place, undone, tip))) {
    throw new WorkspaceError(
      'merge_not_on_branch',
      `The branch ${branch} does not contain the merge ${undone}, so there is nothing to take back.`,
      { branch, commit: undone },
    );
  }
  const done = await findEffect(place, { after: undone, tip, effect });
  if (done) return moveBranch({ repo, branch, move: { from: done.parent, to: done.commit } });
  // A commit that only takes the merge back, made on the merge itself, is then merged onto the branch as it is now.
  const inverse = await writeCommit(place, {
    tree: await readTree(place, start),
    parents: [undone],
    message: 'inverse',
    trailers: {},
    at,
  });
  const { tree, conflicts } = await mergeTrees(place, tip, inverse);
  if (conflicts.length > 0) {
    throw new WorkspaceError(
      'undo_conflicts',
      `Later commits on ${branch} changed the same lines in ${conflicts.length} files. Revert it by hand: git revert ${before === undefined ? `-m 1 ${undone}` : `${start}..${undone}`}`,
      { branch, files: conflicts },
    );
  }
  if (tree === (await readTree(place, tip))) return { kind: 'up_to_date', commit: tip, behind: [] };
  const subject = await readGit(place, ['log', '--max-count=1', '--no-show-signature', '--format=%s', undone]);
  const what = before === undefined ? `merge commit ${undone}` : `the commits ${start.slice(0, 12)}..${undone.slice(0, 12)}`;
  const message = `Revert "${subject}"\n\nThis reverts ${what}.`;
  const commit = await writeCommit(place, { tree, parents: [tip], message, trailers: { [EFFECT_TRAILER]: effect }, at });
  return moveBranch({ repo, branch, move: { from: tip, to: commit } });
}

async function requireFirstParent(place: RepoPlace, commit: string): Promise<string> {
  const [first, second] = (await readGit(place, ['rev-list', '--parents', '--max-count=1', commit])).split(' ').slice(1);
  if (first === undefined || second === undefined) throw new WorkspaceError('not_a_merge', `${commit} is not a merge commit.`, { commit });
  return first;
}

/** The commit after `after` on the branch's first-parent line that carries this effect's trailer. */
async function findEffect(
  place: RepoPlace,
  { after, tip, effect }: { after: string; tip: string; effect: string },
): Promise<{ commit: string; parent: string } | undefined> {
  const format = `--format=%H %P%x00%(trailers:key=${EFFECT_TRAILER},valueonly,separator=%x00)%x00%x00`;
  const { stdout } = await runGit(place, ['log', '--first-parent', '--no-show-signature', format, '--end-of-options', `${after}..${tip}`]);
  for (const record of stdout.toString('utf8').split('\0\0\n')) {
    const [ids = '', ...values] = record.split('\0');
    const [commit, parent] = ids.split(' ');
    if (values.includes(effect) && commit !== undefined && parent !== undefined) return { commit, parent };
  }
  return undefined;
}

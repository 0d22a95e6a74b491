// Three-way merges of commits as objects: no branch and no file is touched.
import { runGit } from '../platform/git.ts';
import { isAncestor, placeOf, readTree, type RepoPlace, requireCommit } from './inspect.ts';
import { WorkspaceError } from './workspace-error.ts';

/** What a merge would give: `conflicts` are paths, and `tree` then holds the files with conflict markers. */
export interface MergePreview {
  readonly tree: string;
  readonly conflicts: readonly string[];
  /** Everything of `from` is already in `into`. */
  readonly upToDate: boolean;
  /** `into` has nothing that `from` has not. */
  readonly fastForward: boolean;
}

/** Merges two commits without touching any branch or file; throws WorkspaceError unrelated_histories or commit_missing. */
export async function previewMerge({ repo, into, from }: { repo: RepoPlace; into: string; from: string }): Promise<MergePreview> {
  const place = placeOf(repo);
  const [ours, theirs] = await Promise.all([requireCommit(place, into, 'commit_missing'), requireCommit(place, from, 'commit_missing')]);
  const [upToDate, fastForward] = await Promise.all([isAncestor(place, theirs, ours), isAncestor(place, ours, theirs)]);
  if (upToDate) return { tree: await readTree(place, ours), conflicts: [], upToDate, fastForward };
  const base = await runGit(place, ['merge-base', ours, theirs], { okCodes: [0, 1] });
  if (base.code === 1)
    throw new WorkspaceError('unrelated_histories', 'The two commits have no common history, so they are not merged.', {
      into: ours,
      from: theirs,
    });
  const { tree, conflicts } = await mergeTrees(place, ours, theirs);
  return { tree, conflicts, upToDate, fastForward };
}

/** The tree of a three-way merge of two commits, and the paths that conflict. */
export async function mergeTrees(repo: RepoPlace, ours: string, theirs: string): Promise<{ tree: string; conflicts: string[] }> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs];
  const { stdout } = await runGit(placeOf(repo), args, { okCodes: [0, 1], timeoutMs: 300_000 });
  const [tree = '', ...names] = stdout.toString('utf8').split('\0');
  return { tree, conflicts: [...new Set(names.filter((name) => name !== ''))] };
}

// One commit out of several, for work that goes on from all of them. No branch moves.
import { EFFECT_TRAILER, writeCommit } from './commit.ts';
import { type RepoPlace } from './inspect.ts';
import { previewMerge } from './merge-tree.ts';
import { WorkspaceError } from './workspace-error.ts';

/**
 * The commit that holds all of `commits`, merged in their order; `at` is ISO 8601, `effect` names who wants it. One that is
 * contained in the others adds nothing. Throws WorkspaceError merge_conflicts with the paths, or unrelated_histories.
 */
export async function joinCommits(request: { repo: RepoPlace; commits: readonly string[]; at: string; effect: string }): Promise<string> {
  const { repo, commits, at, effect } = request;
  let [joined = ''] = commits;
  for (const from of commits.slice(1)) {
    const { tree, conflicts, upToDate, fastForward } = await previewMerge({ repo, into: joined, from });
    if (conflicts.length > 0) {
      const files = conflicts.slice(0, 20).join(', ');
      throw new WorkspaceError('merge_conflicts', `Stages that ran beside one another changed the same lines, in ${files}.`, {
        files: conflicts,
      });
    }
    if (fastForward) joined = from;
    else if (!upToDate)
      joined = await writeCommit(repo, {
        tree,
        parents: [joined, from],
        message: 'Join what ran beside one another',
        trailers: { [EFFECT_TRAILER]: effect },
        at,
      });
  }
  return joined;
}

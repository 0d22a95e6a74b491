// What a branch holds once it has taken work up: by a merge commit, commit by commit on top of it, or as one commit.
// Invariants: 1. The same request gives the same commits. 2. No branch and no file is touched.
import type { MergeHow } from '../../shared/state/action.ts';
import { runGit } from '../platform/git.ts';
import { EFFECT_TRAILER, writeCommit } from './commit.ts';
import { placeOf, readTree, type RepoPlace, requireCommit } from './inspect.ts';
import { mergeTrees, previewMerge } from './merge-tree.ts';
import { WorkspaceError } from './workspace-error.ts';

/** Work to take up; without an `effect` the commits are only to be looked at. `at` is ISO 8601. */
export interface TakeUp {
  readonly repo: RepoPlace;
  readonly into: string;
  readonly from: string;
  readonly how: MergeHow;
  readonly message: string;
  readonly effect?: string;
  readonly at: string;
}

/** What comes of it: `commit` is where the branch would stand, `conflicts` are paths; with some, `tree` holds the files with conflict markers. */
export interface TakenUp {
  readonly commit: string;
  readonly tree: string;
  readonly conflicts: readonly string[];
  readonly upToDate: boolean;
}

/** Commits that one rebase lays on top of a branch. */
const MAX_REBASED = 500;

/** Makes the commits; throws WorkspaceError commit_missing, unrelated_histories, too_many_commits. */
export async function takeUp(request: TakeUp): Promise<TakenUp> {
  const place = placeOf(request.repo);
  const { into, from, how, message, at } = request;
  const { tree, conflicts, upToDate } = await previewMerge({ repo: place, into, from });
  const ours = await requireCommit(place, into, 'commit_missing');
  if (upToDate) return { commit: ours, tree, conflicts, upToDate };
  if (how === 'rebase') return { ...(await rebase(place, request, ours)), upToDate };
  const theirs = await requireCommit(place, from, 'commit_missing');
  const parents = how === 'merge' ? [ours, theirs] : [ours];
  const trailers = request.effect === undefined ? {} : { [EFFECT_TRAILER]: request.effect };
  return { commit: await writeCommit(place, { tree, parents, message, trailers, at }), tree, conflicts, upToDate };
}

/** Each commit again on top of the one before, with its author, time and message; merges and what becomes empty are left out, as git does. */
async function rebase(place: RepoPlace, { from, effect, at }: TakeUp, onto: string): Promise<Omit<TakenUp, 'upToDate'>> {
  let commit = onto;
  let tree = await readTree(place, onto);
  for (const one of await listCommits(place, onto, from)) {
    // git merges two commits by what they both come from, so the branch is given the commit's own parent for this one merge.
    const ours = await writeCommit(place, { tree, parents: [one.parent], message: 'onto', trailers: {}, at });
    const merged = await mergeTrees(place, ours, one.id);
    if (merged.conflicts.length > 0) return { commit, ...merged };
    if (merged.tree === tree) continue;
    tree = merged.tree;
    const { author } = one;
    commit = await writeCommit(place, { tree, parents: [commit], message: withTrailer(one.message, effect), trailers: {}, at, author });
  }
  return { commit, tree, conflicts: [] };
}

interface Rebased {
  id: string;
  parent: string;
  author: { name: string; email: string; date: string };
  message: string;
}

async function listCommits(place: RepoPlace, onto: string, from: string): Promise<Rebased[]> {
  const format = '--format=%H%x00%P%x00%an%x00%ae%x00%ad%x00%B%x00';
  const args = ['log', '-z', '--reverse', '--topo-order', '--no-merges', '--no-show-signature', '--encoding=UTF-8', '--date=raw'];
  const range = [`--max-count=${MAX_REBASED + 1}`, format, '--end-of-options', `${onto}..${from}`];
  const fields = (await runGit(place, [...args, ...range])).stdout.toString('utf8').split('\0');
  const commits: Rebased[] = [];
  for (let at = 0; at + 6 < fields.length; at += 7) {
    const [id = '', parent = '', name = '', email = '', date = '', message = ''] = fields.slice(at, at + 6);
    commits.push({ id, parent, author: { name, email, date }, message });
  }
  if (commits.length <= MAX_REBASED) return commits;
  const words = `More than ${MAX_REBASED} commits are too many to rebase one by one. Merge them, or squash them.`;
  throw new WorkspaceError('too_many_commits', words, { onto, from });
}

/** A last paragraph of trailers takes one more; anything else stays as it is above it. */
function withTrailer(message: string, effect: string | undefined): string {
  const text = message.trim();
  if (effect === undefined) return text;
  const last = text.split('\n\n').at(-1) ?? '';
  const trailers = text.includes('\n\n') && last.split('\n').every((line) => /^[A-Za-z0-9-]+: \S/.test(line));
  return `${text}${trailers ? '\n' : '\n\n'}${EFFECT_TRAILER}: ${effect}`;
}

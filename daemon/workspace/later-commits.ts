// What a branch got after a commit of it: one line of commits, a merge counted as all that it brought.
import { runGit } from '../platform/git.ts';
import type { RepoPlace } from './inspect.ts';

/** A commit on a branch's own line, and the paths that differ from the one before it; a rename counts as two. */
export interface LaterCommit {
  readonly commit: string;
  readonly author: string;
  /** ISO 8601, as the author's clock had it. */
  readonly at: string;
  readonly subject: string;
  readonly files: readonly string[];
}

/** Commits and bytes that are read; what lies further back is left out. */
const MAX_COMMITS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;
const FORMAT = '--format=%x00%H%x00%an%x00%aI%x00%s';

/** The commits that `branch` has on its first-parent line since `after` (an object id), newest first; none without the branch. Throws GitError. */
export async function listLaterCommits(repo: RepoPlace, { branch, after }: { branch: string; after: string }): Promise<LaterCommit[]> {
  const { stdout: tip } = await runGit(repo, ['rev-parse', '--verify', '--quiet', '--end-of-options', `refs/heads/${branch}`], {
    okCodes: [0, 1],
  });
  if (tip.length === 0) return [];
  const line = ['log', '--first-parent', '--diff-merges=first-parent', '--no-renames', '--name-only', '--no-show-signature', '-z'];
  const range = [`--max-count=${MAX_COMMITS}`, FORMAT, '--end-of-options', `${after}..${tip.toString('utf8').trim()}`];
  const { stdout } = await runGit(repo, [...line, ...range], { maxBytes: MAX_BYTES, truncate: true });
  return parseLog(stdout.toString('utf8').split('\0'));
}

/** A record is an empty field, four fields, and paths up to the next empty field; the first path has a newline before it. */
function parseLog(fields: readonly string[]): LaterCommit[] {
  const commits: LaterCommit[] = [];
  let at = 1;
  while (at + 3 < fields.length) {
    const [commit = '', author = '', time = '', subject = ''] = fields.slice(at, at + 4);
    const end = fields.indexOf('', at + 4);
    const files = fields.slice(at + 4, end < 0 ? undefined : end).map((path, i) => (i === 0 ? path.replace(/^\n/, '') : path));
    commits.push({ commit, author, at: time, subject, files });
    at += 4 + files.length + 1;
  }
  return commits;
}

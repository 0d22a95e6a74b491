// Whether what is being made in several worktrees at once will go together: merged in pairs, before anybody merges.
import { writeCommit } from './commit.ts';
import { readHead, type RepoPlace } from './inspect.ts';
import { mergeTrees } from './merge-tree.ts';
import { snapshotWorktree } from './trash.ts';

/** A worktree that somebody works in, under the name by which the answer tells it. */
export interface Busy extends RepoPlace {
  readonly path: string;
  readonly name: string;
}

/** Two worktrees that conflict as they stand now, and where. */
export interface Clash {
  readonly names: readonly [string, string];
  readonly files: readonly string[];
}

/** Worktrees of one repository that are compared with each other; more would make too many pairs. */
const MAX_WORKTREES = 8;
const MAX_FILES = 50;
/** The same files give the same commit, so that a pair is merged once. */
const ALWAYS = '2000-01-01T00:00:00.000Z';
const MAX_KNOWN = 1_000;

/** Compares worktrees in pairs; remembers what it has merged. */
export function createWeather(): (worktrees: readonly Busy[]) => Promise<Clash[]> {
  const known = new Map<string, readonly string[]>();
  const compare = async (repo: RepoPlace, ours: string, theirs: string): Promise<readonly string[]> => {
    const key = `${ours} ${theirs}`;
    const found = known.get(key) ?? (await mergeTrees(repo, ours, theirs)).conflicts.slice(0, MAX_FILES);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, found);
    return found;
  };
  return async (worktrees) => {
    const clashes: Clash[] = [];
    for (const repo of new Set(worktrees.map(({ commonDir }) => commonDir))) {
      const group = worktrees.filter(({ commonDir }) => commonDir === repo);
      const commits = await Promise.all(group.slice(0, MAX_WORKTREES).map(async (one) => ({ one, commit: await commitOf(one) })));
      for (const [i, { one, commit: ours }] of commits.entries())
        for (const { one: other, commit: theirs } of commits.slice(i + 1)) {
          if (ours === undefined || theirs === undefined) continue;
          const files = await compare(one, ours, theirs);
          if (files.length > 0) clashes.push({ names: [one.name, other.name], files });
        }
    }
    return clashes;
  };
}

/** All files of a worktree as they are now, as a commit that nothing refers to; undefined while somebody is writing there. */
async function commitOf(busy: Busy): Promise<string | undefined> {
  const { gitDir, commonDir, path } = busy;
  try {
    const tree = await snapshotWorktree({ gitDir, commonDir, workTree: path });
    const { commit } = await readHead(busy);
    return commit === undefined
      ? undefined
      : await writeCommit(busy, { tree, parents: [commit], message: 'weather', trailers: {}, at: ALWAYS });
  } catch {
    return undefined;
  }
}

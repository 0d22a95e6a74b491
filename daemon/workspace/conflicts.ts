// Who changed what, where a merge conflicts: for each file the newest commit of either side, and what conflict markers were left.
import { readGit, runGit } from '../platform/git.ts';
import { isAncestor, placeOf, type RepoPlace } from './inspect.ts';

/** A commit of one side; absent where that side changed the file by a merge only. */
export interface Changed {
  readonly commit: string;
  readonly subject: string;
}

/** One file that conflicts, with the newest commit that changed it: `there` on the branch, `here` in the work that is merged. */
export interface Conflict {
  readonly path: string;
  readonly there?: Changed;
  readonly here?: Changed;
}

/** Lines as `git merge-tree` writes them around what conflicts when it is given object ids; no file has them otherwise. */
const MARKER = '^(<<<<<<<|>>>>>>>) ([0-9a-f]{40}|[0-9a-f]{64})';
const MAX_SUBJECT = 120;

/** The newest commits of either side since they parted, for each of `files`, and where they parted. */
export async function findSides(
  repo: RepoPlace,
  { into, from, files }: { into: string; from: string; files: readonly string[] },
): Promise<{ base: string; conflicts: Conflict[] }> {
  const place = placeOf(repo);
  const base = await readGit(place, ['merge-base', into, from]);
  const newest = async (tip: string, file: string): Promise<Changed | undefined> => {
    const args = ['log', '--max-count=1', '--no-show-signature', '--format=%h %s', '--end-of-options', `${base}..${tip}`, '--', file];
    const line = (await runGit(place, args, { okCodes: [0, 128] })).stdout.toString('utf8').trim();
    const blank = line.indexOf(' ');
    return line === '' ? undefined : { commit: line.slice(0, blank), subject: line.slice(blank + 1, blank + 1 + MAX_SUBJECT) };
  };
  const conflicts: Conflict[] = [];
  // One after the other: each starts processes of git.
  for (const path of files) {
    const [there, here] = [await newest(into, path), await newest(from, path)];
    conflicts.push({ path, ...(there ? { there } : {}), ...(here ? { here } : {}) });
  }
  return { base, conflicts };
}

/** The paths that differ between two commits, when `newer` is not part of `base` already; none otherwise. */
export async function listSince(
  repo: RepoPlace,
  { base, older, newer }: { base: string; older: string; newer: string },
): Promise<string[]> {
  const place = placeOf(repo);
  if (await isAncestor(place, newer, base)) return [];
  const { stdout } = await runGit(place, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--end-of-options', older, newer]);
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}

/** Files of a tree that still hold conflict markers of a merge that Signalbox laid out. */
export async function listMarked(repo: RepoPlace, tree: string): Promise<string[]> {
  const { stdout } = await runGit(placeOf(repo), ['grep', '-l', '-z', '-I', '-E', '-e', MARKER, tree], { okCodes: [0, 1] });
  return stdout
    .toString('utf8')
    .split('\0')
    .flatMap((line) => (line === '' ? [] : [line.slice(line.indexOf(':') + 1)]));
}

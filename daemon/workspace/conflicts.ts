// Who changed what, where a merge conflicts: for each file the newest commit of either side.
import { readGit, runGit } from '../platform/git.ts';
import { placeOf, type RepoPlace } from './inspect.ts';

/** Files that are described; a person looks at the rest in the merge itself. */
const MAX_FILES = 10;

/** One sentence for each conflicting file, naming the newest commit that changed it on either side. */
export async function describeConflicts(
  repo: RepoPlace,
  { into, from, files }: { into: string; from: string; files: readonly string[] },
): Promise<string[]> {
  const place = placeOf(repo);
  const base = await readGit(place, ['merge-base', into, from]);
  const newest = async (tip: string, file: string): Promise<string> => {
    const args = ['log', '--max-count=1', '--no-show-signature', '--format=%h %s', '--end-of-options', `${base}..${tip}`, '--', file];
    const { stdout } = await runGit(place, args, { okCodes: [0, 128] });
    return stdout.toString('utf8').trim().slice(0, 120) || 'a merge';
  };
  return Promise.all(
    files.slice(0, MAX_FILES).map(async (file) => {
      const [there, here] = await Promise.all([newest(into, file), newest(from, file)]);
      return `${file} (there: ${there}; here: ${here})`;
    }),
  );
}

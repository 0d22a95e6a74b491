import type { GitWhere } from '../../../platform/git.ts';
import { keepTexts, listFiles } from './list-files.ts';
import { findTestCommand, TEST_SOURCES } from './test-command.ts';
import { indexTree } from './tree.ts';

/** The command that runs a repository's own tests, as a commit names it; undefined when none is found. Throws GitError. */
export async function findTests(where: GitWhere, commit: string): Promise<string[] | undefined> {
  const { files } = await listFiles(where, commit);
  const sources = files.filter(({ path }) => TEST_SOURCES.includes(path));
  const { texts } = await keepTexts(where, sources);
  return findTestCommand({ tree: indexTree(files), text: (path) => texts.get(path) })?.argv;
}

// The door to git for everyone in the daemon: explicit directories, no configuration that executes, bounded output.
// `.gitattributes` and `.git/config` of a repository are input; see git-environment.ts for what is switched off and why.
import type { GitWhere } from './git-environment.ts';
import { rememberAnswers } from './git-answers.ts';
import { collect, type GitOptions, type GitResult, spawnGit } from './git-process.ts';

export type { GitWhere } from './git-environment.ts';
export { type BatchObject, catFileBatch, listTree } from './git-objects.ts';
export { pipeGit } from './git-pipe.ts';
export { GitError, type GitOptions, type GitResult } from './git-process.ts';

/**
 * Runs one git command and returns its output; throws GitError for an exit code outside `okCodes`, a timeout, too much output or an abort.
 * Pathspecs are literal; diffs and status have their guarding flags added here.
 */
export async function runGit(where: GitWhere, args: readonly string[], opts: GitOptions = {}): Promise<GitResult> {
  return collect(await spawnGit(where, args, opts), args, opts);
}

/** Runs one git command and returns its standard output as UTF-8 text without the final newline; throws GitError like runGit. */
export async function readGit(where: GitWhere, args: readonly string[], opts: GitOptions = {}): Promise<string> {
  const { stdout } = await runGit(where, args, opts);
  return stdout.toString('utf8').replace(/\r?\n$/, '');
}

const recallBare = rememberAnswers<boolean>();

/** Whether the configuration says that the repository has no work tree. */
export function isMarkedBare(where: GitWhere): Promise<boolean> {
  return recallBare(where, async () => {
    const { stdout } = await runGit(where, ['config', '--type=bool', '--get', 'core.bare'], { okCodes: [0, 1] });
    return stdout.toString().trim() === 'true';
  });
}

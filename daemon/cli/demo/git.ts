// Git for the demo: its own sample, and looking at what came of it. Neither hooks nor the user's configuration take part.
import { execFile } from 'node:child_process';
import { devNull } from 'node:os';
import { promisify } from 'node:util';
import { CliFailure } from '../failure.ts';

const run = promisify(execFile);
const QUIET = [
  '-c',
  `core.hooksPath=${devNull}`,
  '-c',
  'core.fsmonitor=false',
  '-c',
  'commit.gpgSign=false',
  '-c',
  'core.autocrlf=false',
  '-c',
  'core.pager=cat',
];
const AUTHOR = {
  GIT_AUTHOR_NAME: 'Sample Developer',
  GIT_AUTHOR_EMAIL: 'developer@example.invalid',
  GIT_COMMITTER_NAME: 'Sample Developer',
  GIT_COMMITTER_EMAIL: 'developer@example.invalid',
};
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

/** The standard output of one git command in a folder; throws a CliFailure with what git said. */
export async function git(folder: string, args: readonly string[]): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const env = {
    ...Object.fromEntries(inherited),
    ...AUTHOR,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  try {
    const { stdout } = await run('git', [...QUIET, ...args], { cwd: folder, env, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT });
    return stdout.trimEnd();
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT')
      throw new CliFailure('git was not found.', { code: 'git_missing', hint: 'Install git 2.38 or newer, and put it on the PATH.' });
    throw new CliFailure(`git ${args[0] ?? ''} failed: ${(stderr ?? '').trim() || message}`, { code: 'git_failed' });
  }
}

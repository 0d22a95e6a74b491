/**
 * Asks git itself what a commit's .gitignore files ignore, without a checkout: the files are copied into an empty
 * repository of our own, and `check-ignore` is asked there.
 *
 * 1. Nothing but regular files named .gitignore is written, and only below our own temporary folder.
 * 2. The repository's `info/exclude` and the person's global excludes have no say: only what is committed counts.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitWhere, runGit } from '../../../platform/git.ts';
import { folderOf } from './tree.ts';

/** The last line of a .gitignore that has a say about a path. */
export interface IgnoreMatch {
  file: string;
  line: number;
  pattern: string;
  /** True for `!pattern`: the path is explicitly not ignored. */
  negated: boolean;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Where the .gitignore files of one commit are asked. */
export interface IgnoreRules {
  /** The matches by path, for the paths that any line speaks about; `complete` is false when git said more than we read. */
  match(paths: Iterable<string>): Promise<{ matches: Map<string, IgnoreMatch>; complete: boolean }>;
  close(): Promise<void>;
}

/** Opens the rules from the texts of all .gitignore files by path; `skipped` names those that could not be used. */
export async function openIgnoreRules(texts: ReadonlyMap<string, string>): Promise<{ rules: IgnoreRules; skipped: string[] }> {
  const home = await mkdtemp(join(tmpdir(), 'signalbox-ignore-'));
  const where = { gitDir: join(home, 'git'), workTree: join(home, 'tree') };
  const skipped: string[] = [];
  try {
    await makeEmptyRepository(where.gitDir);
    await mkdir(where.workTree);
    for (const [path, text] of texts) {
      const written = await writeIgnoreFile(where.workTree, path, text);
      if (!written) skipped.push(path);
    }
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
  return {
    rules: { match: (paths) => matchPaths(where, paths), close: () => rm(home, { recursive: true, force: true }) },
    skipped,
  };
}

async function makeEmptyRepository(gitDir: string): Promise<void> {
  await mkdir(join(gitDir, 'objects'), { recursive: true });
  await mkdir(join(gitDir, 'refs'));
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n');
  await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tignorecase = false\n');
}

async function writeIgnoreFile(root: string, path: string, text: string): Promise<boolean> {
  try {
    await mkdir(join(root, folderOf(path)), { recursive: true });
    await writeFile(join(root, path), text, { flag: 'wx' });
    return true;
  } catch (error) {
    // A made-up tree may hold a file and a folder of one name, or names that this file system does not take.
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENAMETOOLONG' || code === 'EINVAL') return false;
    throw error;
  }
}

async function matchPaths(where: GitWhere, paths: Iterable<string>): Promise<{ matches: Map<string, IgnoreMatch>; complete: boolean }> {
  const matches = new Map<string, IgnoreMatch>();
  // With this prefix a path that begins with a colon is a path and no pattern.
  const stdin = [...paths].map((path) => `./${path}`).join('\0');
  if (stdin === '') return { matches, complete: true };
  const { stdout, truncated } = await runGit(where, ['check-ignore', '--no-index', '--verbose', '--stdin', '-z'], {
    stdin,
    okCodes: [0, 1],
    maxBytes: MAX_OUTPUT_BYTES,
    truncate: true,
  });
  const fields = stdout.toString('utf8').split('\0');
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [file = '', line = '', pattern = '', path = ''] = fields.slice(at, at + 4);
    matches.set(path.slice(2), { file, line: Number(line), pattern, negated: pattern.startsWith('!') });
  }
  return { matches, complete: !truncated };
}

// Ignored files of the main checkout that a worktree needs, such as .env: copied by pattern, never followed, never over anything.
import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type GitWhere, runGit } from '../platform/git.ts';

const MAX_FILES = 200;
const MAX_FILE_BYTES = 5 * 1024 * 1024;
const MAX_ENTRIES = 20_000;

/** Copies the files below `from` that match a pattern and that git ignores there; returns their relative paths. What is there already stays. */
export async function copyIgnored({
  from,
  to,
  patterns,
}: {
  from: Required<Pick<GitWhere, 'gitDir' | 'workTree'>> & GitWhere;
  to: string;
  patterns: readonly string[];
}): Promise<string[]> {
  const budget = { entries: MAX_ENTRIES };
  const found = new Set<string>();
  for (const pattern of patterns) await expand(from.workTree, pattern.split('/'), { prefix: '', found, budget });
  const ignored = await listIgnored(from, [...found].slice(0, MAX_FILES));
  const copied: string[] = [];
  for (const path of ignored) {
    const source = join(from.workTree, path);
    const facts = await lstat(source).catch(() => undefined);
    if (!facts?.isFile() || facts.size > MAX_FILE_BYTES) continue;
    const target = join(to, path);
    if (!(await makeFolder(to, dirname(path)))) continue;
    try {
      await copyFile(source, target, constants.COPYFILE_EXCL);
      await chmod(target, facts.mode & 0o700);
      copied.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return copied;
}

interface Search {
  prefix: string;
  found: Set<string>;
  budget: { entries: number };
}

/** Walks down a pattern, one folder for each part; `**` stands for any number of folders. Links are not entered. */
async function expand(root: string, [part, ...rest]: string[], search: Search): Promise<void> {
  const { prefix, found, budget } = search;
  if (part === undefined || part === '..' || part === '.git') return;
  if (part === '**') await expand(root, rest, search);
  const matches = toRegExp(part === '**' ? '*' : part);
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true }).catch(() => [])) {
    budget.entries -= 1;
    if (budget.entries < 0) return;
    if (entry.name === '.git' || entry.name === 'node_modules' || !matches.test(entry.name)) continue;
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isFile() && rest.length === 0) found.add(path);
    if (entry.isDirectory()) await expand(root, part === '**' ? ['**', ...rest] : rest, { ...search, prefix: path });
  }
}

function toRegExp(part: string): RegExp {
  const escaped = part.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
}

async function listIgnored(where: GitWhere, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const stdin = paths.map((path) => `${path}\0`).join('');
  const { stdout } = await runGit(where, ['check-ignore', '-z', '--stdin'], { stdin, okCodes: [0, 1] });
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}

/** Makes the folders of a path, unless a link or a file stands in the way. */
async function makeFolder(root: string, folder: string): Promise<boolean> {
  let current = root;
  for (const part of folder === '.' ? [] : folder.split('/')) {
    current = join(current, part);
    const facts = await lstat(current).catch(() => undefined);
    if (facts && !facts.isDirectory()) return false;
    if (!facts) await mkdir(current);
  }
  return true;
}

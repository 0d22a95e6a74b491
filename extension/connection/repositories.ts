// The repositories of a workspace, found by looking for `.git`: git itself is not run here.
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

const MAX_BRANCHES = 500;
const MAX_DEPTH = 8;
const MAX_PACKED_BYTES = 8 * 1024 * 1024;

/** The real path of the top level of the repository that holds `folder`, or undefined. */
export async function findTopLevel(folder: string): Promise<string | undefined> {
  let place = await realpath(folder).catch(() => undefined);
  while (place !== undefined) {
    const facts = await lstat(join(place, '.git')).catch(() => undefined);
    if (facts && (facts.isDirectory() || facts.isFile())) return place;
    const parent = dirname(place);
    place = parent === place ? undefined : parent;
  }
  return undefined;
}

/** The repositories of several folders, each once, in the order of the folders. */
export async function findRepositories(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(folders.map(findTopLevel));
  return [...new Set(found.filter((repo) => repo !== undefined))];
}

/** The branch that is checked out (undefined when HEAD is detached), and all local branches, sorted and bounded. */
export async function readBranches(repo: string): Promise<{ current?: string; all: string[] }> {
  const gitDir = await findGitDir(repo);
  const common = await readFile(join(gitDir, 'commondir'), 'utf8').then(
    (text) => resolve(gitDir, text.trim()),
    () => gitDir,
  );
  const head = await readFile(join(gitDir, 'HEAD'), 'utf8').catch(() => '');
  const current = /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1];
  const names = new Set([...(await listLoose(join(common, 'refs', 'heads'))), ...(await listPacked(common))]);
  // A repository that keeps its references otherwise (reftable) says so with a name that no branch can have.
  const known = current === undefined || current === '.invalid' ? undefined : current;
  const all = [...names].sort().slice(0, MAX_BRANCHES);
  return known === undefined ? { all } : { current: known, all };
}

async function findGitDir(repo: string): Promise<string> {
  const path = join(repo, '.git');
  const facts = await lstat(path);
  if (facts.isDirectory()) return path;
  const target = /^gitdir: (.+)$/m.exec(await readFile(path, 'utf8'))?.[1]?.trim();
  return target === undefined ? path : resolve(repo, target);
}

async function listLoose(root: string, folder = root, depth = 0): Promise<string[]> {
  if (depth > MAX_DEPTH) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.slice(0, MAX_BRANCHES).map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listLoose(root, path, depth + 1);
      return entry.isFile() && !entry.name.endsWith('.lock') ? [relative(root, path).split(sep).join('/')] : [];
    }),
  );
  return found.flat();
}

async function listPacked(common: string): Promise<string[]> {
  const path = join(common, 'packed-refs');
  const facts = await lstat(path).catch(() => undefined);
  if (!facts?.isFile() || facts.size > MAX_PACKED_BYTES) return [];
  return [...(await readFile(path, 'utf8')).matchAll(/^[0-9a-f]+ refs\/heads\/(.+)$/gm)].map((match) => match[1] ?? '');
}

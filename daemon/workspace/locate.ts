// Finds a repository's directories by reading files only: git is not asked, because asking git follows the repository's own configuration.
// Invariants:
// 1. Nothing of the repository is executed and none of its configuration is read.
// 2. A linked worktree counts only when its git directory points back at it; otherwise somebody changed its `.git` file.
import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { WorkspaceError } from './workspace-error.ts';

/** The directories of a repository, real and absolute; `top` is the folder that holds `.git`, undefined when there is none. */
export interface RepoLocation {
  readonly top: string | undefined;
  readonly gitDir: string;
  readonly commonDir: string;
}

const MAX_LINK_BYTES = 8192;

/** The repository that contains `path`; throws WorkspaceError path_missing, not_a_repository or worktree_tampered. */
export async function locateRepo(path: string): Promise<RepoLocation> {
  const start = await realpath(path).catch(() => undefined);
  if (start === undefined || !(await isFolder(start))) {
    throw new WorkspaceError('path_missing', `${path} is not a folder. Give the path of a git repository.`, { path });
  }
  for (let folder = start; ; folder = dirname(folder)) {
    const found = await locateAt(folder);
    if (found) return found;
    if (dirname(folder) === folder) break;
  }
  throw new WorkspaceError('not_a_repository', `${path} is not in a git repository. Run "git init" there, or give another path.`, { path });
}

async function locateAt(folder: string): Promise<RepoLocation | undefined> {
  const link = join(folder, '.git');
  const facts = await stat(link).catch(() => undefined);
  if (facts?.isDirectory()) {
    const gitDir = await realpath(link);
    if (await isGitDir(gitDir)) return { top: folder, gitDir, commonDir: gitDir };
  }
  if (facts?.isFile()) return locateLinked(folder, link);
  if (!(await isGitDir(folder))) return undefined;
  // Somebody named the `.git` folder itself.
  const parent = dirname(folder);
  const isDotGit = basename(folder) === '.git' && (await realpath(join(parent, '.git'))) === folder;
  return { top: isDotGit ? parent : undefined, gitDir: folder, commonDir: folder };
}

async function locateLinked(folder: string, link: string): Promise<RepoLocation> {
  const gitDir = await readGitFile(link);
  if (gitDir === undefined || !(await isFolder(gitDir))) {
    throw new WorkspaceError('not_a_repository', `${link} does not lead to a git directory.`, { path: folder });
  }
  const common = await readLine(join(gitDir, 'commondir'));
  if (common === undefined) {
    if (await isGitDir(gitDir)) return { top: folder, gitDir, commonDir: gitDir };
    throw new WorkspaceError('not_a_repository', `${link} leads to ${gitDir}, which is not a git directory.`, { path: folder });
  }
  await checkWorktreeLink(folder, gitDir);
  const commonDir = await realpath(resolve(gitDir, common)).catch(() => undefined);
  if (commonDir === undefined || !(await isGitDir(commonDir)) || dirname(gitDir) !== join(commonDir, 'worktrees')) {
    throw tampered(folder, gitDir);
  }
  return { top: folder, gitDir, commonDir };
}

/** Checks that `<workTree>/.git` is the file that names `gitDir` and that `gitDir` names it back; throws WorkspaceError worktree_tampered. */
export async function checkWorktreeLink(workTree: string, gitDir: string): Promise<void> {
  const named = await readGitFile(join(workTree, '.git'));
  if (named !== (await realOf(gitDir)) || (await readBackLink(gitDir)) !== (await realOf(workTree))) throw tampered(workTree, gitDir);
}

/** The real folder that a worktree's git directory says it belongs to, or undefined when it is no such directory. */
export async function readBackLink(gitDir: string): Promise<string | undefined> {
  const back = await readLine(join(gitDir, 'gitdir'));
  // The folder is resolved, not its `.git`: that may by now be a symbolic link to anywhere.
  return back === undefined || basename(back) !== '.git' ? undefined : realOf(dirname(resolve(gitDir, back)));
}

function tampered(workTree: string, gitDir: string): WorkspaceError {
  return new WorkspaceError(
    'worktree_tampered',
    `The .git file in ${workTree} does not belong to its worktree. Look at what changed it; if you moved the folder, run "git worktree repair".`,
    { path: workTree, gitDir },
  );
}

/** The real git directory that a `.git` file names, or undefined when it is no such file. */
export async function readGitFile(link: string): Promise<string | undefined> {
  const isFile = (await lstat(link).catch(() => undefined))?.isFile();
  const line = isFile ? await readLine(link) : undefined;
  if (!line?.startsWith('gitdir: ')) return undefined;
  const target = line.slice('gitdir: '.length);
  return realOf(isAbsolute(target) ? target : resolve(dirname(link), target));
}

/** The first line of a small file, or undefined when it cannot be read or is too long to be a path. */
export async function readLine(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile() || facts.size > MAX_LINK_BYTES) return undefined;
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text?.split(/\r?\n/, 1)[0];
}

/** The real path of `path`, also when its last parts do not exist. */
export async function realOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realOf(dirname(path)), basename(path));
}

async function isGitDir(folder: string): Promise<boolean> {
  const [head, objects, refs] = await Promise.all([
    readLine(join(folder, 'HEAD')),
    isFolder(join(folder, 'objects')),
    isFolder(join(folder, 'refs')),
  ]);
  return objects && refs && head !== undefined && /^(ref: |[0-9a-f]{40})/.test(head);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Whether something exists at `path`. */
export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/**
 * Looks at what was done in a worktree, whatever anybody said about it: files that changed, and what would make git run code or
 * lead it elsewhere. Reads through the hardened git, in an index of its own; changes nothing that anybody sees.
 */
import { createHash } from 'node:crypto';
import { copyFile, lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { GitError, readGit, runGit } from '../platform/git.ts';
import { checkWorktreeLink } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';
import type { Worktree } from './worktrees.ts';

/** What nobody could have been allowed: `git` is the link, the configuration or hooks; `nested` a repository in the worktree. */
export interface Tampering {
  readonly kind: 'git' | 'nested' | 'unaudited';
  readonly paths: readonly string[];
  readonly message: string;
}

/** What a worktree looks like beside the commit that it began with; paths are relative, with forward slashes. */
export interface WorkFound {
  readonly changed: readonly string[];
  /** The tree of all files as they are now, ignored ones left out; empty when it could not be made. */
  readonly tree: string;
  readonly tampering: readonly Tampering[];
}

const MAX_ENTRIES = 200_000;
const MAX_GUARDED_BYTES = 1024 * 1024;
const STAGE_MS = 120_000;
/** Folders that tools fill with what others made; a repository in there is nobody's doing, and git never enters it. */
const UNVISITED = new Set(['node_modules', '.git', 'vendor', 'target', '.venv', 'venv']);

/** A digest of what git would obey in this repository: its configuration, hooks and attributes. */
export async function guardGit({ gitDir, commonDir }: Worktree): Promise<string> {
  const hash = createHash('sha256');
  const files = ['config', 'info/attributes', 'info/grafts', 'objects/info/alternates'].map((name) => join(commonDir, name));
  for (const path of [...files, join(gitDir, 'config.worktree'), ...(await listHooks(join(commonDir, 'hooks')))]) {
    const facts = await lstat(path).catch(() => undefined);
    const content = facts?.isFile() && facts.size <= MAX_GUARDED_BYTES ? await readFile(path).catch(() => '') : '';
    hash.update(`${path}\0${facts?.mode ?? 0}\0${facts?.size ?? 0}\0`).update(content);
  }
  return hash.digest('hex');
}

async function listHooks(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort((a, b) => (a < b ? -1 : 1)).map((name) => join(folder, name));
}

/** Compares the worktree with the commit that it began with, and git's own files with `guard` where one was taken. */
export async function lookAtWork(worktree: Worktree, guard: string | undefined): Promise<WorkFound> {
  const tampering: Tampering[] = [];
  const note = (kind: Tampering['kind'], paths: readonly string[], message: string): void => {
    tampering.push({ kind, paths: paths.slice(0, 100), message });
  };
  try {
    if (guard !== undefined) await checkWorktreeLink(worktree.path, worktree.gitDir);
  } catch (error) {
    if (!(error instanceof WorkspaceError)) throw error;
    note('git', ['.git'], error.message);
  }
  if (guard !== undefined && (await guardGit(worktree)) !== guard)
    note('git', [], 'The configuration, hooks or attributes of the repository were changed while the attempt ran.');
  const { nested, complete } = await findNested(worktree.path);
  if (nested.length > 0) note('nested', nested, `A git repository was made inside the worktree: ${nested.slice(0, 5).join(', ')}.`);
  if (!complete) note('unaudited', [], `The worktree holds more than ${MAX_ENTRIES} entries, so not all of them were looked at.`);
  try {
    return { ...(await listChanged(worktree, guard === undefined)), tampering };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    note('unaudited', [], `What changed could not be read: ${error.message}`);
    return { changed: [], tree: '', tampering };
  }
}

/** `own`: the worktree's own index was out of the attempt's reach, so that what it knows of unchanged files can be believed. */
async function listChanged(worktree: Worktree, own: boolean): Promise<Pick<WorkFound, 'changed' | 'tree'>> {
  const { where, gitDir, head } = worktree;
  const env = { GIT_INDEX_FILE: join(gitDir, 'signalbox-audit-index') };
  try {
    if (own) await copyFile(join(gitDir, 'index'), env.GIT_INDEX_FILE);
    else await runGit(where, ['read-tree', head], { env });
    await runGit(where, ['add', '--all', '--ignore-errors', '--', '.'], { env, okCodes: [0, 1], timeoutMs: STAGE_MS });
    const tree = await readGit(where, ['write-tree'], { env });
    const { stdout } = await runGit(where, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', head, tree]);
    const changed = stdout.toString('utf8').split('\0');
    return { tree, changed: changed.filter((path) => path !== '') };
  } finally {
    await rm(env.GIT_INDEX_FILE, { force: true });
  }
}

/** Folders below the root that are repositories of their own; a submodule's stand in the commit and are not asked about. */
async function findNested(root: string): Promise<{ nested: string[]; complete: boolean }> {
  const nested: string[] = [];
  const waiting = [root];
  let count = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (++count > MAX_ENTRIES) return { nested, complete: false };
      const path = join(folder, entry.name);
      if (folder !== root && entry.name.toLowerCase() === '.git') nested.push(relative(root, folder).split(sep).join('/'));
      else if (entry.isDirectory() && !UNVISITED.has(entry.name)) waiting.push(path);
    }
  }
  return { nested, complete: true };
}

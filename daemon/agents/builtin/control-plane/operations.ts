/**
 * Performs single operations on the files of a worktree.
 *
 * 1. A path outside the worktree, inside `.git`, or behind a symbolic link is refused, whoever asks.
 * 2. No file is followed, overwritten or made executable: a file is appended to, made new, or removed.
 */
import { constants } from 'node:fs';
import { lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operation } from '../../../../shared/artifacts/plan.ts';
import type { GitWhere } from '../../../platform/git.ts';
import { runGit } from '../../../platform/git.ts';
import { isSafePath } from '../safe-path.ts';

/** Where operations work: git's own folders and the worktree, all absolute. */
export interface Worktree extends GitWhere {
  readonly workTree: string;
}

/** Why an operation was not done. */
export type OperationErrorCode = 'path_refused' | 'file_missing' | 'file_exists' | 'file_not_text';

/** An operation that must not or cannot be done; `path` is relative to the worktree. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: OperationErrorCode;
  readonly path: string;

  constructor(code: OperationErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

const MAX_FILE_BYTES = 1_000_000;
// Windows has no such flag; there lstat alone has to tell.
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

/** Performs one operation and stages it; throws OperationError, or GitError. */
export async function performOperation(where: Worktree, operation: Operation): Promise<void> {
  await checkPath(where.workTree, operation.path);
  switch (operation.op) {
    case 'append_lines':
      await appendLines(where, operation.path, operation.lines);
      return;
    case 'create_file':
      await createFile(where, operation.path, operation.lines);
      return;
    case 'untrack':
      await untrack(where, operation.path, operation.folder);
  }
}

/** Throws OperationError unless the path stays inside the worktree, outside `.git`, and leads through real folders only. */
export async function checkPath(root: string, path: string): Promise<void> {
  if (!isSafePath(path))
    throw new OperationError('path_refused', path, `${path} is outside the worktree or inside .git; no repair may touch it.`);
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const above = parts.slice(0, depth).join('/');
    const entry = await lstat(join(root, above)).catch(missing);
    if (entry === undefined) return;
    if (entry.isSymbolicLink() && depth < parts.length)
      throw new OperationError('path_refused', path, `${above} is a symbolic link; no repair follows one.`);
    if (!entry.isDirectory() && depth < parts.length) throw new OperationError('path_refused', path, `${above} is not a folder.`);
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

async function appendLines(where: Worktree, path: string, lines: readonly string[]): Promise<void> {
  const file = await open(join(where.workTree, path), constants.O_RDWR | NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new OperationError('file_missing', path, `${path} does not exist.`);
    if (error.code === 'ELOOP') throw new OperationError('path_refused', path, `${path} is a symbolic link; no repair follows one.`);
    throw error;
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_FILE_BYTES)
      throw new OperationError('file_not_text', path, `${path} is not a text file of at most 1 MB.`);
    const content = await file.readFile();
    const text = content.toString('utf8');
    if (!Buffer.from(text, 'utf8').equals(content) || text.includes('\0'))
      throw new OperationError('file_not_text', path, `${path} is not UTF-8 text.`);
    const end = text.includes('\r\n') ? '\r\n' : '\n';
    const join = text === '' || text.endsWith('\n') ? '' : end;
    await file.write(join + lines.map((line) => line + end).join(''), stat.size);
  } finally {
    await file.close();
  }
  await stage(where, path);
}

async function createFile(where: Worktree, path: string, lines: readonly string[]): Promise<void> {
  // O_EXCL takes no link either, also not one that leads nowhere.
  const file = await open(join(where.workTree, path), 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new OperationError('file_exists', path, `${path} exists already.`);
    if (error.code === 'ENOENT') throw new OperationError('file_missing', path, `The folder of ${path} does not exist.`);
    throw error;
  });
  try {
    await file.writeFile(lines.map((line) => `${line}\n`).join(''));
    await stage(where, path);
  } catch (error) {
    // Rolling back takes away only what is staged.
    await rm(join(where.workTree, path), { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function stage(where: Worktree, path: string): Promise<void> {
  // A repository may ignore its own .gitignore; what a repair wrote belongs to it all the same.
  await runGit(where, ['add', '--force', '--', path]);
}

async function untrack(where: Worktree, path: string, folder: boolean): Promise<void> {
  const target = join(where.workTree, path);
  const entry = await lstat(target).catch(missing);
  if (entry !== undefined && entry.isDirectory() !== folder) {
    throw new OperationError('path_refused', path, `${path} is ${folder ? 'not a folder' : 'a folder'} any more; scan again.`);
  }
  await runGit(where, ['rm', '--cached', '--quiet', '--ignore-unmatch', ...(folder ? ['-r'] : []), '--', path]);
  // Removing does not follow links. What stayed in the worktree would keep it from being cleaned up.
  await rm(target, { recursive: folder, force: true });
}

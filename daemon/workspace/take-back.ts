/**
 * Takes back what an attempt committed in the git directory that it was lent. What lies there is input: git never runs in it.
 *
 * 1. Call it only after every process of the attempt is gone.
 * 2. Objects come over as a pack that git checks anew, content against name; nothing is copied as a file.
 * 3. Only the attempt's own branch moves, by compare-and-swap.
 */
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, pipeGit, runGit } from '../platform/git.ts';
import { branchRef, placeOf, readHead } from './inspect.ts';
import type { LentGit } from './lend.ts';
import { readLine } from './locate.ts';
import { WorkspaceError } from './workspace-error.ts';
import type { Worktree } from './worktrees.ts';

const MAX_FILES = 200_000;
const MAX_PACK_BYTES = 4 * 1024 * 1024 * 1024;
const MAX_PACKED_REFS_LINES = 500_000;
const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const TRANSFER_MS = 300_000;

/**
 * Brings the commit that the lent HEAD stands at into the repository and moves the worktree's branch to it; returns that commit, or
 * undefined when nothing was committed. Throws WorkspaceError lent_git_unusable, branch_moved.
 */
export async function takeBack(worktree: Worktree, lent: LentGit): Promise<string | undefined> {
  const tip = await readTip(lent.gitDir);
  if (tip === undefined) throw unusable(lent, 'its HEAD names no commit');
  if (tip === worktree.head) return undefined;
  await checkObjects(lent);
  try {
    await transfer(worktree, lent, tip);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw unusable(lent, error.message);
  }
  await moveOwnBranch(worktree, tip);
  await runGit(worktree.where, ['read-tree', '--reset', tip]);
  await runGit(worktree.where, ['update-index', '-q', '--refresh'], { okCodes: [0, 1] });
  return tip;
}

/** Without a lent git directory: the commit that the worktree's branch was moved to, or undefined when it stands where it began. */
export async function readCommitted(worktree: Worktree): Promise<string | undefined> {
  const { branch, commit } = await readHead(worktree);
  return branch === worktree.branch && commit !== worktree.head ? commit : undefined;
}

/**
 * Takes the attempt's own commits off its branch again, for what they hold and nobody allowed; its files stay as they are. Call it
 * after takeBack.
 */
export async function flattenWork({ where, branch, head }: Worktree): Promise<void> {
  await runGit(where, ['update-ref', '-m', 'signalbox: without what was put back', await branchRef(where, branch), head]);
  await runGit(where, ['read-tree', '--reset', head]);
  await runGit(where, ['update-index', '-q', '--refresh'], { okCodes: [0, 1] });
}

function unusable({ gitDir }: LentGit, why: string): WorkspaceError {
  return new WorkspaceError(
    'lent_git_unusable',
    `What was committed in the sandbox cannot be taken over: ${why}. It was left in ${gitDir}.`,
    {
      path: gitDir,
    },
  );
}

/** The commit of HEAD, read from files as git lays them out. */
async function readTip(gitDir: string): Promise<string | undefined> {
  let name = 'HEAD';
  for (let hops = 0; hops < 3; hops++) {
    const line = await readRef(gitDir, name);
    if (line === undefined || OBJECT_ID.test(line)) return line;
    const target = /^ref: (refs\/heads\/[^\0]+)$/.exec(line)?.[1];
    if (target === undefined || target.split('/').includes('..')) return undefined;
    name = target;
  }
  return undefined;
}

async function readRef(gitDir: string, name: string): Promise<string | undefined> {
  // No part of the way may be a link: it would lead out of what the attempt was lent.
  let path = gitDir;
  for (const part of name.split('/')) {
    path = join(path, part);
    if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) return undefined;
  }
  const loose = (await readLine(path))?.trim();
  return loose ?? (await readPacked(join(gitDir, 'packed-refs'), name));
}

async function readPacked(path: string, name: string): Promise<string | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  if (!facts?.isFile() || facts.size > 64 * 1024 * 1024) return undefined;
  const file = await open(path);
  try {
    let lines = 0;
    for await (const line of file.readLines()) {
      const [id = '', ref] = line.split(' ');
      if (ref === name && OBJECT_ID.test(id)) return id;
      if (++lines > MAX_PACKED_REFS_LINES) return undefined;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/** The lent objects are plain files in plain folders, and borrow from nowhere else any more. */
async function checkObjects(lent: LentGit): Promise<void> {
  const objects = join(lent.gitDir, 'objects');
  await rm(join(objects, 'info'), { recursive: true, force: true });
  const waiting = [objects];
  let count = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (++count > MAX_FILES) throw unusable(lent, `it holds more than ${MAX_FILES} files`);
      if (entry.isDirectory()) waiting.push(join(folder, entry.name));
      else if (!entry.isFile()) throw unusable(lent, `${entry.name} among its objects is no file`);
    }
  }
}

/** Packs what is new between the worktree's head and `tip`, with the lent objects in view, and lets git index it in the repository. */
async function transfer(worktree: Worktree, lent: LentGit, tip: string): Promise<void> {
  const packing = {
    args: ['pack-objects', '--quiet', '--revs', '--thin', '--stdout', '--delta-base-offset'],
    stdin: `${tip}\n^${worktree.head}\n`,
    objects: join(lent.gitDir, 'objects'),
  };
  const indexing = { args: ['index-pack', '--stdin', '--fix-thin', '--strict', `--max-input-size=${MAX_PACK_BYTES}`] };
  await pipeGit(placeOf(worktree), [packing, indexing], TRANSFER_MS);
}

async function moveOwnBranch(worktree: Worktree, tip: string): Promise<void> {
  const ref = await branchRef(worktree, worktree.branch);
  try {
    await runGit(placeOf(worktree), ['update-ref', '-m', 'signalbox: taken over', ref, tip, worktree.head]);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new WorkspaceError(
      'branch_moved',
      `The branch ${worktree.branch} moved while an attempt worked on it. Look at it and try again.`,
      {
        branch: worktree.branch,
        expected: worktree.head,
      },
    );
  }
}

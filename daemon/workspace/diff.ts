// What lies between two commits, for people and policies to judge.
// Invariants: 1. Attributes of a tree do not decide what is shown: no index and no work tree is consulted. 2. The patch is bounded; the list of files is whole.
import { join } from 'node:path';
import { runGit } from '../platform/git.ts';
import type { RepoPlace } from './inspect.ts';

/** One changed file: `status` is git's letter (A, C, D, M, R, T); lines are 0 for a binary file. */
export interface DiffFile {
  readonly path: string;
  readonly oldPath?: string;
  readonly status: string;
  readonly additions: number;
  readonly deletions: number;
  readonly binary: boolean;
}

/** The difference of two commits; `truncated` when the patch was longer than asked for and ends at its last whole line. */
export interface CommitDiff {
  readonly patch: string;
  readonly truncated: boolean;
  readonly files: readonly DiffFile[];
}

/** Compares two commits or trees (object ids); the patch is at most `maxBytes` bytes. Throws GitError. */
export async function diffCommits({
  repo,
  from,
  to,
  maxBytes,
}: {
  repo: RepoPlace;
  from: string;
  to: string;
  maxBytes: number;
}): Promise<CommitDiff> {
  // An index that does not exist is an empty one: a committed ".gitattributes" cannot declare its own changes invisible.
  const env = { GIT_INDEX_FILE: join(repo.gitDir, 'signalbox-no-index') };
  const range = ['--end-of-options', from, to];
  const [list, patch] = await Promise.all([
    runGit(repo, ['diff-tree', '-r', '-M', '-l2000', '-z', '--raw', '--numstat', ...range], { env }),
    runGit(repo, ['diff-tree', '-r', '-M', '-l2000', '-p', '--no-color', '--full-index', ...range], { env, maxBytes, truncate: true }),
  ]);
  const whole = patch.truncated ? patch.stdout.subarray(0, patch.stdout.lastIndexOf(10) + 1) : patch.stdout;
  return { patch: whole.toString('utf8'), truncated: patch.truncated, files: parseFiles(list.stdout.toString('utf8').split('\0')) };
}

/** The paths that differ between two commits or trees, a rename as two; each with the object id it has in `to`, undefined when deleted. */
export async function listChanges({
  repo,
  from,
  to,
}: {
  repo: RepoPlace;
  from: string;
  to: string;
}): Promise<{ status: string; path: string; oid: string | undefined }[]> {
  const { stdout } = await runGit(repo, ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', '--end-of-options', from, to]);
  const fields = stdout.toString('utf8').split('\0');
  const changes = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, , , oid = '', status = ''] = (fields[at] ?? '').split(' ');
    changes.push({ status, path: fields[at + 1] ?? '', oid: status === 'D' ? undefined : oid });
  }
  return changes;
}

function parseFiles(fields: readonly string[]): DiffFile[] {
  const statuses = new Map<string, string>();
  const files: DiffFile[] = [];
  for (let at = 0; at < fields.length - 1; at += 1) {
    const field = fields[at] ?? '';
    if (field.startsWith(':')) {
      const status = (field.split(' ')[4] ?? '').slice(0, 1);
      // A rename or copy has two paths; the new one is the file's.
      at += status === 'R' || status === 'C' ? 2 : 1;
      statuses.set(fields[at] ?? '', status);
      continue;
    }
    const [added = '', deleted = '', ...rest] = field.split('\t');
    const direct = rest.join('\t');
    const oldPath = direct === '' ? fields[at + 1] : undefined;
    const path = direct === '' ? (fields[at + 2] ?? '') : direct;
    if (direct === '') at += 2;
    const binary = added === '-';
    const counts = { additions: binary ? 0 : Number(added), deletions: binary ? 0 : Number(deleted), binary };
    files.push({ path, ...(oldPath === undefined ? {} : { oldPath }), status: statuses.get(path) ?? 'M', ...counts });
  }
  return files;
}

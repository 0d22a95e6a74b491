// Reads what a merge changes, for a person to look at: bounded, through the hardened git, with secrets masked.
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ChangedFile, ChangeRange, FileText, Patch, UndoCommit, UndoDependent } from '../../shared/protocol/views.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Merge, Run } from '../../shared/state/run.ts';
import { placeOfRun } from '../coordinator/merges.ts';
import { GitError, readGit, runGit } from '../platform/git.ts';
import { redact } from '../platform/redact.ts';
import { diffCommits } from '../workspace/diff.ts';
import { listLaterCommits } from '../workspace/later-commits.ts';
import type { RepoWithPath } from '../workspace/merge.ts';

/** Files that one answer names. */
const MAX_FILES = 2_000;
/** Bytes of a file that an editor is given; a frame holds 4 MiB, and JSON may double a text. */
const MAX_FILE_BYTES = 1024 * 1024;
/** As git does: a zero byte this near to the beginning makes a file binary. */
const BINARY_PROBE = 8_000;
const GIT_MS = 20_000;

/** The first parent of a commit; throws SignalboxError `repository`, also for a commit that has none. */
export function findParent(run: Run, commit: string): Promise<string> {
  return inRepository(run, (repo) => readGit(repo, ['rev-parse', '--verify', '--end-of-options', `${commit}^1`], { timeoutMs: GIT_MS }));
}

/** The files that differ between two commits or trees, and the patch when one is wanted; throws SignalboxError `repository`. */
export async function listChangedFiles(
  run: Run,
  { base, head, patchBytes = 0 }: ChangeRange,
): Promise<{ files: ChangedFile[]; truncated: boolean; patch?: Patch }> {
  const { files, patch, truncated } = await inRepository(run, (repo) =>
    diffCommits({ repo, from: base, to: head, maxBytes: Math.max(1, patchBytes) }),
  );
  const listed = { files: files.slice(0, MAX_FILES), truncated: files.length > MAX_FILES };
  return patchBytes === 0 ? listed : { ...listed, patch: { text: await redact(patch), truncated } };
}

/** Later merges that are looked at, later commits that are named, and files that each of them names. */
const MAX_LATER = 50;
const MAX_NAMED = 50;

/** Merged runs after this one, into the same branch, that touch the same files; throws SignalboxError `repository`. */
export async function findLaterMerges(state: State, run: Run): Promise<UndoDependent[]> {
  const { merge } = run;
  if (merge?.commit === undefined) return [];
  const mine = new Set(await listMerged(run, merge));
  const later = [...state.runs.values()].filter(
    (one) => one.id !== run.id && one.commonDir === run.commonDir && one.merge?.into === merge.into && isAfter(one.merge, merge),
  );
  const found = await Promise.all(
    later
      .slice(0, MAX_LATER)
      .map(async (one) => ({ run: one.id, files: (one.merge ? await listMerged(one, one.merge) : []).filter((path) => mine.has(path)) })),
  );
  return found.filter(({ files }) => files.length > 0).map(({ run: id, files }) => ({ run: id, files: files.slice(0, MAX_NAMED) }));
}

/** True for a merge that stands, and was made after the other. */
function isAfter(merge: Merge, other: Merge): boolean {
  return merge.state === 'merged' && (merge.mergedAt ?? '') > (other.mergedAt ?? '');
}

async function listMerged(run: Run, { expected, commit = '' }: Merge): Promise<string[]> {
  return (await listChangedFiles(run, { base: expected, head: commit })).files.map(({ path }) => path);
}

/** Later commits on the branch that a run merged into which touch the same files, newest first; throws SignalboxError `repository`. */
export async function findLaterCommits(state: State, run: Run): Promise<UndoCommit[]> {
  const { merge } = run;
  if (merge?.commit === undefined) return [];
  const { commit: after, into: branch } = merge;
  const mine = new Set(await listMerged(run, merge));
  const later = leaveOutRuns(state, run, await inRepository(run, (repo) => listLaterCommits(repo, { branch, after })));
  const touching = later
    .map((one) => ({ ...one, files: one.files.filter((path) => mine.has(path)).slice(0, MAX_NAMED) }))
    .filter(({ files }) => files.length > 0);
  return Promise.all(touching.slice(0, MAX_LATER).map(async (one) => ({ ...one, subject: await redact(one.subject) })));
}

/** Without what runs merged, which are named as runs, or took back again. A rebase may have put several commits on the line. */
function leaveOutRuns<Line extends { commit: string }>(state: State, run: Run, line: readonly Line[]): Line[] {
  const merges = [...state.runs.values()].flatMap(({ commonDir, merge }) => (merge && commonDir === run.commonDir ? [merge] : []));
  const undos = new Set(merges.map(({ undo }) => undo?.commit));
  const began = new Map(merges.map(({ commit, expected }) => [commit, expected]));
  const kept: Line[] = [];
  let until: string | undefined;
  for (const one of line) {
    if (one.commit === until) until = undefined;
    until ??= began.get(one.commit);
    if (until === undefined && !undos.has(one.commit)) kept.push(one);
  }
  return kept;
}

/** One file at a commit or tree; throws SignalboxError `repository`. */
export async function readFileAt(run: Run, revision: string, path: string): Promise<FileText> {
  const bytes = await inRepository(run, (repo) => readBlob(repo, revision, path));
  if (bytes === undefined) return { kind: 'absent', text: '', size: 0 };
  if (typeof bytes === 'number') return { kind: 'too_large', text: '', size: bytes };
  const size = bytes.length;
  if (bytes.subarray(0, BINARY_PROBE).includes(0)) return { kind: 'binary', text: '', size };
  return { kind: 'text', text: await redact(bytes.toString('utf8'), { path }), size };
}

/** The content of a file, its size when that is too large, or undefined when there is no such file. */
async function readBlob(repo: RepoWithPath, revision: string, path: string): Promise<Buffer | number | undefined> {
  const { stdout } = await runGit(repo, ['ls-tree', '-l', '-z', '--full-tree', revision, '--', path], { timeoutMs: GIT_MS });
  const [entry = ''] = stdout.toString('utf8').split('\0');
  const tab = entry.indexOf('\t');
  const [, type, oid = '', size = '0'] = entry.slice(0, tab).split(/ +/);
  // A path that ends with a slash would name what lies below it.
  if (type !== 'blob' || entry.slice(tab + 1) !== path) return undefined;
  if (Number(size) > MAX_FILE_BYTES) return Number(size);
  return (await runGit(repo, ['cat-file', 'blob', oid], { maxBytes: MAX_FILE_BYTES, timeoutMs: GIT_MS })).stdout;
}

async function inRepository<T>(run: Run, read: (repo: RepoWithPath) => Promise<T>): Promise<T> {
  const repo = placeOfRun(run);
  if (!repo) throw new SignalboxError({ code: 'repository', message: 'The run has no repository.' });
  try {
    return await read(repo);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new SignalboxError({
      code: 'repository',
      message: `git cannot read what the merge changes: ${error.message}`,
      facts: { reason: error.code },
    });
  }
}

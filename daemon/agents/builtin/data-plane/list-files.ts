/**
 * Reads a commit's files and texts through git objects: no checkout, no link is followed, submodules are not entered.
 *
 * 1. A path that no file system should be given (`..`, `.git`, not UTF-8) is left out and counted.
 * 2. Memory is bounded: at most 200,000 entries, 64 MiB of texts that are kept, one object at a time for the rest.
 */
import type { GitWhere } from '../../../platform/git.ts';
import { catFileBatch, listTree } from '../../../platform/git.ts';
import { isSafePath } from '../safe-path.ts';
import type { TrackedFile } from './tree.ts';

const MAX_FILES = 200_000;
const MAX_KEPT_FILES = 10_000;
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
/** Files over this many bytes are not read. */
export const MAX_TEXT_BYTES = 1_000_000;

/** The entries of a commit, and how many were left out and why. */
export interface Listing {
  files: TrackedFile[];
  bytes: number;
  submodules: number;
  /** Paths that are not UTF-8, or that must not be used. */
  refused: number;
  truncated: boolean;
}

/** Lists the files of a commit; throws GitError. */
export async function listFiles(where: GitWhere, commit: string): Promise<Listing> {
  const listing: Listing = { files: [], bytes: 0, submodules: 0, refused: 0, truncated: false };
  for await (const { mode, oid, size, path, rawPath } of listTree(where, commit)) {
    if (listing.files.length >= MAX_FILES) {
      listing.truncated = true;
      break;
    }
    if (mode === '160000') listing.submodules += 1;
    if (rawPath !== undefined || !isSafePath(path)) {
      listing.refused += 1;
      continue;
    }
    listing.files.push({ path, mode, oid, size: size ?? 0 });
    listing.bytes += size ?? 0;
  }
  return listing;
}

/** Whether an entry is a regular file, not a link and not a submodule. */
export function isRegular(file: TrackedFile): boolean {
  return file.mode === '100644' || file.mode === '100755';
}

/** Reads the regular files among these whose size allows it and gives each text, or undefined for what is binary or missing. */
export async function readTexts(
  where: GitWhere,
  files: readonly TrackedFile[],
  onText: (files: readonly TrackedFile[], text: string | undefined) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<void> {
  // Equal files are one object: it is read once.
  const byOid = new Map<string, TrackedFile[]>();
  for (const file of files) {
    if (!isRegular(file) || file.size > MAX_TEXT_BYTES) continue;
    const same = byOid.get(file.oid);
    if (same === undefined) byOid.set(file.oid, [file]);
    else same.push(file);
  }
  if (byOid.size === 0) return;
  const opts = { maxObjectBytes: MAX_TEXT_BYTES, ...(signal === undefined ? {} : { signal }) };
  await catFileBatch(
    where,
    byOid.keys(),
    ({ oid, content }) => onText(byOid.get(oid) ?? [], content === undefined ? undefined : decodeText(content)),
    opts,
  );
}

/** Keeps the texts of a bounded set of files by path; later ones are left out when it is too much. */
export async function keepTexts(
  where: GitWhere,
  files: readonly TrackedFile[],
  signal?: AbortSignal,
): Promise<{ texts: Map<string, string>; complete: boolean }> {
  const texts = new Map<string, string>();
  let bytes = 0;
  const chosen: TrackedFile[] = [];
  for (const file of files) {
    if (chosen.length >= MAX_KEPT_FILES || bytes + file.size > MAX_KEPT_BYTES) continue;
    if (file.size > MAX_TEXT_BYTES) continue;
    bytes += file.size;
    chosen.push(file);
  }
  const keep = (same: readonly TrackedFile[], text: string | undefined): void => {
    for (const file of same) if (text !== undefined) texts.set(file.path, text);
  };
  await readTexts(where, chosen, keep, signal);
  return { texts, complete: chosen.length === files.length };
}

/** The text of a file, or undefined when it is binary (git's own test: a NUL among the first 8,000 bytes). */
function decodeText(content: Buffer): string | undefined {
  if (content.subarray(0, 8_000).includes(0)) return undefined;
  return content.toString('utf8');
}

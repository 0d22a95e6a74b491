/**
 * Content-addressed blobs in `artifacts/<first two digits>/<digest>`.
 *
 * 1. The name is the SHA-256 of the content; what a digest names never changes.
 * 2. A digest that was given out is durable: content, name, and the folder's own name.
 * 3. What was removed for good stays removed: a tombstone says by whom and why, and the same content is not stored again.
 * 4. Text is redacted before it is hashed, so that no digest names a secret.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { syncFolder, writeFileAtomic } from '../platform/atomic.ts';
import { ensurePrivateFolder } from '../platform/paths.ts';
import { redact as redactSecrets } from '../platform/redact.ts';
import { StoreError } from './errors.ts';
import { redactLong, type Redact } from './redact-stream.ts';
import { decodePiece } from './utf8.ts';

/** Largest artifact, in bytes. */
export const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;
/** Largest piece of one read, in bytes. */
export const MAX_PIECE_BYTES = 1024 * 1024;

const TOMBSTONE = '.redacted';
const DIGEST = /^[0-9a-f]{64}$/;

/** What a stored artifact is known by; `size` in bytes. */
export interface StoredArtifact {
  digest: string;
  size: number;
}

/** What stands in the place of a content that was removed; `recorded` once the journal says so too. */
const Tombstone = z.strictObject({ at: z.string(), by: z.string(), reason: z.string(), size: z.number(), recorded: z.boolean() });
export type Tombstone = z.infer<typeof Tombstone>;

/** The blobs of one state folder. All reads throw StoreError `artifact_missing` for a digest that is not there. */
export interface ArtifactStore {
  /** Stores bytes as they are; throws StoreError `artifact_too_large`. */
  putArtifact(content: Uint8Array | string): Promise<StoredArtifact>;
  /** Redacts a text, then stores it; the digest is that of what was stored. Throws StoreError `artifact_too_large`. */
  putText(text: string): Promise<StoredArtifact>;
  /** Reads bytes; a read of the whole is checked and throws StoreError `artifact_changed`. Without a range it is the whole. */
  readArtifact(digest: string, range?: { offset?: number; limit?: number }): Promise<{ bytes: Buffer; size: number }>;
  /** Reads a whole text, checked. */
  readText(digest: string): Promise<string>;
  /** Reads at most `limit` bytes (1 MiB) as whole characters; `next` is the offset to go on at, and equals `size` at the end. */
  readPiece(digest: string, offset: number, limit: number): Promise<{ text: string; next: number; size: number }>;
  statArtifact(digest: string): Promise<StoredArtifact>;
  /** Why an artifact was removed for good, if it was. */
  readTombstone(digest: string): Promise<Tombstone | undefined>;
  /** Writes over the content and removes it; from then on reads throw StoreError `artifact_redacted`, and the same content is not stored again. */
  redactArtifact(digest: string, tombstone: Tombstone): Promise<void>;
}

/** Reads a whole text of a state folder without opening its store, and checks it; for who reads many beside a running daemon. */
export function readStoredText(dir: string, digest: string): string {
  const path = pathOf(join(dir, 'artifacts'), digest);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new StoreError(existsSync(`${path}${TOMBSTONE}`) ? 'artifact_redacted' : 'artifact_missing', { digest });
  }
  if (digestOf(bytes) !== digest) throw new StoreError('artifact_changed', { digest, size: bytes.length });
  return bytes.toString('utf8');
}

/** Opens the artifacts of a state folder; `redact` is what `putText` masks with. */
export async function openArtifactStore(
  dir: string,
  { redact = (text) => redactSecrets(text) }: { redact?: Redact } = {},
): Promise<ArtifactStore> {
  const root = await ensurePrivateFolder(join(dir, 'artifacts'));
  await syncFolder(dir);
  return new FolderOfArtifacts(root, redact);
}

class FolderOfArtifacts implements ArtifactStore {
  readonly #root: string;
  readonly #redact: Redact;
  /** Folders that are known to be durable, by their two digits. */
  readonly #folders = new Map<string, Promise<string>>();

  constructor(root: string, redact: Redact) {
    this.#root = root;
    this.#redact = redact;
  }

  async putArtifact(content: Uint8Array | string): Promise<StoredArtifact> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    if (bytes.length > MAX_ARTIFACT_BYTES) throw tooLarge(bytes.length);
    const digest = digestOf(bytes);
    const folder = await this.#makeFolder(digest.slice(0, 2));
    const path = join(folder, digest);
    if (await readTombstone(path)) return { digest, size: bytes.length };
    const there = await stat(path).catch(() => undefined);
    // One of another size is not what its name says, and is replaced. One that is there may not have been synced by whoever put it.
    if (there?.isFile() && there.size === bytes.length) await renew(path, folder);
    else await writeFileAtomic(path, bytes);
    return { digest, size: bytes.length };
  }

  async putText(text: string): Promise<StoredArtifact> {
    if (text.length > MAX_ARTIFACT_BYTES) throw tooLarge(text.length);
    return this.putArtifact(await redactLong(this.#redact, text));
  }

  async readArtifact(
    digest: string,
    { offset = 0, limit = MAX_ARTIFACT_BYTES }: { offset?: number; limit?: number } = {},
  ): Promise<{ bytes: Buffer; size: number }> {
    return readBlob(pathOf(this.#root, digest), digest, { offset, limit });
  }

  async readText(digest: string): Promise<string> {
    return (await this.readArtifact(digest)).bytes.toString('utf8');
  }

  async readPiece(digest: string, offset: number, limit: number): Promise<{ text: string; next: number; size: number }> {
    const { bytes, size } = await this.readArtifact(digest, { offset, limit: Math.min(Math.max(limit, 4), MAX_PIECE_BYTES) });
    const from = Math.min(offset, size);
    const { text, used } = decodePiece(bytes);
    // A character that the end cuts off will never be whole.
    return from + bytes.length >= size ? { text, next: size, size } : { text, next: from + used, size };
  }

  async statArtifact(digest: string): Promise<StoredArtifact> {
    const path = pathOf(this.#root, digest);
    const { size } = await stat(path).catch((error: NodeJS.ErrnoException) => throwGone(error, path, digest));
    return { digest, size };
  }

  readTombstone(digest: string): Promise<Tombstone | undefined> {
    return readTombstone(pathOf(this.#root, digest));
  }

  async redactArtifact(digest: string, tombstone: Tombstone): Promise<void> {
    const path = pathOf(this.#root, digest);
    // The tombstone first: whoever looks in between is told why.
    await writeFileAtomic(`${path}${TOMBSTONE}`, JSON.stringify(tombstone));
    await overwrite(path);
    await rm(path, { force: true });
    await syncFolder(dirname(path));
  }

  #makeFolder(name: string): Promise<string> {
    const known = this.#folders.get(name);
    if (known) return known;
    const made = ensurePrivateFolder(join(this.#root, name)).then(async (folder) => {
      await syncFolder(this.#root);
      return folder;
    });
    this.#folders.set(name, made);
    made.catch(() => this.#folders.delete(name));
    return made;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pathOf(root: string, digest: string): string {
  // A digest comes from outside and becomes a path.
  if (!DIGEST.test(digest)) throw new StoreError('artifact_missing', { digest: digest.slice(0, 100) });
  return join(root, digest.slice(0, 2), digest);
}

/** Makes what is there durable, and young: garbage collection leaves it while nothing names it yet. */
async function renew(path: string, folder: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const now = new Date();
    await file.utimes(now, now);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(folder);
}

/** Throws what a reader is told of a file that is not there: that it never was, or who removed it. */
async function throwGone(error: NodeJS.ErrnoException, path: string, digest: string): Promise<never> {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  const tombstone = await readTombstone(path);
  if (!tombstone) throw new StoreError('artifact_missing', { digest });
  const { by, at, reason } = tombstone;
  throw new StoreError('artifact_redacted', { digest, by, at, reason });
}

async function readTombstone(path: string): Promise<Tombstone | undefined> {
  const text = await readFile(`${path}${TOMBSTONE}`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return text === undefined ? undefined : Tombstone.parse(JSON.parse(text));
}

/** Zeros over the whole content, synced, so that removing the name removes more than the name. */
async function overwrite(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const { size } = await file.stat();
    const zeros = Buffer.alloc(Math.min(size, 1024 * 1024));
    for (let at = 0; at < size; at += zeros.length) await file.write(zeros, 0, Math.min(zeros.length, size - at), at);
    await file.sync();
  } finally {
    await file.close();
  }
}

function tooLarge(size: number): StoreError {
  return new StoreError('artifact_too_large', { size, limit: MAX_ARTIFACT_BYTES });
}

async function readBlob(
  path: string,
  digest: string,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ bytes: Buffer; size: number }> {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(limit) || offset < 0 || limit < 0)
    throw new RangeError('Offset and limit are whole numbers from 0.');
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => throwGone(error, path, digest));
  try {
    const { size } = await file.stat();
    // Nothing larger was ever put there.
    if (size > MAX_ARTIFACT_BYTES) throw new StoreError('artifact_changed', { digest, size });
    const bytes = Buffer.alloc(Math.max(0, Math.min(limit, size - offset)));
    let filled = 0;
    for (let read = -1; filled < bytes.length && read !== 0; filled += read)
      read = (await file.read(bytes, filled, bytes.length - filled, offset + filled)).bytesRead;
    const whole = offset === 0 && limit >= size;
    if (filled !== bytes.length || (whole && digestOf(bytes) !== digest)) throw new StoreError('artifact_changed', { digest, size });
    return { bytes, size };
  } finally {
    await file.close();
  }
}

// Reads many objects of a repository as streams, so that a tree of any size needs bounded memory.
import { once } from 'node:events';
import type { GitWhere } from './git-environment.ts';
import { failedCommand, keepStderr, killGit, spawnGit } from './git-process.ts';

/** One entry of a tree, recursively: `path` is relative with slashes; `size` is undefined for a submodule. */
export interface TreeEntry {
  readonly mode: string;
  readonly type: 'blob' | 'commit' | 'tree';
  readonly oid: string;
  readonly size: number | undefined;
  readonly path: string;
  /** The exact bytes, only when the path is not valid UTF-8 and `path` therefore approximates it. */
  readonly rawPath?: Buffer;
}

/** One object from catFileBatch: `content` is undefined when it is larger than `maxObjectBytes`. */
export interface BatchObject {
  readonly oid: string;
  readonly type: string;
  readonly size: number;
  readonly content: Buffer | undefined;
}

const MAX_PATH_BYTES = 1024 * 1024;
const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** All files of a commit or tree (an object id), in git's order; throws GitError. */
export async function* listTree(where: GitWhere, commit: string): AsyncGenerator<TreeEntry> {
  assertObjectId(commit);
  const args = ['ls-tree', '-r', '-l', '-z', '--full-tree', commit];
  const child = await spawnGit(where, args);
  const closed = once(child, 'close');
  const readStderr = keepStderr(child);
  child.stdin.end();
  try {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      let data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = data.indexOf(0); end !== -1; end = data.indexOf(0)) {
        yield parseEntry(data.subarray(0, end));
        data = data.subarray(end + 1);
      }
      if (data.length > MAX_PATH_BYTES) throw failedCommand(args, null, null, 'A path in the tree is longer than 1 MiB.');
      rest = data;
    }
    const [exitCode, signal] = (await closed) as [number | null, string | null];
    if (exitCode !== 0) throw failedCommand(args, exitCode, signal, readStderr());
  } finally {
    killGit(child);
  }
}

function parseEntry(line: Buffer): TreeEntry {
  const tab = line.indexOf(9);
  const [mode = '', type = '', oid = '', size = '-'] = line.subarray(0, tab).toString('latin1').split(/ +/);
  const rawPath = line.subarray(tab + 1);
  const path = rawPath.toString('utf8');
  const entry = { mode, type: type as TreeEntry['type'], oid, size: size === '-' ? undefined : Number(size), path };
  return Buffer.from(path, 'utf8').equals(rawPath) ? entry : { ...entry, rawPath: Buffer.from(rawPath) };
}

/**
 * Reads objects in order with one git process and calls `onObject` for each, waiting for it when it returns a promise.
 * Missing objects have type `missing`. Throws GitError, or what `onObject` throws.
 */
export async function catFileBatch(
  where: GitWhere,
  objectIds: Iterable<string>,
  onObject: (object: BatchObject) => void | Promise<void>,
  { maxObjectBytes, signal }: { maxObjectBytes: number; signal?: AbortSignal },
): Promise<void> {
  const args = ['cat-file', '--batch', '--buffer'];
  const child = await spawnGit(where, args);
  const closed = once(child, 'close');
  const readStderr = keepStderr(child);
  const abort = (): void => killGit(child);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  child.stdin.on('error', () => {});
  let feedError: unknown;
  const fed = feedIds(child.stdin, objectIds).catch((error: unknown) => {
    feedError = error;
    killGit(child);
  });
  try {
    const reader = new BatchReader(maxObjectBytes);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      for (const object of reader.read(chunk)) await onObject(object);
    }
    const [exitCode, ended] = (await closed) as [number | null, string | null];
    signal?.throwIfAborted();
    await fed;
    // Whatever the caller's own iterable threw is handed back as it was.
    if (feedError !== undefined) return await Promise.reject(feedError);
    if (exitCode !== 0) throw failedCommand(args, exitCode, ended, readStderr());
  } finally {
    signal?.removeEventListener('abort', abort);
    killGit(child);
  }
}

function assertObjectId(oid: string): void {
  if (!OBJECT_ID.test(oid)) throw new TypeError(`Not an object id: ${JSON.stringify(oid.slice(0, 80))}`);
}

async function feedIds(stdin: NodeJS.WritableStream & { readonly destroyed?: boolean }, objectIds: Iterable<string>): Promise<void> {
  let goOn: () => void = () => undefined;
  const listener = () => goOn();
  stdin.on('drain', listener).on('close', listener);
  for (const oid of objectIds) {
    assertObjectId(oid);
    if (stdin.destroyed) return;
    const patience = new Promise<void>((resolve) => (goOn = resolve));
    if (!stdin.write(`${oid}\n`) && !stdin.destroyed) await patience;
  }
  stdin.end();
}

interface PartialObject {
  readonly oid: string;
  readonly type: string;
  readonly size: number;
  readonly parts: Buffer[] | undefined;
  left: number;
}

/** Cuts the output of `cat-file --batch` into objects: `<oid> <type> <size>\n<content>\n`, or `<oid> missing\n`. */
class BatchReader {
  readonly #maxObjectBytes: number;
  #header: Buffer = Buffer.alloc(0);
  #current: PartialObject | undefined;

  constructor(maxObjectBytes: number) {
    this.#maxObjectBytes = maxObjectBytes;
  }

  *read(chunk: Buffer): Generator<BatchObject> {
    let data = chunk;
    while (data.length > 0) {
      if (this.#current) {
        const taken = data.subarray(0, this.#current.left);
        this.#current.parts?.push(taken);
        this.#current.left -= taken.length;
        data = data.subarray(taken.length);
        if (this.#current.left === 0) {
          yield finishObject(this.#current);
          this.#current = undefined;
        }
        continue;
      }
      const end = data.indexOf(10);
      this.#header = Buffer.concat([this.#header, end === -1 ? data : data.subarray(0, end)]);
      if (end === -1) return;
      data = data.subarray(end + 1);
      const missing = this.#begin();
      if (missing) yield missing;
    }
  }

  #begin(): BatchObject | undefined {
    const [oid = '', type = '', size = '0'] = this.#header.toString('latin1').split(' ');
    this.#header = Buffer.alloc(0);
    if (type === 'missing') return { oid, type, size: 0, content: undefined };
    const bytes = Number(size);
    this.#current = { oid, type, size: bytes, parts: bytes <= this.#maxObjectBytes ? [] : undefined, left: bytes + 1 };
    return undefined;
  }
}

function finishObject({ oid, type, size, parts }: PartialObject): BatchObject {
  return { oid, type, size, content: parts ? Buffer.concat(parts).subarray(0, size) : undefined };
}

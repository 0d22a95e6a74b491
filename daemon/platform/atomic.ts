// Files that are either the old or the new content, also after a power loss.
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Adapter } from 'lowdb';

/** Replaces `path` with `data` durably: a unique temporary file beside it, fsync, rename, fsync of the folder. `mode` defaults to 0600. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, { mode = 0o600 }: { mode?: number } = {}): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes names that were created, renamed or removed in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder for this; NTFS journals names itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A lowdb adapter over one JSON file that writes durably and in order; `parse` turns what was read into T and throws when it is not one. */
export class AtomicJsonAdapter<T> implements Adapter<T> {
  readonly #path: string;
  readonly #parse: (value: unknown) => T;
  readonly #mode: number;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(path: string, parse: (value: unknown) => T, { mode = 0o600 }: { mode?: number } = {}) {
    this.#path = path;
    this.#parse = parse;
    this.#mode = mode;
  }

  /** The stored value, or null when there is no file yet; throws for a file that is not valid. */
  async read(): Promise<T | null> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    return this.#parse(JSON.parse(text) as unknown);
  }

  /** Stores the value as it is now; resolves when it is durable, and a later call never loses to an earlier one. */
  write(data: T): Promise<void> {
    const text = JSON.stringify(data);
    const write = this.#lastWrite.then(() => writeFileAtomic(this.#path, text, { mode: this.#mode }));
    // The next write goes on after a failed one; the failure belongs to whoever asked for it.
    this.#lastWrite = write.catch(() => {});
    return write;
  }
}

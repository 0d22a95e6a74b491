/**
 * The few things that the journal asks of a disk, so that tests can put a failing one in its place.
 *
 * 1. `append` may write less than it was given and says how much; nothing here retries.
 * 2. Bytes are durable after `datasync`, names after `syncFolder`.
 * 3. The calls that end in `Now` block the thread: pace.ts says when that is the better deal.
 */
import { constants, fdatasync as fdatasyncCallback, fdatasyncSync, write as writeCallback, writeSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from '../platform/atomic.ts';

/** An open file; sizes and positions are in bytes. */
export interface DiskFile {
  size(): Promise<number>;
  /** Fills `into` from `position`; returns how much there was. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes at the end; returns how much was written. */
  append(bytes: Uint8Array): Promise<number>;
  /** Writes over what is there; returns how much was written. */
  overwrite(bytes: Uint8Array, position: number): Promise<number>;
  datasync(): Promise<void>;
  appendNow(bytes: Uint8Array): number;
  datasyncNow(): void;
  /** Cuts the file, durably. */
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** How a file is opened: to read, to append, to repair in place, or as a new one that must not exist. */
export type OpenFor = 'read' | 'append' | 'repair' | 'create';

/** A file system, as far as the journal needs one. */
export interface Disk {
  /** Names in a folder; none when it does not exist. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  open(path: string, how: OpenFor): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
}

const FLAGS: Record<OpenFor, number> = {
  read: constants.O_RDONLY,
  append: constants.O_WRONLY | constants.O_APPEND,
  repair: constants.O_RDWR,
  create: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
};

const write = promisify(writeCallback);
const fdatasync = promisify(fdatasyncCallback);

/** The disk of this machine. Files are made with mode 0600, folders with 0700. */
export const nodeDisk: Disk = {
  async list(folder) {
    try {
      return await readdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
  async makeFolder(folder) {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    // A folder is a name in its parent, and as easily lost.
    for (let made = folder; first !== undefined; made = dirname(made)) {
      await syncFolder(dirname(made));
      if (made === first) break;
    }
  },
  async open(path, how) {
    const handle = await open(path, FLAGS[how], 0o600);
    const { fd } = handle;
    return {
      size: async () => (await handle.stat()).size,
      read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
      // The plain calls: a FileHandle's own cost a measurable part of a small append.
      append: async (bytes) => (await write(fd, bytes, 0, bytes.length, null)).bytesWritten,
      overwrite: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      datasync: () => fdatasync(fd),
      appendNow: (bytes) => writeSync(fd, bytes, 0, bytes.length, null),
      datasyncNow: () => fdatasyncSync(fd),
      truncate: async (size) => {
        await handle.truncate(size);
        await handle.sync();
      },
      close: () => handle.close(),
    };
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder,
};

/** Makes `path` with exactly these bytes, durably: it never exists with less. Throws when the disk wrote less. */
export async function writeNewFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await disk.remove(temporary);
  const file = await disk.open(temporary, 'create');
  try {
    const written = await file.append(bytes);
    if (written !== bytes.length) throw shortWrite(path, written, bytes.length);
    await file.datasync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(dirname(path));
}

/** The error for a write that the disk cut short; that is how a disk that runs full often shows first. */
export function shortWrite(path: string, written: number, wanted: number): Error {
  return Object.assign(new Error(`Only ${written} of ${wanted} bytes went to ${path}.`), { code: 'SHORT_WRITE' });
}

/** The journal's folder in a state folder. */
export function journalFolder(dir: string): string {
  return join(dir, 'journal');
}

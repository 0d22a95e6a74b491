import { basename, dirname, join } from 'node:path';
import type { Disk, DiskFile, OpenFor } from '../../../daemon/journal/disk.ts';

interface Inode {
  /** What a reader sees. */
  seen: Buffer;
  /** What a power loss leaves. */
  durable: Buffer;
  /** Bytes that a failed sync did not write and that the system takes for written: only writing them again helps. */
  lost?: { from: number; to: number } | undefined;
}

/** What goes wrong at one call: an error, or for writes a number of bytes after which the disk stops. */
export type Fault = {
  op: 'append' | 'overwrite' | 'datasync' | 'rename' | 'syncFolder' | 'truncate';
  on: number;
  error?: string;
  short?: number;
};

/** A disk in memory that keeps apart what is seen and what is durable, and fails when told to. A failed sync forgets what it should have written, as Linux does. */
export class FaultDisk implements Disk {
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  readonly #counts = new Map<string, number>();
  faults: Fault[] = [];
  /** Faults that happened. */
  faultsHit = 0;

  /** Names in the order of the alphabet, with what is seen of them. */
  get files(): [string, Buffer][] {
    return [...this.#names].map(([path, { seen }]): [string, Buffer] => [path, seen]).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  file(path: string): Buffer {
    const inode = this.#names.get(path);
    if (!inode) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return inode.seen;
  }

  /** Puts bytes there, durably, behind the journal's back. */
  put(path: string, bytes: Buffer): void {
    const inode = { seen: Buffer.from(bytes), durable: Buffer.from(bytes) };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  delete(path: string): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
  }

  /** A copy with the same files and no faults: the disk after the process ended. */
  copy(): FaultDisk {
    const other = new FaultDisk();
    for (const [path, inode] of this.#names)
      other.#names.set(path, { ...inode, seen: Buffer.from(inode.seen), durable: Buffer.from(inode.durable) });
    for (const [path, inode] of this.#durableNames) {
      const twin = this.#names.get(path) === inode ? other.#names.get(path) : undefined;
      other.#durableNames.set(path, twin ?? { seen: Buffer.from(inode.seen), durable: Buffer.from(inode.durable) });
    }
    return other;
  }

  /** The power fails: of what was not synced, `keeps` says for each 512-byte sector whether it reached the disk anyway. */
  losePower(keeps: (sector: number) => boolean = () => false): FaultDisk {
    const other = new FaultDisk();
    for (const [path, { seen, durable }] of this.#durableNames) {
      const left = Buffer.from(
        durable.length >= seen.length ? durable : Buffer.concat([durable, Buffer.alloc(seen.length - durable.length)]),
      );
      let size = durable.length;
      for (let from = 0, sector = 0; from < seen.length; from += 512, sector++) {
        if (!keeps(sector)) continue;
        seen.copy(left, from, from, Math.min(from + 512, seen.length));
        size = Math.max(size, Math.min(from + 512, seen.length));
      }
      other.put(path, left.subarray(0, size));
    }
    return other;
  }

  #fault(op: Fault['op']): Fault | undefined {
    const count = (this.#counts.get(op) ?? 0) + 1;
    this.#counts.set(op, count);
    const fault = this.faults.find((one) => one.op === op && one.on === count);
    if (fault) this.faultsHit++;
    if (fault?.error !== undefined) throw Object.assign(new Error(`${fault.error}: injected`), { code: fault.error });
    return fault;
  }

  /** Calls of one kind so far, so that a test can fail the next. */
  count(op: Fault['op']): number {
    return this.#counts.get(op) ?? 0;
  }

  async list(folder: string): Promise<string[]> {
    return [...this.#names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
  }

  async makeFolder(): Promise<void> {}

  async open(path: string, how: OpenFor): Promise<DiskFile> {
    if (how === 'create') {
      if (this.#names.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
      this.#names.set(path, { seen: Buffer.alloc(0), durable: Buffer.alloc(0) });
    }
    this.file(path);
    return this.#handle(this.#names.get(path) as Inode);
  }

  #handle(inode: Inode): DiskFile {
    const write = (op: 'append' | 'overwrite', bytes: Uint8Array, position: number): number => {
      const written = this.#fault(op)?.short ?? bytes.length;
      const next = Buffer.alloc(Math.max(inode.seen.length, position + written));
      inode.seen.copy(next);
      Buffer.from(bytes).copy(next, position, 0, written);
      inode.seen = next;
      if (inode.lost && position <= inode.lost.from && position + written >= inode.lost.to) inode.lost = undefined;
      return written;
    };
    const append = (bytes: Uint8Array): number => write('append', bytes, inode.seen.length);
    const datasync = (): void => {
      try {
        this.#fault('datasync');
      } catch (error) {
        inode.lost = { from: inode.durable.length, to: inode.seen.length };
        throw error;
      }
      inode.durable = Buffer.from(inode.seen);
      if (inode.lost) inode.durable.fill(0, inode.lost.from, inode.lost.to);
    };
    return {
      size: async () => inode.seen.length,
      read: async (into, position) => inode.seen.copy(into, 0, position),
      append: async (bytes) => append(bytes),
      overwrite: async (bytes, position) => write('overwrite', bytes, position),
      datasync: async () => datasync(),
      appendNow: append,
      datasyncNow: datasync,
      truncate: async (size) => {
        this.#fault('truncate');
        inode.seen = inode.seen.subarray(0, size);
        if (inode.lost && inode.lost.to > size) inode.lost = undefined;
        inode.durable = Buffer.from(inode.seen);
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#fault('rename');
    this.file(from);
    this.#names.set(to, this.#names.get(from) as Inode);
    this.#names.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#names.delete(path);
  }

  async syncFolder(folder: string): Promise<void> {
    this.#fault('syncFolder');
    for (const path of this.#durableNames.keys()) if (dirname(path) === folder && !this.#names.has(path)) this.#durableNames.delete(path);
    for (const [path, inode] of this.#names) if (dirname(path) === folder) this.#durableNames.set(path, inode);
  }
}

/** Path of the journal's folder in the tests that run on this disk. */
export const FOLDER = join('/state', 'journal');

/**
 * What the processes of attempts print: `spools/<attempt>.log`, as they printed it, redacted.
 *
 * 1. Nothing reaches the file unredacted, also not for a moment.
 * 2. A spool keeps at most its limit; what comes later is counted, dropped, and its last line says so.
 * 3. A full or failing disk costs output, which is counted; it never fails the attempt.
 */
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileAtomic } from '../platform/atomic.ts';
import { ensurePrivateFolder } from '../platform/paths.ts';
import { redact as redactSecrets } from '../platform/redact.ts';
import { StoreError } from './errors.ts';
import { RedactStream, type Redact } from './redact-stream.ts';
import { cutToBytes, decodePiece } from './utf8.ts';

/** Most bytes of output that a spool keeps. */
export const MAX_SPOOL_BYTES = 16 * 1024 * 1024;
/** Largest piece of one read, in bytes. */
const MAX_PIECE_BYTES = 1024 * 1024;
/** Characters that may wait before `write` asks for patience. */
const HIGH_WATER = 1024 * 1024;

const ATTEMPT = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/;

/** The open spool of one attempt. */
export interface Spool {
  /** Takes output; never throws and never blocks. False: wait for `drained` before sending more, if you can. */
  write(stream: 'stdout' | 'stderr', text: string): boolean;
  /** Resolves when everything that was taken is on its way to the file. */
  drained(): Promise<void>;
  /** Writes the rest and syncs; `bytes` are kept, `dropped` are not, and `failure` is the system's code if the disk was why. */
  close(): Promise<{ bytes: number; dropped: number; failure?: string }>;
}

/** A piece of a spool; `ended` when nothing follows `next`, now or later. */
export interface SpoolPiece {
  text: string;
  next: number;
  ended: boolean;
  dropped: number;
}

/** The spools of one state folder. */
export interface SpoolStore {
  /** Makes the spool of an attempt; throws StoreError `invalid_id` or `spool_exists`. */
  open(attempt: string): Promise<Spool>;
  /** Reads at most `limit` bytes (1 MiB) as whole characters, also while it is written; empty before there is a spool. Throws StoreError `invalid_id`. */
  readPiece(attempt: string, offset: number, limit: number): Promise<SpoolPiece>;
  /** The last bytes of a spool, as whole characters; empty when there is none. Throws StoreError `invalid_id`. */
  readEnd(attempt: string, bytes: number): Promise<string>;
}

/** Opens the spools of a state folder. */
export async function openSpoolStore(
  dir: string,
  { redact = (text) => redactSecrets(text), limit = MAX_SPOOL_BYTES }: { redact?: Redact; limit?: number } = {},
): Promise<SpoolStore> {
  const root = await ensurePrivateFolder(join(dir, 'spools'));
  const live = new Map<string, FileSpool>();
  const pathOf = (attempt: string, extension: string): string => {
    if (!ATTEMPT.test(attempt)) throw new StoreError('invalid_id', { attempt: attempt.slice(0, 200) });
    return join(root, `${attempt}.${extension}`);
  };
  return {
    async open(attempt) {
      const path = pathOf(attempt, 'log');
      const file = await open(path, 'ax', 0o600).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EEXIST' ? new StoreError('spool_exists', { attempt }) : error;
      });
      const spool = new FileSpool(file, redact, limit, async (dropped) => {
        try {
          if (dropped > 0) await writeFileAtomic(pathOf(attempt, 'json'), JSON.stringify({ dropped }));
          else await syncFolder(root);
        } finally {
          live.delete(attempt);
        }
      });
      live.set(attempt, spool);
      return spool;
    },
    async readEnd(attempt, bytes) {
      const path = pathOf(attempt, 'log');
      const size = (await stat(path).catch(() => undefined))?.size ?? 0;
      const piece = await readBytes(path, Math.max(0, size - bytes), Math.min(bytes, MAX_PIECE_BYTES));
      return piece ? decodePiece(piece.bytes).text : '';
    },
    async readPiece(attempt, offset, wanted) {
      const path = pathOf(attempt, 'log');
      if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError('An offset is a whole number from 0.');
      const before = live.get(attempt);
      const piece = await readBytes(path, offset, Math.min(Math.max(wanted, 4), MAX_PIECE_BYTES));
      if (!piece) return { text: '', next: offset, ended: false, dropped: 0 };
      const { text, used } = decodePiece(piece.bytes);
      const next = Math.min(offset, piece.size) + used;
      // Asked before the read: what was written since then is still to come.
      return {
        text,
        next,
        ended: before === undefined && next >= piece.size,
        dropped: before?.dropped ?? (await readDropped(pathOf(attempt, 'json'))),
      };
    },
  };
}

async function readBytes(path: string, offset: number, limit: number): Promise<{ bytes: Buffer; size: number } | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.max(0, Math.min(limit, size - offset)));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
    return { bytes: bytes.subarray(0, bytesRead), size };
  } finally {
    await file.close();
  }
}

async function readDropped(path: string): Promise<number> {
  try {
    const { dropped } = JSON.parse(await readFile(path, 'utf8')) as { dropped?: unknown };
    return typeof dropped === 'number' ? dropped : 0;
  } catch {
    // Only a spool that dropped something has this file.
    return 0;
  }
}

type StreamName = 'stdout' | 'stderr';

class FileSpool implements Spool {
  readonly #file: FileHandle;
  readonly #limit: number;
  readonly #streams: Record<StreamName, RedactStream>;
  readonly #onClose: (dropped: number) => Promise<void>;
  #queue: { stream: StreamName; text: string }[] = [];
  #waiting = 0;
  #taken = 0;
  #bytes = 0;
  #endsInLine = false;
  #failure: string | undefined;
  #work: Promise<void> | undefined;
  #closing: Promise<{ bytes: number; dropped: number; failure?: string }> | undefined;
  dropped = 0;

  constructor(file: FileHandle, redact: Redact, limit: number, onClose: (dropped: number) => Promise<void>) {
    this.#file = file;
    this.#limit = limit;
    this.#streams = { stdout: new RedactStream(redact), stderr: new RedactStream(redact) };
    this.#onClose = onClose;
  }

  write(stream: StreamName, text: string): boolean {
    const kept = this.#closing || this.#failure !== undefined ? '' : cutToBytes(text, this.#limit - this.#taken);
    const size = Buffer.byteLength(kept);
    this.dropped += Buffer.byteLength(text) - size;
    this.#taken += size;
    if (kept === '') return true;
    // Nothing small may slip in behind what was cut.
    if (kept.length < text.length) this.#taken = this.#limit;
    this.#queue.push({ stream, text: kept });
    this.#waiting += kept.length;
    this.#work ??= this.#drain();
    return this.#waiting < HIGH_WATER;
  }

  async drained(): Promise<void> {
    await this.#work;
  }

  close(): Promise<{ bytes: number; dropped: number; failure?: string }> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    // Output comes in bursts of small pieces: they are taken together, and not while somebody is writing them.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      const queue = this.#queue;
      this.#queue = [];
      let out = '';
      // Neighbours of one stream go through together: every call of the redaction has its price.
      for (let at = 0; at < queue.length; ) {
        const { stream } = queue[at] ?? { stream: 'stdout' as const };
        let text = '';
        for (; queue[at]?.stream === stream; at++) text += queue[at]?.text ?? '';
        this.#waiting -= text.length;
        out += await this.#redact(this.#streams[stream].push(text), text);
      }
      await this.#put(out);
    }
    this.#work = undefined;
  }

  /** What redaction gives; without it the text is dropped, never shown. */
  async #redact(redacting: Promise<string>, text: string): Promise<string> {
    try {
      return await redacting;
    } catch {
      this.#failure ??= 'REDACTION';
      this.dropped += Buffer.byteLength(text);
      return '';
    }
  }

  async #put(text: string): Promise<void> {
    if (text === '') return;
    const kept = this.#failure === undefined ? cutToBytes(text, this.#limit - this.#bytes) : '';
    const bytes = Buffer.from(kept);
    this.dropped += Buffer.byteLength(text) - bytes.length;
    await this.#append(bytes);
  }

  async #append(bytes: Buffer): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) written += (await this.#file.write(bytes, written)).bytesWritten;
    } catch (error) {
      this.#failure ??= (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
      this.dropped += bytes.length - written;
    }
    this.#bytes += written;
    if (written > 0) this.#endsInLine = bytes[written - 1] !== 0x0a;
  }

  async #finish(): Promise<{ bytes: number; dropped: number; failure?: string }> {
    await this.#work;
    for (const stream of Object.values(this.#streams)) await this.#put(await this.#redact(stream.end(), ''));
    if (this.dropped > 0) {
      const why = this.#failure === undefined ? `over the limit of ${this.#limit} bytes` : `not written (${this.#failure})`;
      await this.#append(
        Buffer.from(`${this.#endsInLine ? '\n' : ''}[signalbox: ${this.dropped} more bytes of output were ${why} and are not kept]\n`),
      );
    }
    try {
      await this.#file.sync();
      await this.#onClose(this.dropped);
    } catch (error) {
      this.#failure ??= (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
    } finally {
      await this.#file.close();
    }
    return { bytes: this.#bytes, dropped: this.dropped, ...(this.#failure === undefined ? {} : { failure: this.#failure }) };
  }
}

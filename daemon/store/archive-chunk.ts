/**
 * One file of archived lines, and beside it an index by id: written once, never changed.
 *
 * 1. `tasks/<first>-<count>.ndjson` holds the lines in the order of archival; `.idx` says where each begins and finds it by its id.
 * 2. A chunk is there when its index is: the index is written last, and both are durable then.
 * 3. In memory a chunk costs 10 bits for each line: a filter that is never wrong when it says no.
 */
import { hash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { writeFileAtomic } from '../platform/atomic.ts';
import { StoreError } from './errors.ts';

const FILTER_BITS = 10;
const FILTER_HASHES = 7;
/** Six bytes of the id's hash, and four for the number of the line. */
const KEY_BYTES = 6;
const ENTRY_BYTES = KEY_BYTES + 4;
const OFFSET_BYTES = 8;
/** Format, count, and the checksums of the entries and of the filter. */
const HEAD_BYTES = 16;
const FORMAT = 1;

/** A chunk as this process knows it; `first` numbers its lines in the whole archive. */
export interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly path: string;
  readonly filter: Uint8Array;
}

/** Lines of a chunk, as offsets of their beginnings (one more than lines), and pairs of key and line, ascending by key. */
export interface ChunkIndex {
  offsets: Float64Array;
  keys: Float64Array;
  lines: Uint32Array;
}

/** What an id is looked up by: 48 bits of its hash. */
export function keyOf(id: string): number {
  return hash('sha256', id, 'buffer').readUIntBE(0, KEY_BYTES);
}

/** False: the chunk does not have the id. True: it has, or (in one case of a hundred) only seems to. */
export function mayHave({ filter }: Chunk, key: number): boolean {
  const size = filter.length * 8;
  for (let i = 0; i < FILTER_HASHES; i++) {
    const bit = filterBit(key, i, size);
    if (((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** The bit that stands for the `i`-th hash of a key. */
function filterBit(key: number, i: number, size: number): number {
  return ((key % 0x1_0000_0000) + i * Math.floor(key / 0x1_0000)) % size;
}

/** The path of a chunk's lines; its index has the same name with `.idx`. */
export function chunkPath(folder: string, first: number, count: number): string {
  return join(folder, `${String(first).padStart(12, '0')}-${count}.ndjson`);
}

/** Where the index of a chunk lies. */
export function indexPath(path: string): string {
  return path.replace(/\.ndjson$/, '.idx');
}

/** Writes a chunk of lines (without newlines) durably. */
export async function writeChunk(folder: string, first: number, entries: readonly { id: string; line: string }[]): Promise<Chunk> {
  const offsets = new Float64Array(entries.length + 1);
  const pieces = entries.map(({ line }, i) => {
    const bytes = Buffer.from(`${line}\n`);
    offsets[i + 1] = (offsets[i] ?? 0) + bytes.length;
    return bytes;
  });
  const path = chunkPath(folder, first, entries.length);
  await writeFileAtomic(path, Buffer.concat(pieces));
  const keyed = entries.map(({ id }, line) => ({ line, key: keyOf(id) })).sort((a, b) => a.key - b.key);
  const filter = makeFilter(entries.length);
  for (const { key } of keyed) addToFilter(filter, key);
  const index = { offsets, keys: Float64Array.from(keyed, (k) => k.key), lines: Uint32Array.from(keyed, (k) => k.line) };
  await writeFileAtomic(indexPath(path), encodeIndex(index, filter));
  return { first, count: entries.length, path, filter };
}

/** An empty filter for so many ids. */
export function makeFilter(count: number): Uint8Array {
  return new Uint8Array(Math.max(8, Math.ceil((count * FILTER_BITS) / 8)));
}

/** Makes `mayHave` say yes for a key. */
export function addToFilter(filter: Uint8Array, key: number): void {
  for (let i = 0; i < FILTER_HASHES; i++) {
    const bit = filterBit(key, i, filter.length * 8);
    filter[bit >>> 3] = (filter[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }
}

/** The bytes of an index file: head, offsets, entries, filter. */
export function encodeIndex({ offsets, keys, lines }: ChunkIndex, filter: Uint8Array): Buffer {
  const count = keys.length;
  const body = Buffer.alloc((count + 1) * OFFSET_BYTES + count * ENTRY_BYTES);
  for (let i = 0; i <= count; i++) body.writeDoubleLE(offsets[i] ?? 0, i * OFFSET_BYTES);
  for (let i = 0; i < count; i++) {
    const at = (count + 1) * OFFSET_BYTES + i * ENTRY_BYTES;
    body.writeUIntBE(keys[i] ?? 0, at, KEY_BYTES);
    body.writeUInt32BE(lines[i] ?? 0, at + KEY_BYTES);
  }
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(FORMAT, 0);
  head.writeUInt32BE(count, 4);
  head.writeUInt32BE(crc32(body), 8);
  head.writeUInt32BE(crc32(filter), 12);
  return Buffer.concat([head, body, filter]);
}

/** Reads a whole index, checked; throws StoreError `archive_damaged`. */
export async function readIndex(path: string): Promise<ChunkIndex> {
  const bytes = await readFile(indexPath(path)).catch(() => Buffer.alloc(0));
  const count = bytes.length >= HEAD_BYTES && bytes.readUInt32BE(0) === FORMAT ? bytes.readUInt32BE(4) : -1;
  const entries = HEAD_BYTES + (count + 1) * OFFSET_BYTES;
  const filterAt = entries + count * ENTRY_BYTES;
  if (count < 0 || filterAt >= bytes.length || crc32(bytes.subarray(HEAD_BYTES, filterAt)) !== bytes.readUInt32BE(8))
    throw damaged(indexPath(path));
  return {
    offsets: Float64Array.from({ length: count + 1 }, (_, i) => bytes.readDoubleLE(HEAD_BYTES + i * OFFSET_BYTES)),
    keys: Float64Array.from({ length: count }, (_, i) => bytes.readUIntBE(entries + i * ENTRY_BYTES, KEY_BYTES)),
    lines: Uint32Array.from({ length: count }, (_, i) => bytes.readUInt32BE(entries + i * ENTRY_BYTES + KEY_BYTES)),
  };
}

/** Reads what a chunk keeps in memory, checked; throws StoreError `archive_damaged`. */
export async function readFilter(path: string, count: number): Promise<Uint8Array> {
  const file = await open(indexPath(path), 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const filter = makeFilter(count);
    await file.read(head, 0, HEAD_BYTES, 0);
    await file.read(filter, 0, filter.length, HEAD_BYTES + (count + 1) * OFFSET_BYTES + count * ENTRY_BYTES);
    if (head.readUInt32BE(0) !== FORMAT || head.readUInt32BE(4) !== count || crc32(filter) !== head.readUInt32BE(12))
      throw damaged(indexPath(path));
    return filter;
  } finally {
    await file.close();
  }
}

/** The error for a file of the archive that is not what was written. */
export function damaged(file: string): StoreError {
  return new StoreError('archive_damaged', { file });
}

/** The lines of a chunk that an id may stand in, each as text; mostly one. Reads a few bytes for each step of a binary search. */
export async function findLines(chunk: Chunk, key: number): Promise<string[]> {
  const index = await open(indexPath(chunk.path), 'r');
  try {
    const entries = HEAD_BYTES + (chunk.count + 1) * OFFSET_BYTES;
    const read = async (at: number, length: number): Promise<Buffer> => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await index.read(bytes, 0, length, at);
      if (bytesRead < length) throw damaged(indexPath(chunk.path));
      return bytes;
    };
    let low = 0;
    let high = chunk.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((await read(entries + middle * ENTRY_BYTES, KEY_BYTES)).readUIntBE(0, KEY_BYTES) < key) low = middle + 1;
      else high = middle;
    }
    const found: string[] = [];
    for (; low < chunk.count; low++) {
      const entry = await read(entries + low * ENTRY_BYTES, ENTRY_BYTES);
      if (entry.readUIntBE(0, KEY_BYTES) !== key) break;
      const at = await read(HEAD_BYTES + entry.readUInt32BE(KEY_BYTES) * OFFSET_BYTES, 2 * OFFSET_BYTES);
      found.push(await readText(chunk.path, at.readDoubleLE(0), at.readDoubleLE(OFFSET_BYTES)));
    }
    return found;
  } finally {
    await index.close();
  }
}

/** The lines from `from` (counted within the chunk) up to `to`, as texts. */
export async function readLines(chunk: Chunk, from: number, to: number): Promise<string[]> {
  const index = await open(indexPath(chunk.path), 'r');
  try {
    const bytes = Buffer.alloc((to - from + 1) * OFFSET_BYTES);
    const { bytesRead } = await index.read(bytes, 0, bytes.length, HEAD_BYTES + from * OFFSET_BYTES);
    if (bytesRead < bytes.length) throw damaged(indexPath(chunk.path));
    const text = await readText(chunk.path, bytes.readDoubleLE(0), bytes.readDoubleLE((to - from) * OFFSET_BYTES));
    return text.split('\n');
  } finally {
    await index.close();
  }
}

/** The bytes from `start` to `end`, without the newline at their end. */
async function readText(path: string, start: number, end: number): Promise<string> {
  const file = await open(path, 'r').catch(() => {
    throw damaged(path);
  });
  try {
    const bytes = Buffer.alloc(end - start);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    if (bytesRead < bytes.length || bytes[bytes.length - 1] !== 0x0a) throw damaged(path);
    return bytes.toString('utf8', 0, bytes.length - 1);
  } finally {
    await file.close();
  }
}

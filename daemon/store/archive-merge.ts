/** Makes one chunk of several that follow each other, so that their number stays small however much is archived. */
import { createReadStream } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { writeFileAtomic } from '../platform/atomic.ts';
import { addToFilter, chunkPath, encodeIndex, indexPath, makeFilter, readIndex, type Chunk, type ChunkIndex } from './archive-chunk.ts';

/** Chunks of one size that are merged. */
const FAN = 8;
/** Lines beyond which a chunk is left as it is: merging costs memory for a while, 20 bytes a line. */
const LARGEST = 131_072;
const SMALLEST = 512;
/** Bytes that are copied at once: each piece waits for its turn of the event loop, twice. So many lines are copied as one. */
const PIECE = 1_024 * 1_024;
const SMALL = 16_384;
/** Entries that are looked at before everything else gets a turn. */
const STEP = 8_192;

/** The chunks to merge next: `FAN` neighbours of one size class. Oldest first. */
export function pickMerge(chunks: readonly Chunk[]): readonly Chunk[] | undefined {
  const level = ({ count }: Chunk): number => Math.max(0, Math.floor(Math.log(count / SMALLEST) / Math.log(FAN)));
  for (let at = 0; at + FAN <= chunks.length; at++) {
    const group = chunks.slice(at, at + FAN);
    const [first] = group;
    const count = group.reduce((sum, c) => sum + c.count, 0);
    if (first && count <= LARGEST && group.every((c) => level(c) === level(first))) return group;
  }
  return undefined;
}

/** True when merging them takes many turns of the event loop. */
export function isLargeMerge(chunks: readonly Chunk[]): boolean {
  return chunks.reduce((sum, { count }) => sum + count, 0) > SMALL;
}

/** Writes the merged chunk durably; the old ones are still there. */
export async function mergeChunks(folder: string, chunks: readonly Chunk[]): Promise<Chunk> {
  const first = chunks[0]?.first ?? 0;
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const path = chunkPath(folder, first, count);
  await copyLines(`${path}.tmp`, chunks);
  await rename(`${path}.tmp`, path);
  const index = await joinIndexes(chunks, count);
  const filter = makeFilter(count);
  for (let i = 0; i < count; i++) {
    addToFilter(filter, index.keys[i] ?? 0);
    if (i % STEP === 0) await turn();
  }
  await writeFileAtomic(indexPath(path), encodeIndex(index, filter));
  return { first, count, path, filter };
}

async function copyLines(path: string, chunks: readonly Chunk[]): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    if (!isLargeMerge(chunks)) await file.writev(await Promise.all(chunks.map((chunk) => readFile(chunk.path))));
    else
      for (const chunk of chunks)
        for await (const piece of createReadStream(chunk.path, { highWaterMark: PIECE })) await file.write(piece as Buffer);
    await file.sync();
  } finally {
    await file.close();
  }
}

interface Part extends ChunkIndex {
  /** Number of its first line in the merged chunk. */
  first: number;
  next: number;
}

/** One index over all: offsets one behind the other, entries merged by key. */
async function joinIndexes(chunks: readonly Chunk[], count: number): Promise<ChunkIndex> {
  const joined = { offsets: new Float64Array(count + 1), keys: new Float64Array(count), lines: new Uint32Array(count) };
  const parts: Part[] = [];
  let lines = 0;
  let bytes = 0;
  const indexes = await Promise.all(chunks.map((chunk) => readIndex(chunk.path)));
  for (const [at, chunk] of chunks.entries()) {
    const index = indexes[at] as ChunkIndex;
    for (let i = 0; i <= chunk.count; i++) joined.offsets[lines + i] = bytes + (index.offsets[i] ?? 0);
    parts.push({ ...index, first: lines, next: 0 });
    lines += chunk.count;
    bytes += index.offsets[chunk.count] ?? 0;
  }
  for (let i = 0; i < count; i++) {
    let least: Part | undefined;
    for (const part of parts)
      if (part.next < part.keys.length && (least === undefined || (part.keys[part.next] ?? 0) < (least.keys[least.next] ?? 0)))
        least = part;
    if (!least) break;
    joined.keys[i] = least.keys[least.next] ?? 0;
    joined.lines[i] = least.first + (least.lines[least.next] ?? 0);
    least.next += 1;
    if (i % STEP === 0) await turn();
  }
  return joined;
}

/** The order in which runs were archived: a file of lines that only grows, read from its end. */
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../platform/atomic.ts';

/** What is known of a run before its document is read. */
export interface RunLine {
  id: string;
  repo?: string;
}

export interface RunList {
  /** Adds a line durably. */
  append(line: RunLine): Promise<void>;
  /** The lines before a byte offset (without one: all), newest first; `at.end` is where a line ends. */
  backwards(before: number | undefined): AsyncGenerator<{ line: RunLine; at: { end: number } }>;
}

const STEP = 64 * 1024;
const NEWLINE = 0x0a;

/** Opens the list; what a crash left of a line ends there, and is passed over. */
export async function openRunList(path: string): Promise<RunList> {
  const made = await open(path, 'a', 0o600);
  try {
    const { size } = await made.stat();
    const last = await readBytes(path, Math.max(0, size - 1), size);
    if (size > 0 && last[0] !== NEWLINE) await made.write('\n');
    await made.datasync();
  } finally {
    await made.close();
  }
  await syncFolder(dirname(path));
  return {
    async append(line) {
      const file = await open(path, 'a', 0o600);
      try {
        await file.write(`${JSON.stringify(line)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    backwards: (before) => readBackwards(path, before),
  };
}

async function* readBackwards(path: string, before: number | undefined): AsyncGenerator<{ line: RunLine; at: { end: number } }> {
  const { size } = await stat(path);
  let end = Math.min(before ?? size, size);
  let rest = Buffer.alloc(0);
  for (let start = end; start > 0; ) {
    const from = Math.max(0, start - STEP);
    const bytes = Buffer.concat([await readBytes(path, from, start), rest]);
    start = from;
    for (let stop = bytes.length; stop > 0; ) {
      // The newline that ends this line is its own; the one before it belongs to the line above.
      const above = stop < 2 ? -1 : bytes.lastIndexOf(NEWLINE, stop - 2);
      if (above < 0 && from > 0) {
        rest = bytes.subarray(0, stop);
        break;
      }
      const line = parseLine(bytes.toString('utf8', above + 1, stop));
      if (line) yield { line, at: { end } };
      end -= stop - above - 1;
      stop = above + 1;
      if (stop === 0) rest = Buffer.alloc(0);
    }
  }
}

async function readBytes(path: string, start: number, end: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(end - start);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function parseLine(text: string): RunLine | undefined {
  try {
    const value = JSON.parse(text) as Partial<RunLine>;
    return typeof value.id === 'string' ? (value as RunLine) : undefined;
  } catch {
    return undefined;
  }
}

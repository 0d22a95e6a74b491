/**
 * Walks through the batches of one segment in large steps.
 *
 * 1. A batch is handed out only when all of its bytes are there and match their checksum.
 * 2. The walk ends at the first place that is not a whole batch and says which; it never goes on behind it.
 */
import type { DiskFile } from './disk.ts';
import { checksum, computeHash, MAX_BATCH_BYTES, MAX_MARK_BYTES, parseFrame, readHash, readLink, type Frame } from './format.ts';
import type { DamageCode, Head } from './port.ts';

/** A place in a segment: byte offset, line from 1, and the head before it. */
export interface Mark {
  offset: number;
  line: number;
  head: Head;
}

/** One whole batch; `body` holds its commit lines with newlines, `line` is that of its frame. */
export interface Batch {
  offset: number;
  line: number;
  frame: Frame;
  body: Buffer;
}

/** Why a walk ended; `offset` is where the last whole batch ends. */
export type WalkEnd =
  | { kind: 'end'; offset: number; line: number }
  | { kind: 'flaw'; offset: number; line: number; code: DamageCode; message: string };

/** What is wrong inside a batch whose checksum is good. */
export interface LineFlaw {
  line: number;
  seq: number;
  code: DamageCode;
  message: string;
}

/** Bytes per read: small enough that parsing one step does not hold up the event loop. */
const STEP = 256 * 1024;
const NEWLINE = 0x0a;

/** Bytes of a file from a moving position on, read in steps. */
class Window {
  readonly #file: DiskFile;
  readonly #end: number;
  #bytes: Buffer = Buffer.alloc(0);
  position: number;

  constructor(file: DiskFile, position: number, end: number) {
    this.#file = file;
    this.position = position;
    this.#end = end;
  }

  /** At least `wanted` bytes at the position, or all that there are. */
  async see(wanted: number): Promise<Buffer> {
    const there = Math.min(wanted, this.#end - this.position);
    if (this.#bytes.length >= there) return this.#bytes;
    // A new buffer each time: whoever got a part of the old one may keep it.
    const next = Buffer.allocUnsafe(Math.min(Math.max(there, STEP), this.#end - this.position));
    let filled = this.#bytes.copy(next);
    while (filled < next.length) {
      const read = await this.#file.read(next.subarray(filled), this.position + filled);
      if (read === 0) break;
      filled += read;
    }
    this.#bytes = next.subarray(0, filled);
    return this.#bytes;
  }

  move(by: number): void {
    this.position += by;
    this.#bytes = this.#bytes.subarray(by);
  }
}

/** The whole batches of a segment from `from` to the byte `end`. */
export async function* walkBatches(file: DiskFile, from: { offset: number; line: number }, end: number): AsyncGenerator<Batch, WalkEnd> {
  const window = new Window(file, from.offset, end);
  let line = from.line;
  for (;;) {
    const offset = window.position;
    const flaw = (code: DamageCode, message: string): WalkEnd => ({ kind: 'flaw', offset, line, code, message });
    const mark = await window.see(MAX_MARK_BYTES);
    if (mark.length === 0) return { kind: 'end', offset, line };
    const length = mark.subarray(0, MAX_MARK_BYTES).indexOf(NEWLINE);
    const frame = length < 0 ? undefined : parseFrame(mark.toString('latin1', 0, length));
    if (!frame) return flaw('frame', 'Here a batch should begin, and none does.');
    const whole = length + 1 + frame.bytes;
    if (frame.bytes > MAX_BATCH_BYTES)
      return flaw('frame', `The batch claims ${frame.bytes} bytes; none is larger than ${MAX_BATCH_BYTES}.`);
    const seen = await window.see(whole);
    if (seen.length < whole) return flaw('frame', `The batch has ${whole} bytes, and only ${seen.length} are there.`);
    const body = seen.subarray(length + 1, whole);
    if (checksum(body) !== frame.crc) return flaw('checksum', 'The bytes of this batch are not those that were written.');
    yield { offset, line, frame, body };
    window.move(whole);
    line += 1 + frame.count;
  }
}

/** The offset of a whole batch that begins behind `offset`, if there is any: then what stands at `offset` is damage and not a tail. */
export async function findWholeBatch(file: DiskFile, offset: number, end: number): Promise<number | undefined> {
  // Without a newline in front: the damage may be that very byte.
  const start = Buffer.from('{"batch":');
  const bytes = await new Window(file, offset, end).see(end - offset);
  for (let at = bytes.indexOf(start, 1); at >= 0; at = bytes.indexOf(start, at + 1)) {
    const step = await walkBatches(file, { offset: offset + at, line: 0 }, end).next();
    if (!step.done) return offset + at;
  }
  return undefined;
}

/** The lines of a batch, without newlines. */
export function linesOf(body: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < body.length; ) {
    const newline = body.indexOf(NEWLINE, from);
    const to = newline < 0 ? body.length : newline;
    lines.push(body.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

/** The head behind a batch that nobody wants to look into. */
export function skipBatch(batch: Batch, head: Head): Head | undefined {
  const hash = readHash(batch.body.subarray(0, -1));
  return hash === undefined ? undefined : { seq: head.seq + batch.frame.count, hash };
}

/** Checks that the lines of a batch continue the chain; `deep` also computes every hash. Returns the new head, or what is wrong. */
export function checkLines(batch: Batch, lines: readonly Buffer[], head: Head, deep: boolean): Head | LineFlaw {
  let { seq, hash } = head;
  const ended = batch.body[batch.body.length - 1] === NEWLINE;
  if (lines.length !== batch.frame.count || !ended) {
    return {
      line: batch.line,
      seq: seq + 1,
      code: 'frame',
      message: `The batch should have ${batch.frame.count} commits and has ${lines.length}.`,
    };
  }
  for (const [index, line] of lines.entries()) {
    const at = { line: batch.line + 1 + index, seq: seq + 1 };
    const link = readLink(line);
    if (!link) return { ...at, code: 'not_a_commit', message: 'This line has not the form of a commit.' };
    if (link.seq !== seq + 1) return { ...at, ...describeGap(link.seq, seq + 1) };
    if (link.prev !== hash) return { ...at, code: 'chain', message: `Commit ${link.seq} was not chained to the commit before it.` };
    if (deep && computeHash(line) !== link.hash)
      return { ...at, code: 'changed', message: `Commit ${link.seq} was changed: its hash does not match.` };
    ({ seq, hash } = link);
  }
  return { seq, hash };
}

/** What it means that a commit has another seq than the one that should follow. */
export function describeGap(seq: number, expected: number): { code: DamageCode; message: string } {
  if (seq < expected) return { code: 'reordered', message: `Commit ${seq} stands where commit ${expected} should.` };
  const gone = seq - 1 === expected ? `Commit ${expected} is` : `Commits ${expected} to ${seq - 1} are`;
  return { code: 'missing', message: `${gone} missing before commit ${seq}.` };
}

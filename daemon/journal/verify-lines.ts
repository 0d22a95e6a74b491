import { crc32 } from 'node:zlib';
import { MAX_COMMIT_BYTES } from '../../shared/events/envelope.ts';
import type { DiskFile } from './disk.ts';
import { computeHash, parseCommit, parseFrame, readLink, type Frame, type Link } from './format.ts';
import type { Damage, DamageCode, Head } from './port.ts';
import { describeGap } from './scan.ts';

/** One line of a segment, without its newline; `ended` is false when the file ends before one. */
export interface Line {
  bytes: Buffer;
  number: number;
  ended: boolean;
}

const STEP = 256 * 1024;
/** A longer line is handed out in pieces: none of them is anything valid. */
const LONGEST = 2 * MAX_COMMIT_BYTES;

/** The lines of a file from a place to the byte `end`; a place with line 0 means that the first line is skipped. */
export async function* linesFrom(file: DiskFile, from: { offset: number; line: number }, end: number): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let number = Math.max(1, from.line);
  for (let position = from.offset; position < end; ) {
    const step = Buffer.allocUnsafe(Math.min(STEP, end - position));
    const read = await file.read(step, position);
    if (read === 0) break;
    position += read;
    const bytes = Buffer.concat([rest, step.subarray(0, read)]);
    let start = 0;
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, start)) {
      if (from.line !== 0 || number > 1) yield { bytes: bytes.subarray(start, at), number, ended: true };
      number++;
      start = at + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > LONGEST) {
      yield { bytes: rest, number, ended: false };
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0) yield { bytes: rest, number, ended: false };
}

/** Frames are shorter than this, and no commit is: two hashes alone have 128 bytes. */
export const SHORTER_THAN_A_COMMIT = 128;

interface OpenFrame extends Frame {
  line: number;
  seq: number;
  seen: number;
  seenBytes: number;
  sum: number;
  /** True once something inside was reported: then the checksum would only say it again. */
  reported: boolean;
}

/** Checks line after line against the chain; a `hash` that is undefined fits any `prev`. */
export class LineChecks {
  readonly #report: (problem: Damage) => void;
  readonly #expect: Head | undefined;
  #seq = 0;
  #hashes: (string | undefined)[] = [];
  /** Lines since then that are nothing. */
  #unreadable = 0;
  #frame: OpenFrame | undefined;
  commits = 0;
  head: Head = { seq: 0, hash: '0'.repeat(64) };
  installation: string | undefined;
  started = false;
  expectedSeen: boolean;

  constructor(report: (problem: Damage) => void, expect: Head | undefined) {
    this.#report = report;
    this.#expect = expect;
    this.expectedSeen = expect?.seq === 0;
  }

  /** True when the last commit that was looked at was not sound, so that what follows cannot be held against it. */
  get unsure(): boolean {
    return this.#unreadable > 0 || this.#hashes.length !== 1 || this.#hashes[0] === undefined;
  }

  startSegment({ seq, hash }: { seq: number; hash: string | undefined }, installation: string | undefined): void {
    this.#moveTo(seq, [hash]);
    this.installation ??= installation;
    this.started = true;
  }

  look(file: string, line: Line): void {
    if (line.bytes.length > SHORTER_THAN_A_COMMIT) {
      this.#lookAtCommit(file, line);
      return;
    }
    const frame = line.ended ? parseFrame(line.bytes.toString('latin1')) : undefined;
    this.endFile(file);
    const opened = { line: line.number, seq: this.#seq + 1, seen: 0, seenBytes: 0, sum: 0 };
    this.#frame = frame ? { ...opened, ...frame, reported: false } : { ...opened, count: 0, bytes: 0, crc: '', reported: true };
    if (!frame) this.#problem(file, line.number, 'frame', 'Here a batch should begin, and its first line was changed.');
  }

  #lookAtCommit(file: string, line: Line): void {
    const open = this.#frame;
    if (!open) this.#problem(file, line.number, 'frame', 'This line stands outside of any batch.');
    else {
      open.seen++;
      open.seenBytes += line.bytes.length + 1;
      open.sum = crc32('\n', crc32(line.bytes, open.sum));
    }
    const link = line.ended ? readLink(line.bytes) : undefined;
    if (!link) {
      this.#problem(file, line.number, 'not_a_commit', `Here commit ${this.#seq + 1} should stand, and this line has not the form of one.`);
      this.#unreadable++;
      return;
    }
    const computed = computeHash(line.bytes);
    if (computed === link.hash) this.#lookAtLink(file, line, link);
    else {
      this.#problem(file, line.number, 'changed', `Commit ${this.#seq + 1} was changed: its hash does not match.`);
      // Either the content or the hash was changed; the next commit may have been chained to either.
      this.#moveTo(this.#seq + 1, [link.hash, computed]);
    }
  }

  #lookAtLink(file: string, line: Line, link: Link): void {
    // An unreadable line was a commit, or something that never belonged there: what follows tells.
    if (this.#unreadable > 0 && link.seq > this.#seq + 1) this.#moveTo(Math.min(link.seq - 1, this.#seq + this.#unreadable), [undefined]);
    if (link.seq !== this.#seq + 1) {
      const { code, message } = describeGap(link.seq, this.#seq + 1);
      this.#problem(file, line.number, code, message);
      if (link.seq < this.#seq + 1) return;
    } else if (!this.#hashes.includes(undefined) && !this.#hashes.includes(link.prev)) {
      const message = `Commit ${link.seq} was chained to another commit ${link.seq - 1} than the one before it: that one was replaced, or this one.`;
      this.#report({ file, line: line.number, seq: Math.max(1, link.seq - 1), code: 'chain', message });
      if (this.#frame) this.#frame.reported = true;
    } else if (!parseCommit(line.bytes)) {
      this.#problem(file, line.number, 'not_a_commit', `Commit ${link.seq} is not a commit, though its hash matches.`);
    } else this.commits++;
    this.#moveTo(link.seq, [link.hash]);
    this.head = { seq: link.seq, hash: link.hash };
    if (link.seq === this.#expect?.seq && link.hash === this.#expect.hash) this.expectedSeen = true;
  }

  /** The frame's promise, once the next begins or the file ends. */
  endFile(file: string): void {
    const frame = this.#frame;
    this.#frame = undefined;
    if (!frame || frame.reported) return;
    const at = { file, line: frame.line, seq: frame.seq };
    if (frame.seen !== frame.count || frame.seenBytes !== frame.bytes) {
      const message = `The batch should have ${frame.count} commits of ${frame.bytes} bytes, and has ${frame.seen} of ${frame.seenBytes}.`;
      this.#report({ ...at, code: 'frame', message });
    } else if ((frame.sum >>> 0).toString(16).padStart(8, '0') !== frame.crc) {
      this.#report({ ...at, code: 'checksum', message: 'The bytes of this batch are not those that were written.' });
    }
  }

  #moveTo(seq: number, hashes: (string | undefined)[]): void {
    this.#seq = seq;
    this.#hashes = hashes;
    this.#unreadable = 0;
  }

  #problem(file: string, line: number, code: DamageCode, message: string): void {
    if (this.#frame) this.#frame.reported = true;
    this.#report({ file, line, seq: this.#seq + 1, code, message });
  }
}

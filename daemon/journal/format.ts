/**
 * The bytes of the journal: pure, without a disk, and simple enough to be checked by a few lines of another language.
 *
 * 1. Every line is one JSON value and ends with a newline; no line holds a raw newline.
 * 2. A commit line ends with `,"hash":"<64 hex>"}`; the hash is SHA-256 over the bytes before `,"hash":`.
 * 3. What is read back is accepted only in the exact form that is written here, so that no changed byte goes unseen.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Commit, UnchainedCommit } from '../../shared/events/envelope.ts';
import type { Head } from './port.ts';

/** Version of the format; a later one is a new number, and this one stays readable. */
export const FORMAT = 1;

/** Largest batch, in bytes of commit lines. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** Longest header or frame line, in bytes with the newline. */
export const MAX_MARK_BYTES = 512;

/** Room for a commit line, in bytes; more is made where one is longer. */
const USUAL_LINE_BYTES = 1_024;

const HASH_TAIL = ',"hash":"'.length + 64 + '"}'.length;
const HEADER =
  /^\{"signalbox":"journal","format":(\d{1,6}),"first":([1-9]\d{0,15}),"prev":"([0-9a-f]{64})","installation":"([\w.-]{1,128})","crc":"([0-9a-f]{8})"\}$/;
const FRAME = /^\{"batch":([1-9]\d{0,8}),"bytes":([1-9]\d{0,8}),"crc":"([0-9a-f]{8})"\}$/;
const LINE_TAIL = /^,"hash":"([0-9a-f]{64})"\}$/;
const LINE_START = /^\{"seq":([1-9]\d{0,15}),"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","prev":"([0-9a-f]{64})","principal":"/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Longer than the part of a line that LINE_START looks at. */
const LINE_START_BYTES = 192;

/** First line of a segment: its first seq, and the hash of the commit before it. */
export interface Header {
  first: number;
  prev: string;
  installation: string;
}

/** First line of a batch: how many commit lines follow, their bytes with newlines, and the CRC-32 of these. */
export interface Frame {
  count: number;
  bytes: number;
  crc: string;
}

/** What a commit line says of its place in the chain. */
export interface Link {
  seq: number;
  prev: string;
  hash: string;
}

/** True for an installation's id as a header can hold it. */
export function isInstallationId(text: string): boolean {
  return /^[\w.-]{1,128}$/.test(text);
}

/** True for an RFC 3339 time in UTC with milliseconds, the only form that a commit line has. */
export function isCommitTime(text: string): boolean {
  return TIME.test(text);
}

/** CRC-32 as 8 hex digits. */
export function checksum(bytes: Uint8Array | string): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}

/** SHA-256 as 64 hex digits. */
export function sha256(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex');
}

/** The header line, with its newline. */
export function encodeHeader({ first, prev, installation }: Header): string {
  const start = `{"signalbox":"journal","format":${FORMAT},"first":${first},"prev":"${prev}","installation":"${installation}"`;
  return `${start},"crc":"${checksum(start)}"}\n`;
}

/** Reads a header line (without newline); a sentence about what is wrong otherwise. */
export function parseHeader(line: string): Header | string {
  const [, format, first, prev, installation, crc] = HEADER.exec(line) ?? [];
  if (!prev || !installation) return 'The first line is not the header of a journal segment.';
  if (checksum(line.slice(0, -',"crc":"00000000"}'.length)) !== crc) return 'The header was changed: its checksum does not match.';
  if (Number(format) !== FORMAT)
    return `The segment has format ${format}, and this version reads format ${FORMAT}. A newer Signalbox wrote it.`;
  return { first: Number(first), prev, installation };
}

/** Reads a frame line (without newline); undefined for any other line. */
export function parseFrame(line: string): Frame | undefined {
  const [, count, bytes, crc] = FRAME.exec(line) ?? [];
  return crc === undefined ? undefined : { count: Number(count), bytes: Number(bytes), crc };
}

/** The bytes of one batch of lines that are there already: frame and commit lines. */
export function encodeBatch(lines: readonly string[]): Buffer {
  const body = Buffer.from(`${lines.join('\n')}\n`);
  return Buffer.concat([Buffer.from(encodeFrame(lines.length, body)), body]);
}

function encodeFrame(count: number, body: Uint8Array): string {
  return `{"batch":${count},"bytes":${body.length},"crc":"${checksum(body)}"}\n`;
}

/** Writes commits, one behind the other, into the bytes of one batch: each is made text once, and copied once. */
export class BatchWriter {
  readonly #commits: Commit[] = [];
  #bytes: Buffer;
  #end = MAX_MARK_BYTES;
  #head: Head;

  /** `expected` is about how many commits will come. */
  constructor(head: Head, expected: number) {
    this.#head = head;
    this.#bytes = Buffer.allocUnsafe(MAX_MARK_BYTES + expected * USUAL_LINE_BYTES);
  }

  /** The last commit added, or what stands before the first. */
  get head(): Head {
    return this.#head;
  }

  /** Bytes of commit lines so far. */
  get size(): number {
    return this.#end - MAX_MARK_BYTES;
  }

  /** Chains one more commit; returns the bytes of its line without the newline. */
  add({ seq, at, principal, cause, events, eventsJson = JSON.stringify(events) }: UnchainedCommit): number {
    const prev = this.#head.hash;
    const start = `{"seq":${seq},"at":"${at}","prev":"${prev}","principal":${JSON.stringify(principal)},"cause":${JSON.stringify(cause)},"events":${eventsJson}`;
    // No character has more than three bytes per UTF-16 unit.
    this.#makeRoom(start.length * 3 + HASH_TAIL + 1);
    const begin = this.#end;
    const hashed = begin + this.#bytes.write(start, begin, 'utf8');
    const own = sha256(this.#bytes.subarray(begin, hashed));
    this.#end = hashed + this.#bytes.write(`,"hash":"${own}"}\n`, hashed, 'latin1');
    this.#commits.push({ seq, at, prev, principal, cause, events, hash: own });
    this.#head = { seq, hash: own };
    return this.#end - begin - 1;
  }

  /** Puts the frame before the lines. */
  finish(): { commits: Commit[]; bytes: Buffer } {
    const frame = encodeFrame(this.#commits.length, this.#bytes.subarray(MAX_MARK_BYTES, this.#end));
    const begin = MAX_MARK_BYTES - frame.length;
    this.#bytes.write(frame, begin, 'latin1');
    return { commits: this.#commits, bytes: this.#bytes.subarray(begin, this.#end) };
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + bytes));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

/** The link of a commit line (without newline), from its first and last bytes; undefined when it has not the form of one. */
export function readLink(line: Buffer): Link | undefined {
  const own = readHash(line);
  const [, seq, , prev] = LINE_START.exec(line.toString('latin1', 0, Math.min(line.length, LINE_START_BYTES))) ?? [];
  return own === undefined || prev === undefined ? undefined : { seq: Number(seq), prev, hash: own };
}

/** The hash that a commit line carries, unchecked. */
export function readHash(line: Buffer): string | undefined {
  return LINE_TAIL.exec(line.toString('latin1', Math.max(0, line.length - HASH_TAIL)))?.[1];
}

/** The hash that a commit line should carry. */
export function computeHash(line: Buffer): string {
  return sha256(line.subarray(0, Math.max(0, line.length - HASH_TAIL)));
}

/** Parses a commit line whose checksum was good; undefined when it is not a commit all the same. */
export function parseCommit(line: Buffer): Commit | undefined {
  try {
    const value = JSON.parse(line.toString('utf8')) as Partial<Commit>;
    return typeof value.seq === 'number' && typeof value.principal === 'string' && Array.isArray(value.events)
      ? (value as Commit)
      : undefined;
  } catch {
    return undefined;
  }
}

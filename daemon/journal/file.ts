/**
 * The journal as files of this machine.
 *
 * 1. One append is one write and one fdatasync; the head moves, and readers see it, only behind both.
 * 2. A failed write, short write or sync ends all appending: what the disk has is then known only to the next start.
 * 3. Appends are written in the order of their calls, one at a time.
 */
import { type Commit, MAX_COMMIT_BYTES, type UnchainedCommit } from '../../shared/events/envelope.ts';
import { nodeDisk, shortWrite, type Disk, type DiskFile } from './disk.ts';
import { encodeBatch, encodeCommit, isCommitTime, MAX_BATCH_BYTES } from './format.ts';
import { JournalFailed, type Appended, type Head, type Journal } from './port.ts';
import { readLists } from './read.ts';
import { recoverJournal, type SetAside } from './recover.ts';
import { addMark, createSegment, type Segment } from './segments.ts';

/** Bytes after which a new segment begins. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;

/** How a journal is opened: the state folder, this installation's id, and the time (RFC 3339) that names what is set aside. */
export interface OpenJournal {
  dir: string;
  installation: string;
  now: string;
  segmentBytes?: number;
  disk?: Disk;
}

/** Opens the journal in `dir/journal`, or begins one; `setAside` says what the last process left unfinished. Throws JournalDamaged. */
export async function openJournal(options: OpenJournal): Promise<{ journal: Journal; setAside?: SetAside }> {
  const disk = options.disk ?? nodeDisk;
  const { segments, head, end, line, setAside } = await recoverJournal(disk, options);
  const last = segments[segments.length - 1];
  if (!last) throw new Error('Recovery left no segment to append to.');
  const file = await disk.open(last.path, 'append');
  const journal = new FileJournal({ ...options, disk }, segments, { segment: last, file, end, line, head });
  return { journal, ...(setAside ? { setAside } : {}) };
}

interface Tip {
  segment: Segment;
  file: DiskFile;
  end: number;
  line: number;
  head: Head;
}

interface Encoded {
  commits: Commit[];
  bytes: Buffer;
  lines: number;
}

class FileJournal implements Journal {
  readonly #options: OpenJournal & { disk: Disk };
  readonly #segments: Segment[];
  readonly #tip: Tip;
  #turn: Promise<unknown> = Promise.resolve();
  #failed: JournalFailed | undefined;
  #closing: Promise<void> | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: OpenJournal & { disk: Disk }, segments: Segment[], tip: Tip) {
    this.#options = options;
    this.#segments = segments;
    this.#tip = tip;
  }

  get head(): Head {
    return this.#tip.head;
  }

  append(expectedSeq: number, commits: readonly UnchainedCommit[]): Promise<Appended> {
    if (this.#closing) return Promise.reject(closed());
    const turn = this.#turn.then(() => this.#appendNow(expectedSeq, commits));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #appendNow(expected: number, commits: readonly UnchainedCommit[]): Promise<Appended> {
    if (this.#failed) throw this.#failed;
    const { head } = this.#tip;
    if (expected !== head.seq) {
      const message = `The journal stands at ${head.seq}, not at ${expected}: somebody else appended. Read on from there and decide again.`;
      return { kind: 'refused', code: 'stale_head', message, expected, head };
    }
    if (commits.length === 0) return { kind: 'appended', commits: [] };
    const encoded = encodeAll(commits, head);
    if ('kind' in encoded) return encoded;
    try {
      await this.#write(encoded);
    } catch (error) {
      this.#failed = failure(error);
      throw this.#failed;
    }
    this.#wakeFollowers();
    return { kind: 'appended', commits: encoded.commits };
  }

  async #write({ commits, bytes, lines }: Encoded): Promise<void> {
    const tip = this.#tip;
    if (tip.end >= (this.#options.segmentBytes ?? SEGMENT_BYTES) && tip.head.seq >= tip.segment.header.first) await this.#rotate();
    const written = await tip.file.append(bytes);
    if (written !== bytes.length) throw shortWrite(tip.segment.path, written, bytes.length);
    await tip.file.datasync();
    addMark(tip.segment, { offset: tip.end, line: tip.line }, tip.head);
    tip.end += bytes.length;
    tip.line += lines;
    tip.segment.end = tip.end;
    const last = commits[commits.length - 1];
    if (last) tip.head = { seq: last.seq, hash: last.hash };
  }

  async #rotate(): Promise<void> {
    const tip = this.#tip;
    const { disk, dir, installation } = this.#options;
    const segment = await createSegment(disk, dir, tip.head, installation);
    const file = await disk.open(segment.path, 'append');
    await tip.file.close();
    this.#segments.push(segment);
    Object.assign(tip, { segment, file, end: segment.end ?? 0, line: 2 });
  }

  read(fromSeq: number): AsyncGenerator<Commit> {
    return this.#readTo(fromSeq, this.head.seq);
  }

  async *#readTo(from: number, to: number): AsyncGenerator<Commit> {
    for await (const list of readLists(this.#options.disk, this.#segments, { from: Math.max(1, from), to })) yield* list;
  }

  async *follow(fromSeq: number, signal: AbortSignal): AsyncGenerator<Commit> {
    let next = Math.max(1, fromSeq);
    let wake = (): void => {};
    const stop = (): void => wake();
    signal.addEventListener('abort', stop);
    try {
      for (;;) {
        const { promise, resolve } = newWait();
        wake = resolve;
        // Before the head is looked at, so that no append falls between.
        this.#waiting.add(wake);
        for await (const commit of this.#readTo(next, this.head.seq)) {
          if (signal.aborted) return;
          next = commit.seq + 1;
          yield commit;
        }
        if (signal.aborted || this.#closing) return;
        await promise;
      }
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', stop);
    }
  }

  #wakeFollowers(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn.then(async () => {
      this.#failed ??= closed();
      this.#wakeFollowers();
      await this.#tip.file.close();
    });
    return this.#closing;
  }
}

/** Chains and checks all commits before anything is written; a wrong seq or time is a bug of the caller. */
function encodeAll(commits: readonly UnchainedCommit[], before: Head): Encoded | Extract<Appended, { kind: 'refused' }> {
  let head = before;
  const chained: Commit[] = [];
  const lines: string[] = [];
  for (const unchained of commits) {
    if (unchained.seq !== head.seq + 1) throw new RangeError(`Commit ${unchained.seq} cannot follow commit ${head.seq}.`);
    if (!isCommitTime(unchained.at))
      throw new RangeError(`Commit ${unchained.seq} has no RFC 3339 time in UTC with milliseconds: ${unchained.at}`);
    const { commit, line } = encodeCommit(unchained, head);
    // No character has more than three bytes per UTF-16 unit, so most lines need no counting.
    const bytes = line.length * 3 <= MAX_COMMIT_BYTES ? 0 : Buffer.byteLength(line);
    if (bytes > MAX_COMMIT_BYTES) {
      const message = `Commit ${commit.seq} has ${bytes} bytes; the most is ${MAX_COMMIT_BYTES}. Put large values into artifacts.`;
      return { kind: 'refused', code: 'commit_too_large', message, seq: commit.seq, bytes, limit: MAX_COMMIT_BYTES };
    }
    chained.push(commit);
    lines.push(line);
    head = { seq: commit.seq, hash: commit.hash };
  }
  const { bytes, body } = encodeBatch(lines);
  if (body > MAX_BATCH_BYTES) {
    const message = `The batch has ${body} bytes; the most is ${MAX_BATCH_BYTES}. Append fewer commits at once.`;
    return { kind: 'refused', code: 'batch_too_large', message, bytes: body, limit: MAX_BATCH_BYTES };
  }
  return { commits: chained, bytes, lines: lines.length + 1 };
}

function failure(error: unknown): JournalFailed {
  const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'SHORT_WRITE';
  const advice = full ? 'Make space on the disk, then start the daemon again.' : 'Check the disk, then start the daemon again.';
  return new JournalFailed(code, `The journal could not be written (${code}: ${message}). Nothing more is recorded. ${advice}`, {
    cause: error,
  });
}

function closed(): JournalFailed {
  return new JournalFailed('CLOSED', 'The journal is closed. Nothing more is recorded until the next start.');
}

function newWait(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/**
 * The journal as files of this machine.
 *
 * 1. One append is one write and one fdatasync; the head moves, and readers see it, only behind both.
 * 2. A failed write, short write or sync ends all appending: what the disk has is then known only to the next start.
 * 3. Appends are written in the order of their calls, one at a time; the next is made into bytes while the disk works on the one before.
 */
import { type Commit, MAX_COMMIT_BYTES, type UnchainedCommit } from '../../shared/events/envelope.ts';
import { nodeDisk, shortWrite, type Disk, type DiskFile } from './disk.ts';
import { BatchWriter, isCommitTime, MAX_BATCH_BYTES } from './format.ts';
import { Pace } from './pace.ts';
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
  kind: 'encoded';
  commits: Commit[];
  bytes: Buffer;
  head: Head;
}

type Refused = Extract<Appended, { kind: 'refused' }>;

class FileJournal implements Journal {
  readonly #options: OpenJournal & { disk: Disk };
  readonly #segments: Segment[];
  readonly #tip: Tip;
  readonly #pace = new Pace();
  /** Where the head will be once everything that waits is written. */
  #planned: Head;
  #turn: Promise<unknown> = Promise.resolve();
  /** Appends that wait or are being written by the pool. */
  #turns = 0;
  #failed: JournalFailed | undefined;
  #closing: Promise<void> | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: OpenJournal & { disk: Disk }, segments: Segment[], tip: Tip) {
    this.#options = options;
    this.#segments = segments;
    this.#tip = tip;
    this.#planned = tip.head;
  }

  get head(): Head {
    return this.#tip.head;
  }

  async append(expectedSeq: number, commits: readonly UnchainedCommit[]): Promise<Appended> {
    if (this.#closing) throw closed();
    if (this.#failed) throw this.#failed;
    const batch = encodeAll(expectedSeq, commits, this.#planned);
    if (batch.kind === 'encoded') {
      this.#planned = batch.head;
      if (this.#turns === 0 && this.#pace.mayBlock(batch.bytes.length) && !this.#isSegmentFull()) return this.#appendBlocking(batch);
    }
    this.#turns += 1;
    const turn = this.#turn.then(() => this.#appendInTurn(batch)).finally(() => (this.#turns -= 1));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #appendBlocking(batch: Encoded): Appended {
    const { file } = this.#tip;
    try {
      const begin = performance.now();
      this.#checkWritten(file.appendNow(batch.bytes), batch);
      file.datasyncNow();
      this.#pace.note(performance.now() - begin);
    } catch (error) {
      throw this.#fail(error);
    }
    return this.#advance(batch);
  }

  async #appendInTurn(batch: Encoded | Appended): Promise<Appended> {
    if (this.#failed) throw this.#failed;
    // A refusal waits its turn too: it speaks of a head that must be durable by then.
    if (batch.kind !== 'encoded') return batch;
    try {
      if (this.#isSegmentFull()) await this.#rotate();
      const { file } = this.#tip;
      const begin = performance.now();
      this.#checkWritten(await file.append(batch.bytes), batch);
      await file.datasync();
      this.#pace.note(performance.now() - begin);
    } catch (error) {
      throw this.#fail(error);
    }
    return this.#advance(batch);
  }

  #checkWritten(written: number, { bytes }: Encoded): void {
    if (written !== bytes.length) throw shortWrite(this.#tip.segment.path, written, bytes.length);
  }

  #fail(error: unknown): JournalFailed {
    this.#failed = failure(error);
    return this.#failed;
  }

  /** The batch is durable. */
  #advance({ commits, bytes, head }: Encoded): Appended {
    const tip = this.#tip;
    addMark(tip.segment, { offset: tip.end, line: tip.line }, tip.head);
    tip.end += bytes.length;
    tip.line += commits.length + 1;
    tip.segment.end = tip.end;
    tip.head = head;
    this.#wakeFollowers();
    return { kind: 'appended', commits };
  }

  #isSegmentFull(): boolean {
    const { end, head, segment } = this.#tip;
    return end >= (this.#options.segmentBytes ?? SEGMENT_BYTES) && head.seq >= segment.header.first;
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
function encodeAll(
  expected: number,
  commits: readonly UnchainedCommit[],
  head: Head,
): Encoded | Refused | { kind: 'appended'; commits: [] } {
  if (expected !== head.seq) {
    const message = `The journal stands at ${head.seq}, not at ${expected}: somebody else appended. Read on from there and decide again.`;
    return { kind: 'refused', code: 'stale_head', message, expected, head };
  }
  if (commits.length === 0) return { kind: 'appended', commits: [] };
  const writer = new BatchWriter(head, commits.length);
  for (const commit of commits) {
    const { seq, at } = commit;
    if (seq !== writer.head.seq + 1) throw new RangeError(`Commit ${seq} cannot follow commit ${writer.head.seq}.`);
    if (!isCommitTime(at)) throw new RangeError(`Commit ${seq} has no RFC 3339 time in UTC with milliseconds: ${at}`);
    const bytes = writer.add(commit);
    if (bytes <= MAX_COMMIT_BYTES) continue;
    const message = `Commit ${seq} has ${bytes} bytes; the most is ${MAX_COMMIT_BYTES}. Put large values into artifacts.`;
    return { kind: 'refused', code: 'commit_too_large', message, seq, bytes, limit: MAX_COMMIT_BYTES };
  }
  if (writer.size > MAX_BATCH_BYTES) {
    const message = `The batch has ${writer.size} bytes; the most is ${MAX_BATCH_BYTES}. Append fewer commits at once.`;
    return { kind: 'refused', code: 'batch_too_large', message, bytes: writer.size, limit: MAX_BATCH_BYTES };
  }
  return { kind: 'encoded', head: writer.head, ...writer.finish() };
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

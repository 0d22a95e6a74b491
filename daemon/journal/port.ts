/**
 * The port of the record: what the coordinator needs of whatever keeps commits.
 *
 * 1. A commit that `append` answered is durable, and stands there exactly once.
 * 2. One `append` is one batch: after any crash all of its commits are there, or none.
 * 3. Only the append that names the true head is taken, so that a second writer is fenced off.
 * 4. After a failed write or sync nothing more is appended: the journal is dead, and says so each time.
 */
import type { Commit, UnchainedCommit } from '../../shared/events/envelope.ts';

/** The newest durable commit; `seq` 0 and `NO_HASH` before the first. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** What `prev` of the first commit says. */
export const NO_HASH = '0'.repeat(64);

/** What came of an append. A refused one wrote nothing, and the journal goes on. */
export type Appended =
  | { kind: 'appended'; commits: Commit[] }
  | { kind: 'refused'; code: 'stale_head'; message: string; expected: number; head: Head }
  | { kind: 'refused'; code: 'commit_too_large'; message: string; seq: number; bytes: number; limit: number }
  | { kind: 'refused'; code: 'batch_too_large'; message: string; bytes: number; limit: number };

/** The record of all commits. Followers and readers see durable commits only. */
export interface Journal {
  readonly head: Head;
  /**
   * Chains the commits to the head and makes them durable, whole or not at all; resolves only then.
   * `expectedSeq` is the head's seq, and the commits count on from it; throws JournalFailed when the disk failed, now or before.
   * Several calls may wait; they are written in their order.
   */
  append(expectedSeq: number, commits: readonly UnchainedCommit[]): Promise<Appended>;
  /** The commits from `fromSeq` to what was the head at the call; throws JournalDamaged where they are not what was written. */
  read(fromSeq: number): AsyncIterable<Commit>;
  /** The commits from `fromSeq` and then each new one, until `signal` aborts or the journal closes. */
  follow(fromSeq: number, signal: AbortSignal): AsyncIterable<Commit>;
  /** Waits for appends under way, then lets go of the files. Appends afterwards throw JournalFailed. */
  close(): Promise<void>;
}

/** Writing failed, or the journal was closed: what was being appended may or may not be there after the next start, but never in part. */
export class JournalFailed extends Error {
  override readonly name = 'JournalFailed';
  readonly code = 'journal_failed';
  /** The system's code, such as `EIO` or `ENOSPC`; `CLOSED` for a closed journal. */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** What is wrong with a place of the journal. */
export type DamageCode =
  | 'header' // the first line of a segment is not a valid header
  | 'installation' // the segment belongs to another installation
  | 'missing_segment' // segments do not follow each other
  | 'frame' // a batch's first line is not one, or its promise does not hold
  | 'checksum' // the bytes of a batch are not those that were written
  | 'changed' // a commit is not what its hash says
  | 'missing' // commits are gone
  | 'reordered' // a commit stands where an earlier one should not
  | 'chain' // a commit was chained to another than the one before it
  | 'not_a_commit' // a line with a valid hash is not a commit
  | 'cut_off'; // a sealed segment ends inside a batch

/** One place where the journal is not what was written; `line` counts from 1, `seq` is the first commit that is in doubt. */
export interface Damage {
  readonly file: string;
  readonly line: number;
  readonly seq: number;
  readonly code: DamageCode;
  readonly message: string;
}

/** The journal was changed after it was written, or lost a part that was durable; nothing was repaired. */
export class JournalDamaged extends Error implements Damage {
  override readonly name = 'JournalDamaged';
  readonly code: DamageCode;
  readonly file: string;
  readonly line: number;
  readonly seq: number;

  constructor(damage: Damage) {
    super(
      `${damage.file}:${damage.line}: ${damage.message} Commit ${damage.seq} and what follows cannot be trusted. ` +
        'Look with `signalbox journal verify`, then bring the file back from a copy or cut the journal with `signalbox journal repair`.',
    );
    this.code = damage.code;
    this.file = damage.file;
    this.line = damage.line;
    this.seq = damage.seq;
  }
}

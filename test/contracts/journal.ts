import assert from 'node:assert/strict';
import type { Commit, Event, UnchainedCommit } from '../../shared/events/envelope.ts';
import { MAX_COMMIT_BYTES } from '../../shared/events/envelope.ts';
import { JournalFailed, NO_HASH, type Appended, type Journal } from '../../daemon/journal/port.ts';

/** What the suite needs of an implementation: opening the same record again and again. */
export interface JournalUnderTest {
  /** Opens the record; what was opened before is closed by then. */
  open(): Promise<Journal>;
  /** Forgets the record. */
  remove(): Promise<void>;
}

/** A commit with one small event, valid wherever its seq is. */
export function sampleCommit(seq: number, text = `event ${seq}`): UnchainedCommit {
  const event: Event = {
    id: `epoch-${seq}.0`,
    type: 'principal.refused',
    v: 1,
    stream: 'principal/test',
    tenant: 'local',
    data: { name: 'test', code: 'forbidden', what: text },
  };
  return { seq, at: new Date(1_700_000_000_000 + seq).toISOString(), principal: 'test', cause: `request-${seq}`, events: [event] };
}

/** Commits `from` to `to`. */
export function sampleCommits(from: number, to: number): UnchainedCommit[] {
  return Array.from({ length: to - from + 1 }, (_, index) => sampleCommit(from + index));
}

/** The commits of an append that must not be refused. */
export function taken(result: Appended): Commit[] {
  assert.equal(result.kind, 'appended', JSON.stringify(result));
  return result.kind === 'appended' ? result.commits : [];
}

/** All that an iterable gives. */
export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

/** What every journal must do, whatever keeps it. */
export function journalContract(name: string, make: () => Promise<JournalUnderTest>): void {
  describe(`journal contract: ${name}`, () => {
    let record: JournalUnderTest;
    let journal: Journal;

    beforeEach(async () => {
      record = await make();
      journal = await record.open();
    });

    afterEach(async () => {
      await journal.close();
      await record.remove();
    });

    async function reopen(): Promise<void> {
      await journal.close();
      journal = await record.open();
    }

    it('is empty at first', async () => {
      assert.deepEqual(journal.head, { seq: 0, hash: NO_HASH });
      assert.deepEqual(await collect(journal.read(1)), []);
    });

    it('chains commits from the beginning, batch after batch', async () => {
      const all = [...taken(await journal.append(0, sampleCommits(1, 3))), ...taken(await journal.append(3, sampleCommits(4, 4)))];
      let prev = NO_HASH;
      for (const commit of all) {
        assert.equal(commit.prev, prev);
        assert.match(commit.hash, /^[0-9a-f]{64}$/);
        prev = commit.hash;
      }
      assert.deepEqual(journal.head, { seq: 4, hash: prev });
    });

    it('gives back what was appended, from any seq, also after it was opened again', async () => {
      const all = [...taken(await journal.append(0, sampleCommits(1, 3))), ...taken(await journal.append(3, sampleCommits(4, 7)))];
      await reopen();
      assert.equal(journal.head.seq, 7);
      for (let from = 1; from <= 8; from++) assert.deepEqual(await collect(journal.read(from)), all.slice(from - 1));
      all.push(...taken(await journal.append(7, sampleCommits(8, 8))));
      assert.deepEqual(await collect(journal.read(1)), all);
    });

    it('keeps every character', async () => {
      const text =
        'quote " backslash \\ newline \n null \u0000 line separator \u2028 emoji \u{1F600} lone \uD800 {"batch":1,"bytes":1,"crc":"00000000"}';
      const [commit] = taken(await journal.append(0, [sampleCommit(1, text)]));
      await reopen();
      assert.deepEqual(await collect(journal.read(1)), [commit]);
    });

    it('refuses an append that does not know the head, and goes on', async () => {
      taken(await journal.append(0, sampleCommits(1, 2)));
      for (const expected of [0, 1, 3]) {
        const refused = await journal.append(expected, [sampleCommit(expected + 1)]);
        assert.ok(refused.kind === 'refused' && refused.code === 'stale_head', JSON.stringify(refused));
        assert.equal(refused.head.seq, 2);
      }
      taken(await journal.append(2, [sampleCommit(3)]));
      assert.deepEqual(
        (await collect(journal.read(1))).map(({ seq }) => seq),
        [1, 2, 3],
      );
    });

    it('takes one of two appends at the same head, and both when they follow each other', async () => {
      const results = await Promise.all([
        journal.append(0, sampleCommits(1, 2)),
        journal.append(0, [sampleCommit(1, 'other')]),
        journal.append(2, sampleCommits(3, 3)),
      ]);
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['appended', 'refused', 'appended'],
      );
      assert.equal((await collect(journal.read(1))).length, 3);
    });

    it('refuses a commit over the limit with the whole batch, and goes on', async () => {
      const refused = await journal.append(0, [sampleCommit(1), sampleCommit(2, 'ä'.repeat(MAX_COMMIT_BYTES / 2))]);
      assert.ok(refused.kind === 'refused' && refused.code === 'commit_too_large', JSON.stringify(refused));
      assert.equal(refused.seq, 2);
      assert.equal(journal.head.seq, 0);
      taken(await journal.append(0, [sampleCommit(1)]));
    });

    it('throws for commits that do not count on, and writes none of them', async () => {
      await assert.rejects(journal.append(0, [sampleCommit(1), sampleCommit(3)]), RangeError);
      await assert.rejects(journal.append(0, [{ ...sampleCommit(1), at: 'yesterday' }]), RangeError);
      assert.equal(journal.head.seq, 0);
      taken(await journal.append(0, []));
      taken(await journal.append(0, [sampleCommit(1)]));
    });

    it('reads up to the head at the call, while appends go on', async () => {
      taken(await journal.append(0, sampleCommits(1, 50)));
      const reading = journal.read(1);
      taken(await journal.append(50, sampleCommits(51, 60)));
      assert.equal((await collect(reading)).length, 50);
    });

    it('follows: what is there, then each new commit in order, until it is stopped', async () => {
      taken(await journal.append(0, sampleCommits(1, 5)));
      const stop = new AbortController();
      const seen: number[] = [];
      const following = (async () => {
        for await (const { seq } of journal.follow(3, stop.signal)) {
          seen.push(seq);
          if (seq === 205) stop.abort();
        }
      })();
      for (let seq = 6; seq <= 205; seq++) taken(await journal.append(seq - 1, [sampleCommit(seq)]));
      await following;
      assert.deepEqual(
        seen,
        Array.from({ length: 203 }, (_, index) => index + 3),
      );
    });

    it('ends followers when it closes or they are aborted while nothing happens', async () => {
      const stop = new AbortController();
      const aborted = collect(journal.follow(1, stop.signal));
      const closed = collect(journal.follow(1, new AbortController().signal));
      stop.abort();
      assert.deepEqual(await aborted, []);
      await journal.close();
      assert.deepEqual(await closed, []);
    });

    it('writes what was asked for before it closes, and nothing after', async () => {
      const before = journal.append(0, [sampleCommit(1)]);
      const closing = journal.close();
      await assert.rejects(
        journal.append(1, [sampleCommit(2)]),
        (error) => error instanceof JournalFailed && error.code === 'journal_failed' && error.reason === 'CLOSED',
      );
      taken(await before);
      await closing;
      await reopen();
      assert.equal(journal.head.seq, 1);
    });
  });
}

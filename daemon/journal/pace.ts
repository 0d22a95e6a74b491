/**
 * Whether a batch is written on this thread, or by the thread pool.
 *
 * On an idle machine a trip through the pool and back, once to write and once to sync, costs several times what a quick disk
 * needs for both. Yet a slow disk must not hold up the event loop. So the loop waits itself only for a small batch, and only
 * while the last syncs were quick: each slow one is paid for with appends through the pool, more of them the slower it was.
 */

/** Largest batch, in bytes, that the event loop writes itself; larger ones come under load, when it has other things to do meanwhile. */
const SMALL_BYTES = 8 * 1024;
/** A write and sync within so many milliseconds is quick. */
const QUICK_MS = 2;
/** Appends through the pool for each millisecond of a slow one; at most so many, and so many at first. */
const PER_SLOW_MS = 4;
const MOST_OWED = 1_000;
const AT_FIRST = 8;

/** Counts what the disk's slowness is still to be paid for with. */
export class Pace {
  #owed = AT_FIRST;

  /** True when the event loop may wait for a batch of so many bytes. */
  mayBlock(bytes: number): boolean {
    return this.#owed === 0 && bytes <= SMALL_BYTES;
  }

  /** Notes how long a write with its sync took, in milliseconds. */
  note(ms: number): void {
    if (ms > QUICK_MS) this.#owed = Math.min(MOST_OWED, Math.max(this.#owed, Math.ceil(ms * PER_SLOW_MS)));
    else if (this.#owed > 0) this.#owed -= 1;
  }
}

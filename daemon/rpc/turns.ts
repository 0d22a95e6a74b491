// Shares the daemon's time among its connections: whoever has frames to be read gets one at a time, in turn,
// and after `budgetMs` of that in one turn of the event loop, the loop goes on with everything else.
// Between two frames everything runs that can run without waiting, so that the answers of one are counted before the next is read.

/** Reads one frame of a connection and says whether more wait. */
export type Work = () => boolean;

/** The turns of one server. */
export interface Turns {
  /** Puts a connection in line; the same work only once. */
  add(work: Work): void;
}

/** Makes the line; `now` in milliseconds of a clock that only goes forward. */
export function createTurns({ budgetMs, now }: { budgetMs: number; now: () => number }): Turns {
  const line = new Set<Work>();
  /** Until when frames may be read in this turn of the event loop; undefined when none was yet. */
  let end: number | undefined;
  let reading = false;

  const read = (): void => {
    if (end === undefined) {
      end = now() + budgetMs;
      setImmediate(beginAnew);
    }
    if (reading || now() >= end) return;
    reading = true;
    process.nextTick(readNext);
  };
  const beginAnew = (): void => {
    end = undefined;
    if (line.size > 0) read();
  };
  const readNext = (): void => {
    const [work] = line;
    if (work) {
      line.delete(work);
      if (work()) line.add(work);
    }
    // A tick that is asked for by a microtask comes after all microtasks.
    if (line.size > 0 && end !== undefined && now() < end) return queueMicrotask(() => process.nextTick(readNext));
    reading = false;
  };

  return {
    add(work) {
      line.add(work);
      read();
    },
  };
}

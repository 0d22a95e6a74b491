// Shares the daemon's time among its connections: whoever has frames to be read gets one at a time, in turn,
// and after `budgetMs` of that the event loop goes on with everything else.
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
  let scheduled = false;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => readNext(now() + budgetMs));
  };
  const readNext = (end: number): void => {
    const [work] = line;
    if (work) {
      line.delete(work);
      if (work()) line.add(work);
    }
    // A tick that is asked for by a microtask comes after all microtasks.
    if (line.size > 0 && now() < end) return queueMicrotask(() => process.nextTick(readNext, end));
    scheduled = false;
    if (line.size > 0) schedule();
  };

  return {
    add(work) {
      line.add(work);
      schedule();
    },
  };
}

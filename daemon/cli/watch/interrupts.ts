/** Listens for Ctrl-C and SIGTERM; the second one ends the process at once, with 130. */
export interface Interrupts {
  /** Counts one, as if a signal had come: raw terminals deliver Ctrl-C as a key. */
  raise(): void;
  close(): void;
}

/** Calls `onFirst` at the first interrupt; `beforeExit` runs before the second one ends the process. */
export function listenForInterrupts(onFirst: () => void, beforeExit: () => void): Interrupts {
  let count = 0;
  const raise = (): void => {
    count += 1;
    if (count === 1) return onFirst();
    beforeExit();
    process.exit(130);
  };
  process.on('SIGINT', raise);
  process.on('SIGTERM', raise);
  return {
    raise,
    close() {
      process.off('SIGINT', raise);
      process.off('SIGTERM', raise);
    },
  };
}

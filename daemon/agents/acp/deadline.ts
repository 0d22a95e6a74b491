/** Time that somebody has, without the time in which it has to wait for others. */
export interface Deadline {
  /** Resolves when the time is over. */
  readonly passed: Promise<void>;
  /** Stops the time until `resume` was called as often. */
  pause(): void;
  resume(): void;
  stop(): void;
}

/** Node turns a longer timer into one of a millisecond. */
const MAX_TIMER_MS = 2_147_483_647;

/** Starts a time of so many milliseconds. */
export function startDeadline(ms: number): Deadline {
  let left = Math.min(ms, MAX_TIMER_MS);
  let since = performance.now();
  let pauses = 0;
  let tell: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    tell = resolve;
  });
  let timer: NodeJS.Timeout | undefined = setTimeout(() => tell(), left);
  return {
    passed,
    pause() {
      if (pauses++ > 0) return;
      clearTimeout(timer);
      left -= performance.now() - since;
    },
    resume() {
      if (--pauses > 0 || timer === undefined) return;
      since = performance.now();
      timer = setTimeout(() => tell(), Math.max(1, left));
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

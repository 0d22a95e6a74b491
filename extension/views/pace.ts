/** Runs `work` for requests, at once and then at most every `ms`; what is asked for meanwhile is done once at the end. */
export function createPace(ms: number, work: () => void): { request(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  let stopped = false;
  const run = (): void => {
    again = false;
    work();
    timer = setTimeout(() => {
      timer = undefined;
      if (again && !stopped) run();
    }, ms);
  };
  return {
    request() {
      if (stopped) return;
      if (timer === undefined) run();
      else again = true;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** What a producer measured: tasks per second, and how long each took to be acknowledged and to be told as ended, in milliseconds. */
export interface Measured {
  tasks: number;
  ms: number;
  perSecond: number;
  ackP50: number;
  ackP99: number;
  endP50: number;
  endP99: number;
}

export interface Dispatch {
  p50: number;
  p99: number;
}

const quantile = (list: readonly number[], q: number): number => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * q)] ?? 0;

/** Milliseconds since 1970 with fractions, the same clock in every process of this machine. */
export function nowEverywhere(): number {
  return performance.timeOrigin + performance.now();
}

/** Sums up the times of one producer; `ms` is the time for all of it. */
export function describeTimes(ms: number, acks: number[], ends: number[]): Measured {
  const perSecond = (ends.length / ms) * 1_000;
  return {
    tasks: ends.length,
    ms,
    perSecond,
    ackP50: quantile(acks, 0.5),
    ackP99: quantile(acks, 0.99),
    endP50: quantile(ends, 0.5),
    endP99: quantile(ends, 0.99),
  };
}

/** Prints how long tasks were on their way when this process is asked to end. */
export function reportDispatch(onTheWay: readonly number[]): void {
  process.once('SIGTERM', () => {
    process.stdout.write(`${JSON.stringify({ p50: quantile(onTheWay, 0.5), p99: quantile(onTheWay, 0.99) } satisfies Dispatch)}\n`, () =>
      process.exit(0),
    );
  });
}

/** So long without an end, in milliseconds, and the rest will not come. */
const SILENCE_MS = 10_000;

export interface Work {
  total: number;
  inFlight: number;
  /** Pause between the end of a task and the next one, in milliseconds; 0 for a full queue. */
  gapMs: number;
}

/** Keeps so many tasks in flight and times each; `submit` sends one under an id, `onEnd` says how to hear of an end. */
export async function produce(
  work: Work,
  submit: (id: string, payload: { n: number; sentAt: number }) => Promise<unknown>,
  onEnd: (ended: (id: string) => void) => void,
): Promise<Measured> {
  const started = new Map<string, number>();
  const acks: number[] = [];
  const ends: number[] = [];
  const run = `${process.pid}-${Math.floor(performance.timeOrigin)}`;
  let submitted = 0;
  let done: () => void = () => undefined;
  let lastEnd = performance.now();
  const finished = new Promise<void>((resolve) => (done = resolve));
  const next = (): void => {
    if (submitted === work.total) return;
    const n = (submitted += 1);
    const at = performance.now();
    started.set(`${run}-${n}`, at);
    void submit(`${run}-${n}`, { n, sentAt: nowEverywhere() }).then(() => acks.push(performance.now() - at));
  };
  onEnd((id) => {
    const at = started.get(id);
    if (at === undefined) return;
    started.delete(id);
    lastEnd = performance.now();
    ends.push(lastEnd - at);
    if (ends.length === work.total) done();
    else if (work.gapMs === 0) next();
    else setTimeout(next, work.gapMs);
  });
  const begin = performance.now();
  for (let i = 0; i < work.inFlight; i++) next();
  // A queue whose stream of events was trimmed tells some ends to nobody; what it told until then is what counts.
  const silence = setInterval(() => performance.now() - lastEnd > SILENCE_MS && done(), 1_000);
  await finished;
  clearInterval(silence);
  return describeTimes(lastEnd - begin, acks, ends);
}

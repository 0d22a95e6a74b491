/** Tasks through the daemon at several levels of load, and one by one when nothing else happens, beside BullMQ with the same work. */
import { median, round, times, type Bench, type Line, type Row } from './row.ts';
import { BenchDaemon, end, readMeasured, startScript, waitFor } from './run.ts';
import type { Dispatch, Measured, Work } from './times.ts';

const TASKS = Number(process.env['BENCH_TASKS'] ?? 20_000);
/** The two take turns so often, and the one in the middle counts: the machine is never quite the same. */
const ROUNDS = 3;

interface Result {
  measured: Measured;
  dispatch: Dispatch;
  /** CPU of the daemon, or of nobody for BullMQ, in microseconds for each task. */
  cpuUs?: number;
}

/** One producer and one worker against whatever `place` says; the worker prints its part when it is ended. */
async function measure(
  scripts: { producer: string; worker: string },
  place: { producer: string[]; worker: string[] },
  work: Work,
): Promise<Result> {
  const worker = startScript(scripts.worker, [...place.worker, String(work.inFlight)]);
  const dispatch = readMeasured<Dispatch>(worker);
  await waitFor(worker.stdout, 'ready');
  const measured = await readMeasured<Measured>(
    startScript(scripts.producer, [...place.producer, String(work.total), String(work.inFlight), String(work.gapMs)]),
  );
  await end(worker);
  return { measured, dispatch: await dispatch };
}

async function measureDaemon(daemon: BenchDaemon, work: Work): Promise<Result> {
  const { endpoint } = daemon;
  const token = await daemon.issueToken();
  const port = String(endpoint.port);
  const before = daemon.cpuMs();
  const result = await measure(
    { producer: 'producer.ts', worker: 'worker.ts' },
    { producer: [port, endpoint.token], worker: [port, token] },
    work,
  );
  return { ...result, cpuUs: ((daemon.cpuMs() - before) * 1_000) / work.total };
}

function measureQueue(port: number, work: Work): Promise<Result> {
  return measure({ producer: 'queue-producer.ts', worker: 'queue-worker.ts' }, { producer: [String(port)], worker: [String(port)] }, work);
}

const describe = ({ measured: m, dispatch }: Result, work: Work): string =>
  work.gapMs > 0
    ? `at the worker p50 ${round(dispatch.p50)} p99 ${round(dispatch.p99)} ms`
    : `${Math.round(m.perSecond)}/s, ack p50 ${round(m.ackP50)} p99 ${round(m.ackP99)} ms`;

/** The round in the middle, by tasks a second or by the time until the worker has one. */
function middle(results: readonly Result[], work: Work): Result {
  const key = ({ measured, dispatch }: Result): number => (work.gapMs > 0 ? dispatch.p50 : measured.perSecond);
  const at = median(results.map(key));
  return results.find((result) => key(result) === at) ?? (results[0] as Result);
}

async function compare(bench: Bench, name: string, work: Work): Promise<{ lines: Line[]; figures: unknown }> {
  const port = await bench.redis();
  const daemon = await BenchDaemon.start(bench.dir, bench.profile);
  const ours: Result[] = [];
  const theirs: Result[] = [];
  try {
    for (let n = 0; n < ROUNDS; n++) {
      const own = await measureDaemon(daemon, work);
      ours.push(own);
      bench.say(`signalbox ${describe(own, work)}, ${Math.round(own.cpuUs ?? 0)} us of the daemon's CPU a task${missing(own, work)}`);
      if (port === undefined) continue;
      const other = await measureQueue(port, work);
      theirs.push(other);
      bench.say(`BullMQ    ${describe(other, work)}${missing(other, work)}`);
    }
  } finally {
    await daemon.end();
  }
  return { lines: [makeLine(name, work, ours, theirs)], figures: { work, ours, theirs } };
}

function missing({ measured }: Result, { total }: Work): string {
  return measured.tasks < total ? ` (${total - measured.tasks} of ${total} ends were never told)` : '';
}

function makeLine(name: string, work: Work, ours: readonly Result[], theirs: readonly Result[]): Line {
  const own = middle(ours, work);
  const line = { what: name, ours: describe(own, work) };
  const idle = work.gapMs > 0;
  const budget = idle ? '2 x sooner than BullMQ, 0.6 / 3 ms' : work.inFlight === 100 ? '2 x BullMQ' : undefined;
  if (theirs.length === 0) return { ...line, beside: 'BullMQ: no redis-server here', ...(budget ? { budget } : {}) };
  const other = middle(theirs, work);
  const ratio = idle ? other.dispatch.p50 / own.dispatch.p50 : own.measured.perSecond / other.measured.perSecond;
  const rest = budget === undefined ? {} : { budget, met: ratio >= 2 };
  return { ...line, beside: `BullMQ ${describe(other, work)}`, ratio: times(ratio), ...rest };
}

const WORKS: readonly [name: string, what: string, work: Work][] = [
  ['idle', 'idle dispatch, one task every 10 ms', { total: 400, inFlight: 1, gapMs: 10 }],
  ['load-1', 'tasks, 1 in flight', { total: Math.min(TASKS, 2_000), inFlight: 1, gapMs: 0 }],
  ['load-10', 'tasks, 10 in flight', { total: Math.min(TASKS, 10_000), inFlight: 10, gapMs: 0 }],
  ['load-100', 'tasks, 100 in flight', { total: TASKS, inFlight: 100, gapMs: 0 }],
  ['load-1000', 'tasks, 1,000 in flight', { total: TASKS, inFlight: 1_000, gapMs: 0 }],
];

export const loadRows: readonly Row[] = WORKS.map(([name, what, work]) => ({
  name,
  about: `${what}: producer, daemon and worker as three processes, beside BullMQ on a Redis that syncs every write, ${ROUNDS} rounds in turns`,
  measure: (bench) => compare(bench, what, work),
}));

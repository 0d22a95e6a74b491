/** What a daemon holds on to after very many tasks: memory after half of them beside memory after all. */
import { median, times, type Bench, type Line, type Row } from './row.ts';
import { BenchDaemon } from './run.ts';

const TASKS = Number(process.env['BENCH_MEMORY_TASKS'] ?? 1_000_000);
const IN_FLIGHT = 1_000;
const LOOKS = 50;

async function runAll(daemon: BenchDaemon, onDone: (done: number) => void): Promise<void> {
  const client = await daemon.connect();
  const worker = await daemon.connect(await daemon.issueToken());
  let done = 0;
  worker.on('worker/assign', ({ assignments }) => {
    const reports = assignments.map(({ task, attempt, token }) => ({ task, attempt, token, status: 'succeeded' as const }));
    void worker.call('worker/report', { reports }).then(() => onDone((done += reports.length)));
  });
  await worker.call('worker/attach', { id: 'bench', slots: IN_FLIGHT });
  let made = 0;
  const feed = async (): Promise<void> => {
    while (made < TASKS) {
      const n = made++;
      await client.call('task/submit', { id: `memory-${n}`, agent: 'bench', action: 'noop', payload: { n } });
      // Not more waiting than the worker takes.
      while (n - done > 2 * IN_FLIGHT) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT / 4 }, feed));
  while (done < TASKS) await new Promise((resolve) => setTimeout(resolve, 20));
  client.close();
  worker.close();
}

async function measure({ dir, say, profile }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const daemon = await BenchDaemon.start(dir, profile);
  const looks: number[] = [];
  try {
    await runAll(daemon, (done) => {
      if (done < ((looks.length + 1) * TASKS) / LOOKS) return;
      looks.push(daemon.memoryMb());
      if (looks.length % 10 === 0) say(`${Math.round(done)} tasks: ${Math.round(looks.at(-1) ?? 0)} MB`);
    });
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const mb = daemon.memoryMb();
    // Garbage comes and goes, so several looks each.
    const early = median(looks.slice(LOOKS / 2 - 5, LOOKS / 2));
    const late = median(looks.slice(-5));
    const line: Line = {
      what: `memory over ${TASKS} tasks, 1,000 in flight`,
      ours: `${Math.round(late)} MB at the end, ${Math.round(mb)} MB 5 s after`,
      beside: `after half of them: ${Math.round(early)} MB`,
      ratio: times(late / early),
      budget: 'bound by what is active',
      met: late / early < 1.15,
    };
    return { lines: [line], figures: { tasks: TASKS, looks, mb } };
  } finally {
    await daemon.end();
  }
}

export const memoryRow: Row = { name: 'memory', about: `memory of the daemon after ${TASKS} tasks`, long: true, measure };

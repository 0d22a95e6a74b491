/** What the daemon costs when nothing happens: until it answers, and while it waits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, round, times, type Bench, type Line, type Row } from './row.ts';
import { BenchDaemon } from './run.ts';

const STARTS = 7;
const REST_MS = 20_000;

async function startNode(): Promise<number> {
  const begin = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - begin;
}

async function measureStarts({ dir }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < STARTS; n++) {
    bare.push(await startNode());
    const begin = performance.now();
    const daemon = await BenchDaemon.start(join(dir, String(n)));
    // Answered, and not only ready: this opens a connection and calls.
    await daemon.issueToken();
    ours.push(performance.now() - begin);
    await daemon.end();
  }
  const [own, node] = [median(ours), median(bare)];
  const line: Line = {
    what: 'cold start to the first answer, empty state folder',
    ours: `${Math.round(own)} ms`,
    beside: `node -e 0: ${Math.round(node)} ms`,
    ratio: times(own / node),
    budget: '300 ms',
    met: own <= 300,
  };
  return { lines: [line], figures: { ours, bare } };
}

async function measureRest({ dir, say }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const daemon = await BenchDaemon.start(dir);
  try {
    const client = await daemon.connect();
    await client.call('events/subscribe', { scope: { kind: 'summary' } });
    await sleep(2_000);
    say(`one client is connected; looking for ${REST_MS / 1_000} s`);
    const before = daemon.cpuMs();
    const begin = performance.now();
    await sleep(REST_MS);
    const core = (100 * (daemon.cpuMs() - before)) / (performance.now() - begin);
    const mb = daemon.memoryMb();
    client.close();
    const lines: Line[] = [
      { what: 'idle daemon, CPU', ours: `${round(core)} % of a core`, budget: 'under 0.5 %', met: core < 0.5 },
      { what: 'idle daemon, memory', ours: `${Math.round(mb)} MB`, budget: 'under 90 MB', met: mb < 90 },
    ];
    return { lines, figures: { core, mb } };
  } finally {
    await daemon.end();
  }
}

export const startRow: Row = { name: 'start', about: 'from the spawn of a daemon to its first answer', measure: measureStarts };
export const restRow: Row = { name: 'rest', about: 'CPU and memory of a daemon that waits', measure: measureRest };

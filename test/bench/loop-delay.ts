/**
 * Loaded into a process with `--import` to measure its event loop from within: between SIGUSR2 and its end, the longest pauses are
 * written to the file that BENCH_LOOP_FILE names, in milliseconds: by the clock, and by the CPU that the process itself used
 * meanwhile. On a machine that others use too, only the second is its own doing.
 */
import { writeFileSync } from 'node:fs';

/** What is written. */
export interface LoopDelay {
  p99: number;
  max: number;
  maxCpu: number;
}

const TICK_MS = 1;

/** Looks at the loop as often as it can; returns what ends that and says what was seen. */
function watchLoop(): () => LoopDelay {
  const pauses: number[] = [];
  let maxCpu = 0;
  let at = performance.now();
  let cpu = process.cpuUsage();
  const timer = setInterval(() => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    pauses.push(Math.max(0, now - at - TICK_MS));
    maxCpu = Math.max(maxCpu, (user + system) / 1_000);
    at = now;
    cpu = process.cpuUsage();
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    pauses.sort((a, b) => a - b);
    return { p99: pauses[Math.floor(pauses.length * 0.99)] ?? 0, max: pauses.at(-1) ?? 0, maxCpu };
  };
}

const file = process.env['BENCH_LOOP_FILE'];
if (file !== undefined) {
  let stop: (() => LoopDelay) | undefined;
  process.on('SIGUSR2', () => (stop ??= watchLoop()));
  process.on('exit', () => writeFileSync(file, JSON.stringify(stop?.() ?? { p99: 0, max: 0, maxCpu: 0 })));
}

/**
 * Loaded into a process with `--import` to measure its event loop from within: between SIGUSR2 and its end, the longest pauses are
 * written to the file that BENCH_LOOP_FILE names, in milliseconds.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env['BENCH_LOOP_FILE'];
const RESOLUTION_MS = 1;

if (file !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  process.on('SIGUSR2', () => {
    histogram.enable();
    histogram.reset();
  });
  process.on('exit', () => {
    const inMs = (ns: number): number => Math.max(0, ns / 1_000_000 - RESOLUTION_MS);
    writeFileSync(
      file,
      JSON.stringify({
        p50: inMs(histogram.percentile(50)),
        p99: inMs(histogram.percentile(99)),
        p999: inMs(histogram.percentile(99.9)),
        max: inMs(histogram.max),
      }),
    );
  });
}

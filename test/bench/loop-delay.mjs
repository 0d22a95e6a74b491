/**
 * Plain JavaScript, so that nothing but itself is loaded into the process that it looks at: with `--import`, to measure its event
 * loop from within. Between SIGUSR2 and its end, the longest pauses are written to the file that BENCH_LOOP_FILE names, in
 * milliseconds: by the clock, and without the time in which the thread wanted a CPU and others had it (Linux tells that of the
 * main thread in /proc/self/schedstat; elsewhere both are the same). On a machine that others use too, only the second is its own doing.
 */
import { openSync, readSync, writeFileSync } from 'node:fs';

const TICK_MS = 1;

/** What gives the milliseconds that this thread has waited for a CPU so far. */
function readDelay() {
  let fd;
  try {
    fd = openSync('/proc/self/schedstat', 'r');
  } catch {
    return () => 0;
  }
  const bytes = Buffer.alloc(64);
  return () => Number(bytes.toString('latin1', 0, readSync(fd, bytes, 0, 64, 0)).split(' ')[1]) / 1e6;
}

/** Looks at the loop as often as it can; returns what ends that and says what was seen. */
function watchLoop() {
  const waited = readDelay();
  const pauses = [];
  const own = [];
  let at = performance.now();
  let delay = waited();
  const timer = setInterval(() => {
    const pause = Math.max(0, performance.now() - at - TICK_MS);
    const before = delay;
    delay = waited();
    pauses.push(pause);
    own.push(Math.max(0, pause - (delay - before)));
    at = performance.now();
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    return { all: summarize(pauses), own: summarize(own) };
  };
}

function summarize(pauses) {
  pauses.sort((a, b) => a - b);
  return { p99: pauses[Math.floor(pauses.length * 0.99)] ?? 0, max: pauses.at(-1) ?? 0 };
}

const file = process.env['BENCH_LOOP_FILE'];
if (file !== undefined) {
  let stop;
  process.on('SIGUSR2', () => (stop ??= watchLoop()));
  process.on('exit', () => writeFileSync(file, JSON.stringify(stop?.() ?? {})));
}

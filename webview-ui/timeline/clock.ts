/** Durations in words and the marks of the time axis. Pure; all in ms. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20].map((n) => n * DAY),
];

const two = (n: number): string => String(n).padStart(2, '0');

/** How long something took: `340 ms`, `12.3 s`, `2 min 05 s`, `1 h 03 min`, `2 d 4 h`. */
export function formatDuration(duration: number): string {
  const ms = Math.max(0, Math.round(duration));
  if (ms < SECOND) return `${ms} ms`;
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (ms < HOUR) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor((ms % HOUR) / MINUTE))} min`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/** A moment since the begin of the run, as exact as `step` asks: `0:05`, `1:02:03`, `0:01.250`. */
export function formatMoment(since: number, step: number): string {
  const sign = since < 0 ? '-' : '';
  const ms = Math.abs(Math.round(since));
  const hours = Math.floor(ms / HOUR);
  const seconds = two(Math.floor((ms % MINUTE) / SECOND));
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  const fraction = step < SECOND ? `.${String(ms % SECOND).padStart(3, '0')}` : '';
  return hours > 0 ? `${sign}${hours}:${two(minutes)}:${seconds}${fraction}` : `${sign}${minutes}:${seconds}${fraction}`;
}

/** The step of the time axis for so many ms per pixel, so that labels are at least `gap` pixels apart. */
export function chooseStep(msPerPixel: number, gap: number): number {
  return STEPS.find((step) => step >= msPerPixel * gap) ?? Math.ceil((msPerPixel * gap) / DAY) * DAY;
}

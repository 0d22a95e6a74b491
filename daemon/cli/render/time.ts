/** A length of time for a person: `0.4 s`, `12 s`, `2 min 05 s`, `1 h 02 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${String(Math.floor((whole % 3_600) / 60)).padStart(2, '0')} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}

/** How long ago an RFC 3339 time was; never negative, for clocks that differ a little. */
export function formatAgo(at: string, now: number): string {
  const ms = Math.max(0, now - Date.parse(at));
  return ms < 1_000 ? 'just now' : `${formatWhole(ms)} ago`;
}

/** A length of time without fractions, for what is redrawn every second. */
export function formatWhole(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  return seconds < 10 ? `${seconds} s` : formatDuration(seconds * 1000);
}

/** How long it is until a time, or that it is over. */
export function formatUntil(at: string, now: number): string {
  const ms = Date.parse(at) - now;
  return ms <= 0 ? 'now' : `in ${formatWhole(ms)}`;
}

/** A size for a person, in powers of 1024. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

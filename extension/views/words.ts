// How times, durations and names are said in the views. Pure: language, clock and zone come in.

/** Translates a text with `{0}` … in it; VS Code's `l10n.t`, or a stand-in of the same form. */
export type Translate = (message: string, ...args: (string | number | boolean)[]) => string;

/** What the describing functions need to know of the person who reads. */
export interface Reader {
  readonly t: Translate;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly locale: string;
  readonly timeZone?: string;
}

const DAY_MS = 86_400_000;

/** A recorded time as a person says it: the time of day, with the date when it is not within half a day. */
export function sayTime(at: string, { now, locale, timeZone }: Reader): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  const zone = timeZone === undefined ? {} : { timeZone };
  const near = Math.abs(now - time) < DAY_MS / 2;
  const style = near ? { timeStyle: 'short' as const } : { dateStyle: 'medium' as const, timeStyle: 'short' as const };
  return new Intl.DateTimeFormat(locale, { ...style, ...zone }).format(time);
}

/** How long something took, in one or two units. */
export function sayDuration(from: string, to: string, { t }: Reader): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  if (Number.isNaN(ms)) return '';
  if (ms < 1_000) return t('{0} ms', ms);
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return ms < 10_000 ? t('{0} s', (ms / 1_000).toFixed(1)) : t('{0} s', seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t('{0} min {1} s', minutes, seconds % 60);
  return t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
}

/** The eight random digits of an id, by which people tell two runs apart. */
export function sayId(id: string): string {
  return id.slice(-8);
}

/** The name of a workflow as a person reads it: `check-up` for the one that comes with the program. */
export function sayWorkflow(name: string, { t }: Pick<Reader, 't'>): string {
  if (name === 'checkup') return t('Check-up');
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1).replaceAll('-', ' ')}`;
}

/** The last part of a path, as the name of a repository. */
export function sayRepository(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

/** One line of foreign text: no line breaks, and no longer than `length`. */
export function clip(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

/** Foreign text as Markdown that shows it and does nothing else. */
export function quoteMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~&]/g, (char) => `\\${char}`);
}

/** What the table of the benchmark is made of. */

/** One line of the table: a figure, what stands beside it in the same run, and what DESIGN asks for. */
export interface Line {
  what: string;
  ours: string;
  /** The baseline that was measured in the same run. */
  beside?: string;
  ratio?: string;
  budget?: string;
  met?: boolean;
}

/** Where a row may put files, and the Redis of this run. */
export interface Bench {
  /** An empty folder of the row's own. */
  dir: string;
  /** The port of a redis-server that syncs every write; undefined where none is installed. */
  redis(): Promise<number | undefined>;
  /** Says how far a long row is. */
  say(text: string): void;
  /** Folder for `--cpu-prof` of the daemon, when it was asked for. */
  profile: string | undefined;
}

/** Something that can be measured alone, with `--only NAME`. */
export interface Row {
  name: string;
  about: string;
  /** Takes minutes: measured with `--only` and `--all`. */
  long?: boolean;
  /** The lines for people, and the figures for programs. */
  measure(bench: Bench): Promise<{ lines: Line[]; figures: unknown }>;
}

export const round = (n: number, digits = 2): string => n.toFixed(digits);

export const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) / 2)] ?? 0;

/** A ratio with its sign, and whether it reaches what was asked for. */
export const times = (ratio: number): string => `${round(ratio)} x`;

/** The table, in columns as wide as they must be. */
export function formatTable(lines: readonly Line[]): string {
  const head = ['what', 'signalbox', 'beside it', 'ratio', 'budget', ''];
  const cells = lines.map(({ what, ours, beside = '', ratio = '', budget = '', met }) => [
    what,
    ours,
    beside,
    ratio,
    budget,
    met === undefined ? '' : met ? 'reached' : 'missed',
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const format = (row: readonly string[]): string =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [format(head), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(format)].join('\n');
}

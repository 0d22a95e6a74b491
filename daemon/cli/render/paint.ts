import picocolors from 'picocolors';

/** Adds colour to finished text, or nothing. */
export type Paint = ReturnType<typeof picocolors.createColors>;

/** Colours when `colour` is true; else every function gives its text back. */
export function createPaint(colour: boolean): Paint {
  return picocolors.createColors(colour);
}

/** Symbols, for terminals that can show them and for those that cannot. */
export interface Glyphs {
  done: string;
  failed: string;
  skipped: string;
  waiting: string;
  notBegun: string;
  running: readonly string[];
  bullet: string;
  rule: string;
  bar: string;
}

export const UNICODE_GLYPHS: Glyphs = {
  done: '✓',
  failed: '✗',
  skipped: '–',
  waiting: '?',
  notBegun: '○',
  running: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  bullet: '•',
  rule: '─',
  bar: '│',
};

export const ASCII_GLYPHS: Glyphs = {
  done: '+',
  failed: 'x',
  skipped: '-',
  waiting: '?',
  notBegun: '.',
  running: ['|', '/', '-', '\\'],
  bullet: '*',
  rule: '-',
  bar: '|',
};

/** How to draw: width in cells, colour, symbols. */
export interface Look {
  width: number;
  paint: Paint;
  glyphs: Glyphs;
}

/** Whether a stream gets colour: NO_COLOR and TERM=dumb say no, FORCE_COLOR says yes, else a terminal does. */
export function wantsColour(env: NodeJS.ProcessEnv, tty: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return tty && env.TERM !== 'dumb';
}

/** Symbols for an environment: plain ones where the locale or the terminal says that others would not show. */
export function chooseGlyphs(env: NodeJS.ProcessEnv): Glyphs {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  const plain = env.TERM === 'dumb' || env.TERM === 'linux' || (locale !== '' && !/utf-?8/i.test(locale) && process.platform !== 'win32');
  return plain ? ASCII_GLYPHS : UNICODE_GLYPHS;
}

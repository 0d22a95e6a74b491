/**
 * The one place that touches the process's streams.
 *
 * 1. Nothing else in the CLI writes to stdout or stderr, or reads stdin.
 * 2. A reader that went away (EPIPE) ends the command quietly.
 */
import { createInterface } from 'node:readline/promises';
import { chooseGlyphs, createPaint, type Glyphs, type Look, type Paint, wantsColour } from './render/paint.ts';

export interface Terminal {
  /** Writes lines to standard output. */
  print(...lines: string[]): void;
  /** Writes lines to standard error. */
  note(...lines: string[]): void;
  /** Writes text to standard output as it is. */
  write(text: string): void;
  /** Writes text to standard error as it is. */
  writeError(text: string): void;
  /** Standard output is a terminal that can be redrawn. */
  readonly live: boolean;
  /** A person sits at both ends, so questions can be asked. */
  readonly interactive: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly glyphs: Glyphs;
  readonly paint: Paint;
  readonly errorPaint: Paint;
  /** Cells of a line: of the terminal, else of COLUMNS, else 100. */
  width(): number;
  rows(): number;
  now(): number;
  /** For tables: a terminal's width, and no bound when piped. */
  tableLook(): Look;
  /** For sentences: never wider than 100 cells. */
  textLook(): Look;
  onResize(listener: () => void): () => void;
  /** Calls `listener` for each key (a chunk of stdin in raw mode) until the returned function is called. */
  readKeys(listener: (key: string) => void): () => void;
  /** Asks a yes-or-no question; no when nobody is there to answer. */
  confirm(question: string): Promise<boolean>;
  /** Waits until everything written has left. */
  drain(): Promise<void>;
}

/** The terminal of this process. */
export function openTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const live = Boolean(stdout.isTTY) && env.TERM !== 'dumb';
  const glyphs = chooseGlyphs(env);
  const paint = createPaint(wantsColour(env, Boolean(stdout.isTTY)));
  for (const stream of [stdout, stderr]) stream.on('error', endOnBrokenPipe);

  const width = (): number => Math.max(20, stdout.columns || Number.parseInt(env.COLUMNS ?? '', 10) || 100);
  const look = (cells: number): Look => ({ width: cells, paint, glyphs });
  return {
    print: (...lines) => void stdout.write(lines.map((line) => `${line}\n`).join('')),
    note: (...lines) => void stderr.write(lines.map((line) => `${line}\n`).join('')),
    write: (text) => void stdout.write(text),
    writeError: (text) => void stderr.write(text),
    live,
    interactive: live && Boolean(process.stdin.isTTY),
    env,
    cwd: process.cwd(),
    glyphs,
    paint,
    errorPaint: createPaint(wantsColour(env, Boolean(stderr.isTTY))),
    width,
    rows: () => Math.max(5, stdout.rows || 24),
    now: () => Date.now(),
    tableLook: () => look(stdout.isTTY || env.COLUMNS ? width() : Number.MAX_SAFE_INTEGER),
    textLook: () => look(Math.min(100, width())),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => void stdout.off('resize', listener);
    },
    readKeys,
    confirm,
    drain: async () => {
      await Promise.all([stdout, stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
    },
  };
}

function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  process.exit(process.exitCode ?? 0);
}

function readKeys(listener: (key: string) => void): () => void {
  const { stdin } = process;
  const onData = (chunk: Buffer): void => listener(chunk.toString('utf8'));
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on('data', onData);
  return () => {
    stdin.off('data', onData);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<string>((resolve) => reader.once('close', () => resolve('')));
    const answer = await Promise.race([reader.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}

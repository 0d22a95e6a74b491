/**
 * A block of lines at the end of the terminal that is redrawn in place.
 *
 * 1. One write per picture, and none when nothing changed: it does not flicker.
 * 2. What is printed meanwhile goes above the block and stays.
 * 3. It never draws more lines than the terminal has, so that "up" always reaches its first line.
 */
import { widthOf } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';

const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
// Terminals that know synchronised output show the whole picture at once; the others ignore it.
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

export interface Screen {
  draw(lines: readonly string[]): void;
  printAbove(lines: readonly string[]): void;
  /** Takes the block away and gives the cursor back. */
  close(): void;
  /** Leaves the block as it stands and gives the cursor back. */
  leave(): void;
}

/** A screen at the end of `terminal`. */
export function openScreen(terminal: Pick<Terminal, 'write' | 'width' | 'rows' | 'onResize'>): Screen {
  let shown: readonly string[] = [];
  let open = true;
  terminal.write(HIDE_CURSOR);

  // After a change of width the terminal may have wrapped what stands there, so its height is counted anew.
  const heightOf = (lines: readonly string[]): number =>
    lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / terminal.width())), 0);
  const toTop = (): string => (shown.length === 0 ? '' : `\r\u001b[${heightOf(shown)}A`);
  const redraw = (above: readonly string[], lines: readonly string[]): void => {
    if (!open) return;
    const text = [...above, ...lines].map((line) => `${line}${CLEAR_LINE}\n`).join('');
    terminal.write(`${BEGIN}${toTop()}${text}${CLEAR_BELOW}${END}`);
    shown = lines;
  };
  const stopResize = terminal.onResize(() => {
    if (open) terminal.write(`${toTop()}${CLEAR_BELOW}`);
    shown = [];
  });
  return {
    draw(lines) {
      const fitting = lines.slice(0, Math.max(1, terminal.rows() - 1));
      if (fitting.length === shown.length && fitting.every((line, i) => line === shown[i])) return;
      redraw([], fitting);
    },
    printAbove: (lines) => redraw(lines, shown),
    close() {
      redraw([], []);
      open = false;
      stopResize();
      terminal.write(SHOW_CURSOR);
    },
    leave() {
      open = false;
      stopResize();
      terminal.write(SHOW_CURSOR);
    },
  };
}

import type { Look } from './paint.ts';
import { cleanLine, cutStart, cutText, padText, widthOf } from './text.ts';

export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
  /** Gives up room when the terminal is narrow, down to `min` cells. */
  flex?: 'start' | 'end';
  min?: number;
  align?: 'left' | 'right';
  style?: (text: string, row: Row) => string;
}

const GAP = 2;

/** A table with a heading line; cells are cut so that no line is wider than `look.width`. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], look: Look): string[] {
  const cells = rows.map((row) => columns.map((column) => cleanLine(column.text(row))));
  const wanted = columns.map((column, i) => Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[i] ?? ''))));
  const widths = fitColumns(columns, wanted, look.width);
  const draw = (texts: readonly string[], style: (text: string, i: number) => string): string =>
    texts
      .map((text, i) => {
        const column = columns[i];
        const width = widths[i] ?? 0;
        const cut = column?.flex === 'start' ? cutStart(text, width) : cutText(text, width);
        const last = i === texts.length - 1 && column?.align !== 'right';
        return style(last ? cut : padText(cut, width, column?.align === 'right' ? 'left' : 'right'), i);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const heading = draw(
    columns.map((column) => column.title),
    (text) => look.paint.dim(text),
  );
  const body = rows.map((row, r) => draw(cells[r] ?? [], (text, i) => columns[i]?.style?.(text, row) ?? text));
  return [heading, ...body];
}

/** Widths that fit: the widest flexible column gives first; when nothing can give, the last ones are cut. */
function fitColumns<Row>(columns: readonly Column<Row>[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, w) => sum + w, 0) + GAP * (columns.length - 1) - width;
  while (over > 0) {
    let widest = -1;
    for (const [i, column] of columns.entries()) {
      const spare = (widths[i] ?? 0) - (column.min ?? 6);
      if (column.flex !== undefined && spare > 0 && (widest < 0 || (widths[i] ?? 0) > (widths[widest] ?? 0))) widest = i;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  for (let i = widths.length - 1; i >= 0 && over > 0; i -= 1) {
    const given = Math.min(over, Math.max(0, (widths[i] ?? 0) - 1));
    widths[i] = (widths[i] ?? 0) - given;
    over -= given;
  }
  return widths;
}

/** Lines of `name  value`, values aligned and wrapped nowhere; empty values are left out. */
export function renderFacts(facts: readonly (readonly [string, string | undefined])[], look: Look): string[] {
  const present = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '');
  const width = Math.max(0, ...present.map(([name]) => widthOf(name)));
  return present.map(
    ([name, value]) => `${look.paint.dim(padText(name, width))}  ${cutText(cleanLine(value), Math.max(8, look.width - width - 2))}`,
  );
}

// Markdown as a terminal can show it: headings, paragraphs, lists, tables, quotes and code. Pure.
//
// 1. Whatever the text, the result ends no line beyond `look.width`, except code and tables that are wider by nature.
// 2. It reads the Markdown that our reports write, and lets pass as text what it does not know.
import type { Look, Paint } from './paint.ts';
import { cleanText, padText, widthOf } from './text.ts';

const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const FENCE = /^\s*(`{3,}|~{3,})/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;

/** The lines of a Markdown text. */
export function renderMarkdown(markdown: string, look: Look): string[] {
  const lines = cleanText(markdown).replaceAll('\t', '    ').split('\n');
  const out: string[] = [];
  for (let i = 0; i < lines.length; ) {
    const { shown, next } = renderBlock(lines, i, look);
    out.push(...shown);
    i = Math.max(next, i + 1);
  }
  return trimBlank(out);
}

interface Block {
  shown: string[];
  /** The line at which the next block begins. */
  next: number;
}

function renderBlock(lines: readonly string[], i: number, look: Look): Block {
  const line = lines[i] ?? '';
  const { paint, glyphs, width } = look;
  if (line.trim() === '') return { shown: [''], next: i + 1 };
  const heading = HEADING.exec(line);
  if (heading) return { shown: renderHeading(heading[1]?.length ?? 1, heading[2] ?? '', look), next: i + 1 };
  const fence = FENCE.exec(line)?.[1];
  if (fence !== undefined) return renderFence(lines, i, fence, paint);
  if (RULE.test(line)) return { shown: [paint.dim(glyphs.rule.repeat(Math.min(width, 40)))], next: i + 1 };
  if (line.includes('|') && TABLE_RULE.test(lines[i + 1] ?? '')) return renderTableBlock(lines, i, look);
  const item = ITEM.exec(line);
  if (item) return renderItem(lines, i, { indent: item[1]?.length ?? 0, mark: item[2] ?? '-', text: item[3] ?? '' }, look);
  if (line.startsWith('>')) {
    const { text, next } = takeParagraph(
      lines,
      i,
      (l) => l.startsWith('>'),
      (l) => l.replace(/^>\s?/, ''),
    );
    return { shown: wrapStyled(text, width - 2, paint).map((l) => `${paint.dim(glyphs.bar)} ${l}`), next };
  }
  const { text, next } = takeParagraph(
    lines,
    i,
    (l) => !startsBlock(l),
    (l) => l,
  );
  return { shown: wrapStyled(text, width, paint), next };
}

function startsBlock(line: string): boolean {
  return line.trim() === '' || HEADING.test(line) || FENCE.test(line) || ITEM.test(line) || line.startsWith('>') || line.startsWith('|');
}

function takeParagraph(
  lines: readonly string[],
  from: number,
  belongs: (line: string) => boolean,
  strip: (line: string) => string,
): { text: string; next: number } {
  const parts = [strip(lines[from] ?? '')];
  let next = from + 1;
  while (next < lines.length && lines[next]?.trim() !== '' && belongs(lines[next] ?? '')) {
    parts.push(strip(lines[next] ?? ''));
    next += 1;
  }
  return { text: parts.join(' '), next };
}

function renderHeading(level: number, text: string, { paint, glyphs, width }: Look): string[] {
  const shown = wrapStyled(text, width, paint).map((line) => paint.bold(line));
  if (level > 1) return shown;
  const longest = Math.max(...shown.map(widthOf), 0);
  return [...shown, paint.dim(glyphs.rule.repeat(longest))];
}

function renderFence(lines: readonly string[], from: number, fence: string, paint: Paint): Block {
  const shown: string[] = [];
  let next = from + 1;
  while (next < lines.length && !(lines[next] ?? '').trim().startsWith(fence)) {
    shown.push(paint.dim(`    ${lines[next] ?? ''}`));
    next += 1;
  }
  return { shown, next: next + 1 };
}

function renderItem(
  lines: readonly string[],
  from: number,
  item: { indent: number; mark: string; text: string },
  { width, paint, glyphs }: Look,
): Block {
  let text = item.text;
  let next = from + 1;
  while (next < lines.length && /^\s+\S/.test(lines[next] ?? '') && !ITEM.test(lines[next] ?? '')) {
    text += ` ${(lines[next] ?? '').trim()}`;
    next += 1;
  }
  const mark = /\d/.test(item.mark) ? item.mark : glyphs.bullet;
  const lead = ' '.repeat(Math.min(item.indent, 20));
  const hang = lead + ' '.repeat(widthOf(mark) + 1);
  const wrapped = wrapStyled(text, Math.max(10, width - hang.length), paint);
  return { shown: wrapped.map((line, i) => (i === 0 ? `${lead}${paint.dim(mark)} ${line}` : hang + line)), next };
}

function renderTableBlock(lines: readonly string[], from: number, look: Look): Block {
  const rows = [splitRow(lines[from] ?? '')];
  let next = from + 2;
  while (next < lines.length && (lines[next] ?? '').includes('|')) {
    rows.push(splitRow(lines[next] ?? ''));
    next += 1;
  }
  const { paint, glyphs, width } = look;
  const count = Math.max(...rows.map((row) => row.length));
  const styled = rows.map((row) => Array.from({ length: count }, (_, c) => styleInline(row[c] ?? '', paint)));
  const widths = Array.from({ length: count }, (_, c) => Math.max(1, ...styled.map((row) => widthOf(row[c] ?? ''))));
  shrinkColumns(widths, width - 3 * (count - 1));
  const shown = styled.flatMap((row, r) => {
    const cells = row.map((_, c) => wrapStyled(rows[r]?.[c] ?? '', widths[c] ?? 1, paint));
    const height = Math.max(1, ...cells.map((cell) => cell.length));
    const drawn = Array.from({ length: height }, (_, l) =>
      cells
        .map((cell, c) => padText(cell[l] ?? '', widths[c] ?? 1))
        .join(` ${paint.dim(glyphs.bar)} `)
        .trimEnd(),
    );
    return r === 0
      ? [...drawn.map((line) => paint.bold(line)), paint.dim(widths.map((w) => glyphs.rule.repeat(w)).join(glyphs.rule.repeat(3)))]
      : drawn;
  });
  return { shown, next };
}

function splitRow(line: string): string[] {
  return line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function shrinkColumns(widths: number[], room: number): void {
  for (let over = widths.reduce((sum, w) => sum + w, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= 6) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

type Span = { text: string; style: 'plain' | 'bold' | 'italic' | 'code' };

/** Code spans, bold, italics and links; a backslash makes the next character plain. */
function parseInline(text: string): Span[] {
  const spans: Span[] = [];
  let plain = '';
  const push = (span: Span): void => {
    if (plain !== '') spans.push({ text: plain, style: 'plain' });
    plain = '';
    if (span.text !== '') spans.push(span);
  };
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i);
    const found = matchSpan(rest, text[i - 1]);
    if (found) {
      push(found.span);
      i += found.length;
      continue;
    }
    const escaped = /^\\[!-/:-@[-`{-~]/.test(rest);
    plain += escaped ? rest[1] : rest[0];
    i += escaped ? 2 : 1;
  }
  push({ text: '', style: 'plain' });
  return spans;
}

function matchSpan(rest: string, before: string | undefined): { span: Span; length: number } | undefined {
  const code = /^(`+)(?!`)([\s\S]*?[^`])\1(?!`)/.exec(rest);
  if (code) return { span: { text: (code[2] ?? '').replace(/^ (.+) $/, '$1'), style: 'code' }, length: code[0].length };
  const bold = /^\*\*(?=\S)((?:\\.|[^\\])*?\S)\*\*/.exec(rest);
  if (bold) return { span: { text: unescape(bold[1] ?? ''), style: 'bold' }, length: bold[0].length };
  const italic = /^([*_])(?=[^\s*_])((?:\\.|[^\\])*?[^\s*_])\1(?![\p{L}\p{N}])/u.exec(rest);
  if (italic && !/[\p{L}\p{N}]/u.test(before ?? ''))
    return { span: { text: unescape(italic[2] ?? ''), style: 'italic' }, length: italic[0].length };
  const link = /^\[((?:\\.|[^\]\\])+)\]\(([^)\s]+)\)/.exec(rest);
  if (!link) return undefined;
  const [, name = '', target = ''] = link;
  return { span: { text: name === target ? target : `${unescape(name)} (${target})`, style: 'plain' }, length: link[0].length };
}

function unescape(text: string): string {
  return text.replace(/\\([!-/:-@[-`{-~])/g, '$1').replaceAll('`', '');
}

function paintSpan({ text, style }: Span, paint: Paint): string {
  if (style === 'bold') return paint.bold(text);
  if (style === 'italic') return paint.italic(text);
  return style === 'code' ? paint.cyan(text) : text;
}

function styleInline(text: string, paint: Paint): string {
  return parseInline(text)
    .map((span) => paintSpan(span, paint))
    .join('');
}

/** Wraps at blanks with the styles kept on every word, so that no colour runs over a line's end. */
function wrapStyled(text: string, width: number, paint: Paint): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of listWords(parseInline(text))) {
    for (const piece of splitLong(word, width)) {
      const size = piece.reduce((sum, span) => sum + widthOf(span.text), 0);
      const drawn = piece.map((span) => paintSpan(span, paint)).join('');
      if (line !== '' && used + 1 + size > width) {
        lines.push(line);
        line = '';
        used = 0;
      }
      line = line === '' ? drawn : `${line} ${drawn}`;
      used += (used === 0 ? 0 : 1) + size;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** Words are what stands between blanks; one word may have several styles. */
function listWords(spans: readonly Span[]): Span[][] {
  const words: Span[][] = [[]];
  for (const { text, style } of spans) {
    for (const [i, part] of text.split(/\s+/).entries()) {
      if (i > 0) words.push([]);
      if (part !== '') words.at(-1)?.push({ text: part, style });
    }
  }
  return words.filter((word) => word.length > 0);
}

function splitLong(word: Span[], width: number): Span[][] {
  const size = word.reduce((sum, span) => sum + widthOf(span.text), 0);
  if (size <= width) return [word];
  const pieces: Span[][] = [[]];
  let used = 0;
  for (const { text, style } of word) {
    for (const character of text) {
      const cells = widthOf(character);
      if (used + cells > width && used > 0) {
        pieces.push([]);
        used = 0;
      }
      const piece = pieces.at(-1);
      const last = piece?.at(-1);
      if (last?.style === style) last.text += character;
      else piece?.push({ text: character, style });
      used += cells;
    }
  }
  return pieces;
}

function trimBlank(lines: readonly string[]): string[] {
  const kept = lines.filter((line, i) => line !== '' || (i > 0 && lines[i - 1] !== ''));
  while (kept.at(-1) === '') kept.pop();
  return kept[0] === '' ? kept.slice(1) : kept;
}

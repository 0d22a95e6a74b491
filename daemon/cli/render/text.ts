// Text as a terminal shows it: its width in cells, cut and wrapped without breaking a character, and made harmless.
//
// 1. Everything that comes from a repository, an agent or the record passes `cleanText` before it is shown: it cannot move the
//    cursor, change colours, or reorder what is read.
// 2. Functions here work on clean text; colour is added afterwards, by whoever calls them.

// Made when it is first needed: that takes longer than all else a short command does.
let segmenter: Intl.Segmenter | undefined;
const PLAIN = /^[ -~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences consist of them.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]*[0-~])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to make visible.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/u;
/** First and last code point of what East Asian Width calls wide or fullwidth, without the emoji. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** Makes text harmless: escape sequences are taken out, other control and reordering characters are shown as `<U+202E>`; newlines and tabs stay. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(ESCAPES, '')
    .replace(INVISIBLE, (character) => `<U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}>`);
}

/** Clean text on one line: newlines, tabs and runs of blanks become one blank. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}

/** The graphemes of a text with their widths in cells. */
function* listCells(text: string): Generator<{ text: string; width: number }> {
  if (PLAIN.test(text)) {
    for (const character of text) yield { text: character, width: 1 };
    return;
  }
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { segment } of segmenter.segment(text)) yield { text: segment, width: widthOfGrapheme(segment) };
}

function widthOfGrapheme(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (code < 0x300) return 1;
  if (ZERO_WIDTH.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Width of a text in cells; colour sequences count nothing, wide characters two. */
export function widthOf(text: string): number {
  const plain = text.replace(ESCAPES, '');
  // Most text is plain ASCII, where a character is a cell.
  if (/^[ -~]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const cell of listCells(plain)) width += cell.width;
  return width;
}

/** The text, cut at its end to at most `width` cells; a cut text ends in `…`. */
export function cutText(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  let result = '';
  let used = 0;
  for (const cell of listCells(text)) {
    if (used + cell.width > width - 1) break;
    result += cell.text;
    used += cell.width;
  }
  return `${result}…`;
}

/** The text, cut at its start, for paths: what matters stands at their end. */
export function cutStart(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const cells = [...listCells(text)].reverse();
  let result = '';
  let used = 0;
  for (const cell of cells) {
    if (used + cell.width > width - 1) break;
    result = cell.text + result;
    used += cell.width;
  }
  return width <= 0 ? '' : `…${result}`;
}

/** The text with blanks added up to `width` cells. */
export function padText(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'right' ? text + blanks : blanks + text;
}

/** Lines of at most `width` cells, broken at blanks, inside a word only where it is longer than a line. */
export function wrapText(text: string, width: number): string[] {
  const room = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (widthOf(joined) <= room) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = breakWord(word, room);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  if (line !== '') lines.push(line);
  return lines;
}

function breakWord(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let used = 0;
  for (const cell of listCells(word)) {
    if (used + cell.width > width && piece !== '') {
      pieces.push(piece);
      piece = '';
      used = 0;
    }
    piece += cell.text;
    used += cell.width;
  }
  return [...pieces, piece];
}

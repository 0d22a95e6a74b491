// Words of the parsed line, after the shell's expansions as far as they can be known without running it.
import type { ParameterExpansionPart, Word as SourceWord, WordPart } from 'unbash';
import { fixedWord, type Word } from './command.ts';

/** Words that one brace expansion is followed into; beyond it the word is unknown. */
const MAX_BRACES = 256;
const LONGEST_BRACE = 2_048;

/** The words that a word of the line becomes: one, or several where braces expand. */
export function readWord(source: SourceWord): Word[] {
  // A tilde stands for a folder that the line does not name.
  if (source.text.startsWith('~')) return [{ ...readParts(source), known: false, prefix: '' }];
  if (!source.parts?.some((part) => part.type === 'BraceExpansion')) return [readParts(source)];
  const expanded = expandBraces(source.parts);
  if (expanded === undefined) return [{ text: source.text, known: false, prefix: '', splits: true, runs: false }];
  // A word that expands to nothing at all disappears.
  const quoted = source.parts.some((part) => part.type !== 'BraceExpansion' && part.type !== 'Literal');
  return expanded.filter((text) => text !== '' || quoted).map(fixedWord);
}

/** The words as one: what an assignment or a here-document takes, where nothing is split. */
export function readWhole(source: SourceWord): Word {
  const [first, ...more] = readWord(source);
  return first !== undefined && more.length === 0 ? first : { ...fixedWord(source.text), known: false, prefix: '', splits: true };
}

/** The text of a list of parts. */
export function joinParts(parts: readonly WordPart[]): Word {
  return parts.reduce<Word>((word, part) => appendPart(word, part, false), fixedWord(''));
}

function readParts(source: SourceWord): Word {
  return source.parts === undefined ? fixedWord(source.value) : joinParts(source.parts);
}

function appendPart(word: Word, part: WordPart, quoted: boolean): Word {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return appendText(word, part.value);
    case 'DoubleQuoted':
    case 'LocaleString':
      return part.parts.reduce<Word>((whole, child) => appendPart(whole, child, true), word);
    case 'Glob':
      return appendUnknown(word, part.text, false);
    // zsh runs code from a pattern's qualifiers: `*(e:code:)`.
    case 'ExtendedGlob':
      return { ...appendUnknown(word, part.text, false), runs: true };
    case 'ParameterExpansion':
      return { ...appendUnknown(word, part.text, splits(part.text, quoted)), runs: word.runs || runsCode(part) };
    case 'SimpleExpansion':
    case 'CommandExpansion':
    case 'BraceExpansion':
      return appendUnknown(word, part.text, splits(part.text, quoted));
    case 'ArithmeticExpansion':
    case 'ProcessSubstitution':
      return appendUnknown(word, part.text, false);
  }
}

/** `"$@"` and `"${a[@]}"` become several words although they are quoted. */
const splits = (text: string, quoted: boolean): boolean => !quoted || text.includes('@');

/** `${x@P}` expands the value as a prompt, with its substitutions; what the parser does not know may do anything. */
function runsCode({ operation }: ParameterExpansionPart): boolean {
  return operation?.type === 'Unknown' || operation?.type === 'Transform';
}

function appendText(word: Word, text: string): Word {
  return { ...word, text: word.text + text, prefix: word.known ? word.prefix + text : word.prefix };
}

function appendUnknown(word: Word, text: string, mayVanish: boolean): Word {
  return { ...word, text: word.text + text, known: false, splits: word.splits || mayVanish };
}

/** Every text that the parts become, or undefined where one of them is not plain. */
function expandBraces(parts: readonly WordPart[]): string[] | undefined {
  let texts = [''];
  for (const part of parts) {
    const next = part.type === 'BraceExpansion' ? expandText(part.text) : plainText(part);
    if (next === undefined || texts.length * next.length > MAX_BRACES) return undefined;
    texts = texts.flatMap((text) => next.map((more) => text + more));
  }
  return texts;
}

function plainText(part: WordPart): string[] | undefined {
  const word = joinParts([part]);
  return word.known ? [word.text] : undefined;
}

/** What `{a,b{c,d}}` or `{1..3}` becomes; undefined where it holds quotes or expansions, or is too much. */
function expandText(text: string): string[] | undefined {
  if (text.length > LONGEST_BRACE || !/^[\w.,/:@%+={}-]*$/.test(text)) return undefined;
  const open = text.indexOf('{');
  if (open < 0) return [text];
  const { close, commas } = findBrace(text, open);
  if (close < 0) return undefined;
  const tails = expandText(text.slice(close + 1));
  const middles = commas.length === 0 ? expandSequence(text.slice(open + 1, close)) : expandList(text, [open, ...commas, close]);
  if (tails === undefined || middles === undefined || middles.length * tails.length > MAX_BRACES) return undefined;
  const head = text.slice(0, open);
  return middles.flatMap((middle) => tails.map((tail) => head + middle + tail));
}

function expandList(text: string, edges: readonly number[]): string[] | undefined {
  const lists = edges.slice(1).map((edge, index) => expandText(text.slice((edges[index] ?? 0) + 1, edge)));
  return lists.every((list) => list !== undefined) ? lists.flat() : undefined;
}

/** The brace that closes the one at `open`, and the commas that belong to it. */
function findBrace(text: string, open: number): { close: number; commas: number[] } {
  const commas: number[] = [];
  for (let index = open + 1, depth = 1; index < text.length; index += 1) {
    const char = text[index];
    if (char === '{') depth += 1;
    else if (char === '}') depth -= 1;
    else if (char === ',' && depth === 1) commas.push(index);
    if (depth === 0) return { close: index, commas };
  }
  return { close: -1, commas };
}

function expandSequence(text: string): string[] | undefined {
  const match = /^(-?\d{1,6})\.\.(-?\d{1,6})$/.exec(text);
  if (!match) return undefined;
  const [from, to] = [Number(match[1]), Number(match[2])];
  const count = Math.abs(to - from) + 1;
  // With a leading zero the numbers are padded.
  if (count > MAX_BRACES || /^-?0\d/.test(match[1] ?? '') || /^-?0\d/.test(match[2] ?? '')) return undefined;
  return Array.from({ length: count }, (_, index) => String(from + (to >= from ? index : -index)));
}

// Reads the options of a program whose grammar is known, as getopt does: clusters, values, unique beginnings of long names.
import type { Word } from './command.ts';
import { mayBeOption } from './command.ts';

export interface OptionGrammar {
  /** Options that take the next word, or what follows them in their own. */
  valued: ReadonlySet<string>;
  /** Options that stand alone; a value behind `=` belongs to them. */
  plain: ReadonlySet<string>;
}

export interface ReadOptions {
  options: { name: string; value: Word | undefined }[];
  /** Index of the first word that is no option. */
  rest: number;
  /** False when an option is not known, so that the rest may begin elsewhere. */
  sure: boolean;
}

/** The options in front of the first operand. */
export function readOptions(args: readonly Word[], grammar: OptionGrammar): ReadOptions {
  const read: ReadOptions = { options: [], rest: 0, sure: true };
  while (read.rest < args.length) {
    const word = args[read.rest];
    if (word === undefined) break;
    const { text } = word;
    const name = text.split('=', 1)[0] ?? text;
    if (mayBeOption(word) && !(text.startsWith('--') && word.prefix.includes('='))) {
      read.sure = false;
      // What begins with a dash is an option for certain; anything else may as well be the first operand.
      if (!word.prefix.startsWith('-')) break;
      read.rest += 1;
      continue;
    }
    if (!/^[-+]/.test(text) || ((text === '-' || text.startsWith('+')) && !grammar.plain.has(text) && !grammar.valued.has(text))) break;
    read.rest += 1;
    if (text === '--') break;
    if (grammar.plain.has(text)) read.options.push({ name: text, value: undefined });
    else if (text.startsWith('--') || grammar.valued.has(name) || grammar.plain.has(name)) readLong(read, args, { name, grammar });
    else readCluster(read, args, grammar);
  }
  return read;
}

function takeValue(read: ReadOptions, name: string, value: Word | undefined): void {
  read.options.push({ name, value });
  // `-v $X` may be `-v a --entrypoint b`.
  if (value?.splits === true) read.sure = false;
}

function readLong(read: ReadOptions, args: readonly Word[], { name: typed, grammar }: { name: string; grammar: OptionGrammar }): void {
  const word = args[read.rest - 1];
  const name = completeName(typed, grammar);
  const inline = word?.text.includes('=') ? cut(word, typed.length + 1) : undefined;
  if (name === undefined) read.sure = false;
  else if (grammar.valued.has(name)) {
    takeValue(read, name, inline ?? args[read.rest]);
    if (inline === undefined) read.rest += 1;
  } else read.options.push({ name, value: inline });
}

/** The option that `typed` names: itself, or the only long one that begins so. */
function completeName(typed: string, { valued, plain }: OptionGrammar): string | undefined {
  if (valued.has(typed) || plain.has(typed)) return typed;
  if (!typed.startsWith('--')) return undefined;
  const names = [...valued, ...plain].filter((name) => name.startsWith(typed));
  return names.length === 1 ? names[0] : undefined;
}

function readCluster(read: ReadOptions, args: readonly Word[], grammar: OptionGrammar): void {
  const word = args[read.rest - 1];
  if (word === undefined) return;
  const sign = word.text.startsWith('+') ? '+' : '-';
  for (let index = 1; index < word.text.length; index += 1) {
    const name = sign + (word.text[index] ?? '');
    if (grammar.valued.has(name)) {
      const attached = index + 1 < word.text.length ? cut(word, index + 1) : undefined;
      takeValue(read, name, attached ?? args[read.rest]);
      if (attached === undefined) read.rest += 1;
      return;
    }
    if (grammar.plain.has(name)) read.options.push({ name, value: undefined });
    else {
      read.sure = false;
      return;
    }
  }
}

/** What follows the first characters of a word. */
export function cut(word: Word, from: number): Word {
  return { ...word, text: word.text.slice(from), prefix: word.prefix.slice(from) };
}

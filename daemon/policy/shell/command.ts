// What reading a command line yields, and what it carries while it reads.
import type { SimpleCommand } from '../../../shared/state/action.ts';

/** A redirection as the line writes it; `settleCommands` turns it into one with a real path. */
export interface ParsedRedirection {
  operator: string;
  /** True when the file is created, changed or emptied. */
  writes: boolean;
  /** The path as it was written. */
  target: string;
  /** False when the path is only known when the line runs. */
  known: boolean;
  /** Folder in which the shell opens it, as `SimpleCommand.cwd`. */
  cwd: string;
}

/** A simple command before its paths are looked up. */
export type ParsedCommand = Omit<SimpleCommand, 'redirections'> & { redirections: ParsedRedirection[] };

/** What a line, or an argv, is made of. There is always at least one command. */
export interface ParsedLine {
  commands: ParsedCommand[];
  /** Why the line could not be understood; empty when it was. With a problem there is one command, and it is opaque. */
  problem: string;
}

/** A word after the shell's expansions, as far as they can be known. */
export interface Word {
  /** The text; what cannot be known stands in it as it was written. */
  text: string;
  /** True when it is exactly one word with exactly this text. */
  known: boolean;
  /** What it begins with for certain; the whole text when it is known. */
  prefix: string;
  /** True when it may become several words, or none. */
  splits: boolean;
  /** True when expanding it can run code that nobody can list. */
  runs: boolean;
}

/** Where a command reads its standard input from: code that is known, or anything else. */
export type Stdin = { code: Word } | 'unknown';

/** What surrounds a command: everything in it is inherited by what the command starts. */
export interface Scope {
  readonly cwd: string;
  readonly via: readonly string[];
  readonly assignments: readonly string[];
  readonly redirections: readonly ParsedRedirection[];
  readonly stdin: Stdin;
}

/** The folder in which the shell stands after a command, when it succeeded and when it failed. */
export interface Outcome {
  ok: string;
  failed: string;
}

/** The line as it is read: what was found, and what the rest of the line has to reckon with. */
export interface Reading {
  readonly commands: ParsedCommand[];
  /** Reads code that stands within the line; throws Malformed or TooMuch. A field, so that no two files need each other. */
  readonly readCode: (code: string, scope: Scope) => Outcome;
  /** Lines within lines (`sh -c`, `eval`), and commands that start commands. */
  depth: number;
  /** Characters that may still be parsed. */
  budget: number;
  /** True once the line changed what programs do (`PATH`, `alias`, `LD_PRELOAD`): whatever follows is opaque. */
  tainted: boolean;
  /** True once the folder can be changed behind our back (`source`, a function with `cd`). */
  lost: boolean;
  /** True once the line defined functions or aliases, so that `cat` need not be cat. */
  redefines: boolean;
}

/** Characters of a line, or of all words of an argv. */
export const MAX_LINE = 65_536;
/** Commands in one line. */
export const MAX_COMMANDS = 1_000;
/** Lines within lines, and commands that start commands. */
export const MAX_DEPTH = 32;

/** The line, or code in it, is not what a shell would run. */
export class Malformed extends Error {}
/** The line is more than can be looked at. It is not caught where code within the line is read. */
export class TooMuch extends Error {}

export const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));

/** The word that a text without any expansion is. */
export function fixedWord(text: string): Word {
  return { text, known: true, prefix: text, splits: false, runs: false };
}

/** True when the word could be, or bring along, an option. */
export function mayBeOption(word: Word): boolean {
  // `--name=$X` is that option, whatever its value.
  if (word.known || (!word.splits && /^--[^=]+=/.test(word.prefix))) return false;
  return word.splits || word.prefix === '' || word.prefix.startsWith('-');
}

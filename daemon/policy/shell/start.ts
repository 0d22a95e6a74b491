// One command that the shell starts: its program, and everything that the program starts in turn.
import { posix } from 'node:path';
import { IN_SHELL, joinFolder, runBuiltin } from './builtins.ts';
import { Malformed, MAX_DEPTH, TooMuch, type Outcome, type Reading, type Scope, type Word } from './command.ts';
import { describe, isKnownProgram } from './describe.ts';
import { plainly, type Description, type Start } from './description.ts';
import { emit } from './emit.ts';

/** Folders from which a name alone would be started as well. */
const SYSTEM =
  /^(\/usr(\/local)?)?\/s?bin$|^\/opt\/(homebrew|local)\/s?bin$|^\/snap\/bin$|^\/run\/current-system\/sw\/bin$|^\/usr\/lib(exec)?\/git-core$/;

/** Adds the command and what it starts; throws TooMuch. Returns where the shell stands afterwards. */
export function start(reading: Reading, call: readonly Word[], scope: Scope): Outcome {
  const stay = { ok: scope.cwd, failed: scope.cwd };
  const [first, ...args] = call;
  if (first === undefined) return stay;
  if (reading.depth >= MAX_DEPTH) throw new TooMuch(`The line nests more than ${MAX_DEPTH} commands.`);
  if (!first.known || first.text === '') {
    emit(reading, { name: first.text, args }, { ...plainly(), opaque: true, inline: first.runs }, scope);
    // A word that may expand to nothing leaves its place to the next: `$SUDO apt-get install x`.
    if (first.splits && args[0] && !args[0].text.startsWith('-')) startNext(reading, args, scope);
    return stay;
  }
  reading.depth += 1;
  const outcome = startProgram(reading, { first, args }, scope);
  reading.depth -= 1;
  return outcome;
}

function startProgram(reading: Reading, { first, args }: { first: Word; args: readonly Word[] }, scope: Scope): Outcome {
  const named = nameProgram(first.text, scope.cwd);
  const { name, given } = named.name.startsWith('git-') ? splitGit(named.name, args) : { name: named.name, given: args };
  const builtin = runBuiltin(reading, name, given, scope);
  if (builtin) return builtin;
  const found = describe(name, given, scope);
  if (named.odd) Object.assign(found, { opaque: true, listed: true });
  return startAll(reading, { name, args: given, found }, scope);
}

function startNext(reading: Reading, args: readonly Word[], scope: Scope): void {
  reading.depth += 1;
  start(reading, args, scope);
  reading.depth -= 1;
}

interface Program {
  name: string;
  args: readonly Word[];
  found: Description;
}

function startAll(reading: Reading, { name, args, found }: Program, scope: Scope): Outcome {
  const stay = { ok: scope.cwd, failed: scope.cwd };
  const at = reading.commands.length;
  let outcome: Outcome = stay;
  let { opaque } = found;
  for (const each of found.starts) {
    const mark = reading.commands.length;
    if (each.code?.known === false) opaque = true;
    try {
      outcome = startOne(reading, each, innerScope(scope, name, each));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      reading.commands.length = mark;
      opaque = true;
    }
  }
  if (found.listed || opaque || reading.commands.length === at)
    insert(reading, at, () => emit(reading, { name, args }, { ...found, opaque }, scope));
  return IN_SHELL.has(name) ? outcome : stay;
}

/** Who starts stands before what it starts. */
function insert(reading: Reading, at: number, add: () => void): void {
  const after = reading.commands.splice(at);
  add();
  for (const command of after) reading.commands.push(command);
}

function startOne(reading: Reading, { words, code }: Start, scope: Scope): Outcome {
  if (words) return start(reading, words, scope);
  const stay = { ok: scope.cwd, failed: scope.cwd };
  if (!code) return stay;
  reading.depth += 1;
  if (reading.depth > MAX_DEPTH) throw new TooMuch(`The line nests more than ${MAX_DEPTH} commands.`);
  reading.readCode(code.text, scope);
  reading.depth -= 1;
  return stay;
}

function innerScope(scope: Scope, name: string, { folder, assignments = [] }: Start): Scope {
  return {
    ...scope,
    cwd: folder === undefined ? scope.cwd : joinFolder(scope.cwd, folder),
    via: [...scope.via, name],
    assignments: [...scope.assignments, ...assignments],
  };
}

/** `git-push` of git's own folder is `git push`. */
function splitGit(name: string, args: readonly Word[]): { name: string; given: readonly Word[] } {
  const text = name.slice('git-'.length);
  return { name: 'git', given: [{ text, known: true, prefix: text, splits: false, runs: false }, ...args] };
}

/** The program that a word names; `odd` when it need not be the one that usually has this name. */
function nameProgram(text: string, cwd: string): { name: string; odd: boolean } {
  if (/^[A-Za-z]:|\\/.test(text)) return { name: plainName(text.split(/[/\\]/).at(-1) ?? ''), odd: true };
  // zsh puts the path of the program in place of `=name`.
  if (text.startsWith('=')) return { name: plainName(text.slice(1)), odd: true };
  const base = plainName(text.slice(text.lastIndexOf('/') + 1));
  if (!text.includes('/')) return { name: base, odd: base !== text && !isKnownProgram(text) && !/\.(exe|com)$/i.test(text) };
  const path = text.startsWith('/') ? posix.normalize(text) : joinFolder(cwd, text);
  if (SYSTEM.test(posix.dirname(path))) return { name: base, odd: false };
  const climbs = path === '' || path.startsWith('../');
  return climbs || isKnownProgram(base) ? { name: base, odd: true } : { name: text, odd: false };
}

/** Without the endings that Windows leaves out, and in the case in which the program is known: some systems ignore it. */
function plainName(text: string): string {
  const name = text.replace(/\.(exe|cmd|bat|com)$/i, '');
  const lower = name.toLowerCase();
  return lower !== name && isKnownProgram(lower) ? lower : name;
}

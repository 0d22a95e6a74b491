// A simple command as it stands in the line: words, assignments, redirections.
import type { ArrayValue, Assignment, Command, SyntaxNode, Word as SourceWord } from 'unbash';
import { fixedWord, type Outcome, type Reading, type Scope, type Stdin, type Word } from './command.ts';
import { emitShell } from './emit.ts';
import { readRedirections } from './redirections.ts';
import { start } from './start.ts';
import { isRiskyAssignment } from './variables.ts';
import { readWhole, readWord } from './words.ts';

/** Reads one simple command; its substitutions have been walked before. */
export function readSimple(reading: Reading, node: Command, scope: Scope): Outcome {
  const own = readRedirections(reading, node.redirects, scope);
  const assigned = node.prefix.filter((each) => each.type === 'Assignment');
  const inner: Scope = {
    ...scope,
    redirections: [...scope.redirections, ...own.redirections],
    assignments: [...scope.assignments, ...assigned.map(({ text }) => text)],
    stdin: own.stdin ?? scope.stdin,
  };
  const risky = assigned.some(isRisky);
  const call = [...(node.name ? readWord(node.name) : []), ...node.suffix.flatMap(readArgument)];
  if (call.length === 0) {
    // Variables of the shell itself last for the rest of the line.
    if (risky) reading.tainted = true;
    if (risky || own.redirections.length > 0 || node.name) emitShell(reading, inner);
    return { ok: scope.cwd, failed: scope.cwd };
  }
  const before = reading.commands.length;
  const outcome = start(reading, call, inner);
  if (risky) for (const command of reading.commands.slice(before)) command.opaque = true;
  return outcome;
}

function isRisky({ name, value }: Assignment): boolean {
  return isRiskyAssignment(name, readValue(value));
}

function readValue(value: SourceWord | ArrayValue): Word {
  if (value.type === 'Word') return readWhole(value);
  const text = value.elements.map((element) => readWhole(element).text).join(' ');
  return fixedWord(text);
}

function readArgument(node: Command['suffix'][number]): Word[] {
  if (node.type === 'Word') return readWord(node);
  if (node.type !== 'Assignment') return [];
  const value = readValue(node.value);
  const head = `${node.name}${node.append === true ? '+' : ''}=`;
  const text = node.value.type === 'Word' ? head + value.text : node.text;
  return [{ ...value, text, prefix: head + value.prefix, known: value.known && node.value.type === 'Word' && node.index === undefined }];
}

/** What the first part of `echo 'code' | sh` writes, where that is certain. */
export function producedBy(node: SyntaxNode): Stdin {
  if (node.type !== 'Command' || !node.name || node.prefix.length > 0) return 'unknown';
  const words = [node.name, ...node.args].flatMap((each) => readArgument(each));
  const [name, ...args] = words;
  const documents = node.redirects.filter((each) => each.type !== 'Redirect');
  if (words.some(({ known }) => !known)) return 'unknown';
  if (name?.text === 'cat' && args.every(({ text }) => text === '-') && documents.length === 1 && node.redirects.length === 1) {
    const [document] = documents;
    return document?.type === 'HereDoc' && document.operator === '<<' && document.body.parts === undefined
      ? { code: fixedWord(document.body.text) }
      : 'unknown';
  }
  const prints = name?.text === 'echo' || (name?.text === 'printf' && args.length === 1);
  const text = args.map((arg) => arg.text).join(' ');
  // Escapes mean different things in different shells.
  if (!prints || node.redirects.length > 0 || /[\\%]|^-/.test(text)) return 'unknown';
  return { code: fixedWord(text) };
}

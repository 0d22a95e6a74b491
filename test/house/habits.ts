// Finds what the house rules forbid inside a file: impurity in pure rooms, default exports, empty names, long files, texts that
// belong to one machine.
import path from 'node:path';
import { roomOf } from './rooms.ts';
import type { Source } from './source.ts';

const LONGEST_FILE = 300;
const REASON = /\/\/ Long because: \S+/;

const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/, 'the time is an argument'],
  [/(?:\bnew )?\bDate\(\s*\)/, 'the time is an argument'],
  [/\bperformance\.now\b/, 'the time is an argument'],
  [/\bMath\.random\b/, 'randomness is an argument'],
  [/\brandom(?:UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b|\buuidv7\b/, 'ids and randomness are arguments'],
  [/\bset(?:Timeout|Interval|Immediate)\b/, 'a pure room waits for nothing'],
  [/\bprocess\.|\bfetch\(/, 'a pure room reads nothing from outside'],
];

// A package manager is a thing of its own, and not what the rule is about.
const EMPTY_NAME = /^types\.ts$|(?:^|[-.])(?:utils?|helpers?|misc)(?:\.test)?\.ts$|(?<!package-?)(?:manager|helper)s?(?:\.test)?\.ts$/i;
const DOER = /\b(?:class|interface|type|function|const)\s+(\w*(?:(?<!Package)Manager|Helper|Utils?))\b/g;

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function* findImpurity(source: Source): Generator<string> {
  if (roomOf(source.path)?.pure !== true) return;
  for (const [pattern, reason] of IMPURE) {
    const match = pattern.exec(source.code);
    if (match) yield `${source.path}:${lineAt(source.code, match.index)}: ${match[0].trim()} in a pure room: ${reason}`;
  }
}

function* findNames(source: Source): Generator<string> {
  if (EMPTY_NAME.test(path.posix.basename(source.path))) yield `${source.path}: this name says nothing; name the file after its subject`;
  for (const match of source.code.matchAll(DOER)) {
    yield `${source.path}:${lineAt(source.code, match.index)}: ${match[1]} says nothing; name it after its result`;
  }
}

function* findShape(source: Source): Generator<string> {
  const match = /\bexport\s+default\b/.exec(source.code);
  if (match) yield `${source.path}:${lineAt(source.code, match.index)}: no default exports`;
  const lines = source.text.trimEnd().split('\n').length;
  if (lines > LONGEST_FILE && !REASON.test(source.text)) {
    yield `${source.path}: ${lines} lines, at most ${LONGEST_FILE} without a comment "// Long because: <reason>"`;
  }
}

/** One line per broken habit, "file[:line]: reason". */
export function findHabitFaults(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [...findImpurity(source), ...findNames(source), ...findShape(source)]);
}

// Folders that exist on one machine only. Put together here, so that this file does not find itself.
const MACHINE_PATH = new RegExp(`(?:^|[^A-Za-z0-9_./-])/(?:${['work', 'farm'].join('|')})/`);
const EM_DASH = String.fromCharCode(0x2014);

/** One line per place in a text file that names a path of one machine or has an em dash. */
export function findTextFaults(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    if (MACHINE_PATH.test(line)) return [`${file}:${index + 1}: a path of one machine`];
    return line.includes(EM_DASH) ? [`${file}:${index + 1}: an em dash; use a colon, a comma or two sentences`] : [];
  });
}

// From a program that starts another to what it starts.
import { parse } from 'unbash';
import { fixedWord, mayBeOption, type Stdin, type Word, words } from './command.ts';
import { opaquely, plainly, type Description, type Start } from './description.ts';
import { readOptions } from './options.ts';
import { isRiskyAssignment } from './variables.ts';
import { readWord } from './words.ts';
import type { Wrapper } from './wrappers.ts';

/** Stands for what a program adds to the command that it starts. */
export const GIVEN: Word = { text: '{}', known: false, prefix: '', splits: true, runs: false };

const SHELLS = words('sh bash dash zsh ksh mksh ash rbash rzsh pdksh oksh yash posh');
/** Their language is another one: what is listed of it is a guess. */
const OTHER_SHELLS = words('fish csh tcsh pwsh powershell cmd nu elvish xonsh rc es ion wsl');
const SHELL_OPTIONS = {
  valued: words('-o +o -O +O --rcfile --init-file'),
  plain: words(
    `${[...'abcefhiklmnprstuvxBCDEHPT'].flatMap((letter) => [`-${letter}`, `+${letter}`]).join(' ')} --login --noprofile --norc --posix --restricted --verbose --noediting --debugger --version --help -`,
  ),
};

/** What a shell runs; undefined when the program is none. */
export function describeShell(program: string, args: readonly Word[], stdin: Stdin): Description | undefined {
  if (OTHER_SHELLS.has(program)) {
    const at = args.findIndex((arg) => /^(-[a-z]*c|--command|\/[ck]|-Command|-command)$/.test(arg.text));
    return opaquely(at < 0 ? [] : [{ code: joinWords(args.slice(at + 1)) }]);
  }
  if (!SHELLS.has(program)) return undefined;
  const { options, rest, sure } = readOptions(args, SHELL_OPTIONS);
  const has = (...names: string[]): boolean => options.some(({ name }) => names.includes(name));
  const operand = args[rest];
  if (has('--version', '--help') && operand === undefined) return plainly();
  const loads =
    !sure ||
    has('-i', '--rcfile', '--init-file', '--debugger') ||
    options.some(({ name, value }) => /^[-+]O$/.test(name) && !isPlainOption(value));
  if (has('-c')) return loads || operand === undefined ? opaquely(operand ? [{ code: operand }] : []) : wrapCode(operand);
  if (operand !== undefined && !has('-s')) return opaquely();
  return stdin === 'unknown' ? opaquely() : { ...wrapCode(stdin.code), opaque: loads };
}

const isPlainOption = (value: Word | undefined): boolean => value?.known === true && value.text !== 'expand_aliases';

const wrapCode = (code: Word): Description => ({ ...plainly(), inline: true, listed: false, starts: [{ code }] });

/** The words as one line of code. */
export function joinWords(args: readonly Word[]): Word {
  return {
    text: args.map(({ text }) => text).join(' '),
    known: args.every(({ known }) => known),
    prefix: args[0]?.prefix ?? '',
    splits: false,
    runs: args.some(({ runs }) => runs),
  };
}

/** What a wrapper starts. `args` begin behind its name, or behind its subcommand. */
export function unwrap(known: Wrapper, program: string, args: readonly Word[]): Description {
  const { options, rest, sure } = readOptions(args, known);
  const found: Description = { ...plainly(), listed: known.listed, inline: known.listed };
  if (!sure) found.opaque = true;
  const asks = options.some(({ name }) => known.asks.has(name));
  if (options.some(({ name }) => known.opens.has(name))) found.opaque = true;
  const start: Start = known.elsewhere ? { folder: '' } : {};
  for (const { name, value } of options) {
    if (known.code.has(name)) found.starts.push({ ...start, ...(value ? { code: value } : { code: GIVEN }) });
    if (known.folder.has(name)) start.folder = value?.known === true ? value.text : '';
  }
  const split = program === 'env' ? options.find(({ name }) => name === '-S' || name === '--split-string')?.value : undefined;
  if (split) return splitString(found, split, args.slice(rest));
  if (found.starts.length > 0) return found;
  const { assignments, risky, index } = readAssignments(known, args, rest);
  if (risky) found.opaque = true;
  const target = args.slice(index + known.skip);
  if (asks && (target.length === 0 || /^(command|chrt|taskset|ionice|numactl|setpriv)$/.test(program)))
    return { ...found, listed: true, inline: false };
  if (assignments.length > 0) start.assignments = assignments;
  return startTarget(known, { program, options, found, start }, target);
}

interface Unwrapping {
  program: string;
  options: ReturnType<typeof readOptions>['options'];
  found: Description;
  start: Start;
}

function startTarget(known: Wrapper, { program, options, found, start }: Unwrapping, target: readonly Word[]): Description {
  const [first, ...more] = target;
  if (first === undefined) {
    // Nothing to start: `env` prints, `exec > file` redirects, `sudo -s` opens a shell.
    // parallel without a command runs the lines that it reads.
    const reads = known.interactive || program === 'parallel';
    return { ...found, listed: true, inline: reads, opaque: found.opaque || reads };
  }
  const joins = known.joins && !options.some(({ name }) => program === 'watch' && (name === '-x' || name === '--exec'));
  if (program === 'parallel') return { ...found, starts: startParallel(start, target) };
  if (joins) return { ...found, starts: [{ ...start, code: joinWords(target) }] };
  if (program === 'corepack' && /^(enable|disable|use|up|install|pack|hydrate|prepare|cache)$/.test(first.text))
    return { ...found, listed: true, starts: [] };
  const command = known.fetches ? [withoutVersion(first), ...more] : target;
  return { ...found, starts: [{ ...start, words: known.appends ? appendGiven(command, options) : command }] };
}

function readAssignments(known: Wrapper, args: readonly Word[], from: number): { assignments: string[]; risky: boolean; index: number } {
  const assignments: string[] = [];
  let risky = false;
  let index = from;
  if (!known.assigns) return { assignments, risky, index };
  for (; index < args.length; index += 1) {
    const word = args[index];
    const match = word && /^([^=]+)=/.exec(word.prefix);
    if (!word || !match) break;
    const value = word.text.slice(match[0].length);
    assignments.push(word.text);
    risky ||= isRiskyAssignment(match[1] ?? '', { ...word, text: value, prefix: value });
  }
  return { assignments, risky, index };
}

/** `env -S 'a b' c` starts `env a b c`. */
function splitString(found: Description, value: Word, rest: readonly Word[]): Description {
  const [statement, ...more] = value.known && !/[\\$#\n]/.test(value.text) ? parse(`: ${value.text}`).commands : [];
  const command = statement?.command;
  if (more.length > 0 || command?.type !== 'Command' || command.redirects.length > 0 || parse(`: ${value.text}`).errors)
    return { ...found, ...opaquely() };
  const split = command.suffix.flatMap((word) => (word.type === 'Word' ? readWord(word) : []));
  if (split.length !== command.suffix.length || split.some(({ known }) => !known)) return { ...found, ...opaquely() };
  return { ...found, starts: [{ words: [fixedWord('env'), ...split, ...rest] }] };
}

/** What xargs and the like make of the command: its words, and what they read. */
function appendGiven(command: readonly Word[], options: Unwrapping['options']): Word[] {
  const mark = options.find(({ name }) => name === '-I' || name === '-i' || name === '--replace' || name === '-J');
  if (mark === undefined) return [...command, GIVEN];
  const text = mark.value?.known === true ? mark.value.text : '{}';
  return command.map((word) => giveIn(word, text));
}

/** A word in which a program replaces a mark by what it found: one word, of which only the beginning is known. */
export function giveIn(word: Word, mark: string): Word {
  const at = word.text.indexOf(mark);
  return at < 0 ? word : { ...word, known: false, prefix: word.prefix.slice(0, at) };
}

/** `parallel cmd ::: a b` starts `cmd a`; `parallel ::: 'cmd a' 'cmd b'` starts what stands there. */
function startParallel(start: Start, target: readonly Word[]): Start[] {
  const at = target.findIndex(({ text }) => text.startsWith(':::'));
  if (at === 0) return target.slice(1).map((code) => ({ ...start, code }));
  const command = (at < 0 ? target : target.slice(0, at)).map((word) => giveIn(word, '{'));
  return [{ ...start, code: joinWords(command) }];
}

/** `jest@29` is jest; `@scope/name@1` is the package of that name. */
function withoutVersion(word: Word): Word {
  const match = /^((?:@[^/@]+\/)?[^@/]+)@/.exec(word.text);
  return match && word.known ? fixedWord(match[1] ?? '') : word;
}

/** True when an argument is only known when it runs and could be an option. */
export function hidesOption(args: readonly Word[]): boolean {
  const end = args.findIndex(({ known, text }) => known && text === '--');
  return (end < 0 ? args : args.slice(0, end)).some(mayBeOption);
}

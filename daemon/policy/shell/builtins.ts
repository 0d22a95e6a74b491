// Builtins of the shell that change what the rest of the line means: folders, code, aliases, variables.
import { posix } from 'node:path';
import { Malformed, words, type Outcome, type Reading, type Scope, type Word } from './command.ts';
import { opaquely, plainly } from './description.ts';
import { emit } from './emit.ts';
import { joinWords } from './unwrap.ts';
import { hidesSubscript, isRiskyAssignment, isRiskyVariable } from './variables.ts';

type Builtin = (call: Call) => Outcome | undefined;

interface Call {
  reading: Reading;
  name: string;
  args: readonly Word[];
  scope: Scope;
}

const BUILTINS: Readonly<Record<string, Builtin>> = {
  cd: changeFolder,
  pushd: changeFolder,
  popd: loseFolder,
  eval: evaluate,
  source: runFile,
  '.': runFile,
  trap: setTrap,
  alias: setAliases,
  export: declare,
  declare,
  typeset: declare,
  local: declare,
  readonly: declare,
  read: setVariables,
  printf: setVariables,
  unset: setVariables,
  getopts: setVariables,
  mapfile: setVariables,
  readarray: setVariables,
  let: calculate,
  test: calculate,
  '[': calculate,
  shopt: changeShell,
  enable: changeShell,
  hash: changeShell,
  complete: changeShell,
  bind: changeShell,
  fc: changeShell,
  history: changeShell,
  exec: readOn,
};

/** What a builtin does to the folder; undefined when the name is none of those that matter here. */
export function runBuiltin(reading: Reading, name: string, args: readonly Word[], scope: Scope): Outcome | undefined {
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  return builtin?.({ reading, name: name === '.' ? 'source' : name, args, scope });
}

const stay = ({ scope }: Call): Outcome => ({ ok: scope.cwd, failed: scope.cwd });

function list({ reading, name, args, scope }: Call, opaque = false): void {
  emit(reading, { name, args }, opaque ? opaquely() : plainly(), scope);
}

function changeFolder(call: Call): Outcome {
  list(call);
  const { args, scope } = call;
  const operands = args.filter(({ text }) => !/^(-L|--)$/.test(text));
  const [target] = operands;
  const known = target?.known === true && operands.length === 1 && !/^[-+~]/.test(target.text) && target.text !== '';
  if (!known) return { ok: '', failed: scope.cwd };
  return { ok: joinFolder(scope.cwd, target.text), failed: scope.cwd };
}

/** A folder seen from another, as `SimpleCommand.cwd` has it. */
export function joinFolder(cwd: string, path: string): string {
  if (path.startsWith('/')) return posix.normalize(path).replace(/(?<=.)\/$/, '');
  if (cwd === '' || path === '') return '';
  return posix.normalize(`${cwd}/${path}`).replace(/(?<=.)\/$/, '');
}

function loseFolder(call: Call): Outcome {
  list(call);
  return { ok: '', failed: call.scope.cwd };
}

function evaluate(call: Call): Outcome {
  const { reading, scope } = call;
  const code = joinWords(call.args[0]?.text === '--' ? call.args.slice(1) : call.args);
  const start = reading.commands.length;
  const inner = { ...scope, via: [...scope.via, 'eval'] };
  try {
    if (!code.known) list(call, true);
    const outcome = reading.readCode(code.text, inner);
    if (reading.commands.length === start) list(call);
    if (code.known) return outcome;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    reading.commands.length = start;
    list(call, true);
  }
  reading.lost = true;
  return { ok: '', failed: '' };
}

/** A file that the shell reads may change everything; the command itself says so. */
function runFile(call: Call): Outcome {
  list(call, true);
  call.reading.lost = true;
  return { ok: '', failed: '' };
}

/** Code that runs later, in a folder that nobody knows now. */
function runLater(call: Call, code: Word): void {
  const { reading, name, scope } = call;
  const start = reading.commands.length;
  try {
    emit(reading, { name, args: call.args }, { ...plainly(), inline: true, opaque: !code.known }, scope);
    reading.readCode(code.text, { ...scope, cwd: '', via: [...scope.via, name], stdin: 'unknown' });
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    reading.commands.length = start;
    list(call, true);
  }
}

function setTrap(call: Call): Outcome {
  const operands = call.args.filter(({ text }) => text !== '--');
  const [code, signal] = operands;
  if (code === undefined || signal === undefined || /^(-|-l|-p|)$/.test(code.text)) list(call);
  else runLater(call, code);
  return stay(call);
}

function setAliases(call: Call): Outcome {
  const [first, ...more] = call.args.filter((word) => !word.known || word.text.includes('='));
  if (first === undefined) {
    list(call);
    return stay(call);
  }
  for (const word of [first, ...more]) {
    const at = word.text.indexOf('=') + 1;
    runLater({ ...call, args: [word] }, { ...word, text: word.text.slice(at), prefix: '' });
  }
  call.reading.tainted = true;
  call.reading.redefines = true;
  return stay(call);
}

function declare(call: Call): Outcome {
  const { reading, args } = call;
  for (const word of args) {
    const match = /^([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=/.exec(word.prefix);
    const value = match ? word.text.slice(match[0].length) : '';
    if (match ? isRiskyAssignment(match[1] ?? '', { ...word, text: value, prefix: value }) : !word.known && word.prefix === '')
      reading.tainted = true;
  }
  // `-n` makes a name stand for another, `-f` hands functions on; a subscript is calculated.
  list(
    call,
    args.some(({ known, text }) => known && (hidesSubscript(text) || /^-[a-zA-Z]*n/.test(text))),
  );
  return stay(call);
}

function setVariables(call: Call): Outcome {
  const { reading, name, args } = call;
  const names = name === 'printf' ? args.filter((_, index) => args[index - 1]?.text === '-v') : args;
  if (names.some(({ known, text }) => known && isRiskyVariable(text))) reading.tainted = true;
  const calls = /^(mapfile|readarray)$/.test(name) && args.some(({ text }) => /^-[a-zA-Z]*C/.test(text));
  list(call, calls || (name !== 'printf' || names.length > 0 ? names.some(({ known, text }) => known && hidesSubscript(text)) : false));
  return stay(call);
}

function calculate(call: Call): Outcome {
  list(
    call,
    call.args.some(({ known, text }) => known && hidesSubscript(text)),
  );
  return stay(call);
}

const CHANGES: Readonly<Record<string, RegExp>> = {
  shopt: /^(expand_aliases|extdebug|lastpipe|cdable_vars|autocd)$/,
  enable: /^-[a-z]*[fd]/,
  hash: /^-[a-z]*p/,
  complete: /./,
  bind: /./,
  fc: /^-[a-z]*[se]|^[^-]/,
  history: /^-[a-z]*[anrwsp]/,
};

/** `exec < file` makes the shell read on from there. */
function readOn(call: Call): Outcome | undefined {
  if (call.args.length > 0 || !call.scope.redirections.some(({ operator }) => operator.startsWith('<'))) return undefined;
  list(call, true);
  return stay(call);
}

function changeShell(call: Call): Outcome {
  const changes = call.args.some(({ known, text }) => !known || CHANGES[call.name]?.test(text) === true);
  if (changes) call.reading.tainted = true;
  list(call, changes);
  return stay(call);
}

/** Builtins that run what they are given in the shell itself, so that `command cd x` changes its folder. */
export const IN_SHELL = words('command builtin noglob nocorrect -');

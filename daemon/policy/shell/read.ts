/**
 * Turns a command line, or an argv, into every simple command that could run: what policies look at.
 *
 * N1. Nothing is looked up or run. The answer depends on the text alone.
 * N2. The list is never empty, and never a part: a line that does not parse, or is more than can be looked at, is a problem and
 *     one opaque command.
 * N3. What cannot be known is `opaque`. More commands than would run is fine, fewer is not.
 * N4. Time is linear in the line; size, depth and count are bounded.
 *
 * Programs that only start another (`env`, `timeout`, `sh -c`) stand in `via` of what they start. Those that do something of
 * their own as well (`sudo`, `find`, `npx`, `docker run`) also stand in the list, before what they start.
 */
import { fixedWord, Malformed, MAX_LINE, TooMuch, type ParsedCommand, type ParsedLine, type Reading, type Scope } from './command.ts';
import { plainly } from './description.ts';
import { emit, emitShell } from './emit.ts';
import { start } from './start.ts';
import { readScript } from './walk.ts';

/** Characters that are parsed in all: the line, and code within code. */
const BUDGET = 4 * MAX_LINE;

const NUL = 'The command holds a NUL character, behind which a system sees nothing.';

interface Place {
  /** Folder in which the line runs, relative to the worktree; `.` is its root. */
  cwd: string;
}

/** Reads a line as a POSIX shell or bash would. */
export function readCommandLine(line: string, place: Place): ParsedLine {
  if (line.includes('\0')) return fail(NUL, place);
  if (line.length > MAX_LINE) return fail(`The line is longer than ${MAX_LINE} characters.`, place);
  return read(place, (reading, scope) => readScript(reading, line, scope));
}

/** Reads the words that a program is started with, without a shell. */
export function readArgv(argv: readonly string[], place: Place): ParsedLine {
  if (argv.length === 0) return fail('The command is empty.', place);
  if (argv.some((word) => word.includes('\0'))) return fail(NUL, place);
  if (argv.reduce((sum, word) => sum + word.length + 1, 0) > MAX_LINE)
    return fail(`The command is longer than ${MAX_LINE} characters.`, place);
  return read(place, (reading, scope) => start(reading, argv.map(fixedWord), scope));
}

function read(place: Place, run: (reading: Reading, scope: Scope) => unknown): ParsedLine {
  const reading: Reading = {
    commands: [],
    readCode: (code, scope) => readScript(reading, code, scope),
    depth: 0,
    budget: BUDGET,
    tainted: false,
    lost: false,
    redefines: false,
  };
  const scope: Scope = { cwd: place.cwd, via: [], assignments: [], redirections: [], stdin: 'unknown' };
  try {
    run(reading, scope);
    // `x=1`, `[[ -f x ]]` and a comment run nothing, and that is what the list says.
    if (reading.commands.length === 0) emitShell(reading, scope);
    return { commands: reading.commands, problem: '' };
  } catch (error) {
    if (error instanceof Malformed) return fail(`The line is not a command that a shell would run: ${error.message}.`, place);
    if (error instanceof TooMuch) return fail(error.message, place);
    // The parser calls itself for some nestings without a bound of its own.
    if (error instanceof RangeError) return fail('The line nests deeper than can be looked at.', place);
    throw error;
  }
}

function fail(problem: string, { cwd }: Place): ParsedLine {
  const commands: ParsedCommand[] = [];
  const reading = {
    commands,
    readCode: () => ({ ok: '', failed: '' }),
    depth: 0,
    budget: BUDGET,
    tainted: true,
    lost: false,
    redefines: false,
  };
  emit(reading, { name: '', args: [] }, plainly(), { cwd, via: [], assignments: [], redirections: [], stdin: 'unknown' });
  return { commands, problem };
}

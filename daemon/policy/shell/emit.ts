// Adds simple commands to what the line holds.
import { MAX_COMMANDS, TooMuch, type ParsedCommand, type ParsedRedirection, type Reading, type Scope, type Word } from './command.ts';
import { plainly, type Description } from './description.ts';
import { readOutputs, type Output } from './outputs.ts';
import { isHarmlessDevice } from './redirections.ts';

/** Redirections, and assignments, that one command gets. */
const MAX_SURROUNDING = 100;

/** Adds a command; throws TooMuch when the line holds too many. */
export function emit(reading: Reading, program: { name: string; args: readonly Word[] }, found: Description, scope: Scope): void {
  if (reading.commands.length >= MAX_COMMANDS) throw new TooMuch(`The line has more than ${MAX_COMMANDS} commands.`);
  if (scope.redirections.length > MAX_SURROUNDING || scope.assignments.length > MAX_SURROUNDING)
    throw new TooMuch(`A command of the line has more than ${MAX_SURROUNDING} redirections or assignments.`);
  const runs = program.args.some((arg) => arg.runs);
  const outputs = readOutputs(program.name, found.subcommand, program.args).map((each) =>
    toRedirection(each, reading.lost ? '' : scope.cwd),
  );
  const redirections = [...scope.redirections, ...outputs];
  const command: ParsedCommand = {
    program: program.name,
    args: program.args.map(({ text }) => text),
    subcommand: found.subcommand,
    options: [...new Set([...listOptions(program.args), ...found.options])],
    assignments: [...scope.assignments],
    redirections,
    via: [...scope.via],
    cwd: reading.lost && !scope.cwd.startsWith('/') ? '' : scope.cwd,
    hosts: [...new Set([...found.hosts, ...redirections.flatMap(({ target }) => socketHost(target))])],
    inline: found.inline || runs,
    expands: program.args.some((arg) => !arg.known),
    opaque: found.opaque || runs || reading.tainted,
  };
  reading.commands.push(command);
}

function toRedirection({ operator, target }: Output, cwd: string): ParsedRedirection {
  return { operator, writes: !(target.known && isHarmlessDevice(target.text)), target: target.text, known: target.known, cwd };
}

/** Adds what the shell itself does: it opens files, or sets variables, and runs nothing. */
export function emitShell(reading: Reading, scope: Scope, opaque = false): void {
  emit(reading, { name: '', args: [] }, { ...plainly(), opaque }, scope);
}

/** bash connects where a redirection names `/dev/tcp/host/port`. */
function socketHost(target: string): string[] {
  const match = /^\/dev\/(?:tcp|udp)\/([^/]+)\//.exec(target);
  if (!match) return [];
  return [/^[a-z0-9.:-]+$/i.test(match[1] ?? '') ? (match[1] ?? '').toLowerCase() : ''];
}

/** Options up to `--`, without values; a cluster such as `-fu` appears as itself and as `-f` and `-u`. */
function listOptions(args: readonly Word[]): string[] {
  const end = args.findIndex(({ known, text }) => known && text === '--');
  const options = new Set<string>();
  for (const { text } of end < 0 ? args : args.slice(0, end)) {
    if (!text.startsWith('-') || text === '-') continue;
    options.add(text.split('=', 1)[0] ?? text);
    if (/^-[A-Za-z]{2,}$/.test(text)) for (const letter of text.slice(1)) options.add(`-${letter}`);
  }
  return [...options];
}

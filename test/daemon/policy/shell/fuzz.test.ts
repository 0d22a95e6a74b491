import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ParsedCommand, ParsedLine } from '../../../../daemon/policy/shell/command.ts';
import { readArgv, readCommandLine } from '../../../../daemon/policy/shell/read.ts';
import { SimpleCommand } from '../../../../shared/state/action.ts';
import { settleCommands } from '../../../../daemon/policy/shell/settle.ts';
import { CORPUS, generated, mutated } from './lines.ts';

const PLACE = { cwd: '.' };

function checkWhole({ commands, problem }: ParsedLine): void {
  assert.ok(commands.length > 0);
  if (problem !== '') assert.ok(commands.length === 1 && commands[0]?.opaque === true, problem);
  for (const command of settleCommands(commands, new Map())) assert.deepEqual(SimpleCommand.parse(command), command);
}

const quote = (line: string): string => `'${line.replaceAll("'", `'\\''`)}'`;

/** Ways to run a line within another one. */
const WRAPS: readonly (readonly [string, (line: string) => string])[] = [
  ['sh -c', (line) => `sh -c ${quote(line)}`],
  ['bash -lc behind env and timeout', (line) => `env A=1 timeout 5 bash -lc ${quote(line)}`],
  ['eval', (line) => `eval ${quote(line)}`],
  ['find -exec', (line) => `find . -exec sh -c ${quote(line)} \\;`],
  ['sudo', (line) => `sudo -u me sh -c ${quote(line)}`],
  ['a subshell', (line) => `(${line}\n)`],
  ['a group', (line) => `{ ${line}\n}`],
  ['a pipe', (line) => `true | { ${line}\n} | cat`],
  ['a list', (line) => `true && { ${line}\n}`],
  ['a condition', (line) => `if true; then ${line}\nfi`],
  ['a loop', (line) => `while true; do ${line}\ndone`],
  ['a substitution', (line) => `echo "$(${line}\n)"`],
  ['a here-document', (line) => `bash <<'E_N_D'\n${line}\nE_N_D\n`],
];

/** A command as what it would run. */
const keyOf = ({ program, args }: ParsedCommand): string => JSON.stringify([program, ...args]);

function checkWrapped(line: string): void {
  const plain = readCommandLine(line, PLACE);
  // Behind a backslash the line would go on.
  if (plain.problem !== '' || line.endsWith('\\')) return;
  const keys = plain.commands.filter(({ program }) => program !== '').map(keyOf);
  for (const [name, wrap] of WRAPS) {
    const wrapped = readCommandLine(wrap(line), PLACE);
    const found = new Set(wrapped.commands.map(keyOf));
    const lost = keys.filter((key) => !found.has(key));
    // A line that is not understood is a problem, never a shorter list.
    assert.ok(lost.length === 0 || wrapped.problem !== '', `${name} loses ${lost.join(', ')} of ${line}`);
  }
}

describe('any command line', () => {
  it('is a list with something in it, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated, generated), (line) => checkWhole(readCommandLine(line, PLACE))),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('git', 'sh', '-c', 'env', '-S', '--', 'find', '-exec', ';', '__proto__'))),
        (argv) => checkWhole(readArgv(argv, PLACE)),
      ),
      { numRuns: 150 },
    );
  });

  it('is read in time that grows with its length', () => {
    const pieces = fc.array(fc.oneof(mutated, generated), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(pieces, fc.constantFrom('\n', ';', ' ', '|', ''), (lines, between) => {
        const line = lines.join(between).repeat(200).slice(0, 60_000);
        const start = performance.now();
        checkWhole(readCommandLine(line, PLACE));
        // A bound against what explodes, not a measurement: the whole of it takes a hundredth.
        assert.ok(performance.now() - start < 10_000, `slow: ${line.slice(0, 200)}`);
      }),
      { numRuns: 15 },
    );
  });

  it('loses no command where another line runs it', () => {
    for (const line of CORPUS) checkWrapped(line);
    // A here-document whose end was changed takes what the wrap puts behind it.
    const closed = mutated.filter((line) => !line.includes('<<'));
    fc.assert(fc.property(fc.oneof(generated, closed), checkWrapped), { numRuns: 150 });
  });
});

import assert from 'node:assert/strict';
import { MAX_LINE } from '../../../../daemon/policy/shell/command.ts';
import { readArgv, readCommandLine } from '../../../../daemon/policy/shell/read.ts';
import { listPaths, settleCommands } from '../../../../daemon/policy/shell/settle.ts';
import type { ActionPath } from '../../../../shared/state/action.ts';
import { describeCommand, readCorpus } from './corpus.ts';

const PLACE = { cwd: '.' };

describe('the corpus of command lines', () => {
  for (const [file, cases] of readCorpus())
    describe(file, () => {
      for (const { line, holds, problem = '' } of cases)
        it(line.length > 100 ? `${line.slice(0, 100)}...` : line, () => {
          const read = readCommandLine(line, PLACE);
          if (holds) assert.deepEqual(read.commands.map(describeCommand), holds);
          assert.ok(problem === '' ? read.problem === '' : read.problem.includes(problem), read.problem);
        });
    });
});

describe('commands from an argv', () => {
  it('unwraps as a line is unwrapped', () => {
    const texts = (argv: string[]): string[] => readArgv(argv, PLACE).commands.map(describeCommand);
    assert.deepEqual(texts(['sh', '-c', 'cd x && git push']), ['sh > cd x', 'sh > git push {sub=push cwd=x}']);
    assert.deepEqual(texts(['env', '-S', 'A=1 git push', 'origin']), ['env > env > git push origin {sub=push set=A=1}']);
    assert.deepEqual(texts(['git', 'log', '$(x)']), ['git log $(x) {sub=log}']);
  });

  it('is one opaque command for nothing and for too much, and says why', () => {
    for (const argv of [[], ['x'.repeat(MAX_LINE)]]) {
      const { commands, problem } = readArgv(argv, PLACE);
      assert.deepEqual([commands.length, commands[0]?.opaque], [1, true]);
      assert.notEqual(problem, '');
    }
    assert.equal(readArgv([''], PLACE).commands[0]?.opaque, true);
  });
});

describe('the bounds of a line', () => {
  const over = [
    ['length', `echo ${'x'.repeat(MAX_LINE)}`],
    ['commands', 'ls;'.repeat(1_001)],
    ['commands within', `sh -c '${'ls;'.repeat(1_001)}'`],
    ['wrappers', `${'env '.repeat(100)}ls`],
    ['evals', `${'eval '.repeat(100)}ls`],
    ['redirections', `${'{ '.repeat(110)}ls;${' } > x;'.repeat(110)}`],
    ['here-documents', '<<A '.repeat(300)],
    ['nesting that the parser follows without a bound', `${'f() '.repeat(5_000)}{ ls; }`],
  ] as const;
  for (const [name, line] of over)
    it(`calls too many or too long a problem: ${name}`, () => {
      const { commands, problem } = readCommandLine(line, PLACE);
      assert.notEqual(problem, '');
      assert.deepEqual(commands.map(describeCommand), ['(shell) {opaque}']);
    });
});

describe('paths of a line', () => {
  const resolve = (path: string): ActionPath => ({
    path: `/real/${path}`,
    relative: path,
    inside: !path.startsWith('/'),
    git: path.includes('.git'),
  });

  it('are looked up in the folder that the line stands in', () => {
    const { commands } = readCommandLine('cd x && cat > y; cat < /etc/z > ~/a 2> "$B" >> .git/c', PLACE);
    const settled = settleCommands(commands, new Map(listPaths(commands).map((path) => [path, resolve(path)])));
    assert.deepEqual(
      settled.flatMap(({ redirections }) => redirections.map(({ path }) => [path.path, path.inside, path.git])),
      [
        ['/real/x/y', true, false],
        ['/real//etc/z', false, false],
        ['~/a', false, false],
        ['$B', false, false],
        ['.git/c', false, true],
      ],
    );
    assert.deepEqual(
      settled.map(({ cwd }) => cwd),
      ['.', 'x', ''],
    );
  });
});

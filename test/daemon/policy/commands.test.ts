import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normaliseArgv } from '../../../daemon/policy/commands.ts';
import { SimpleCommand } from '../../../shared/state/action.ts';

describe('commands from an argv', () => {
  const known: [line: string, program: string, subcommand: string][] = [
    ['git push origin main', 'git', 'push'],
    ['git -C x push', 'git', 'push'],
    ['/usr/bin/git --no-pager -C x --git-dir=y push -u origin main', 'git', 'push'],
    ['git --git-dir y status', 'git', 'status'],
    ['git', 'git', ''],
    ['npm test', 'npm', 'test'],
    ['npm --prefix web run build', 'npm', 'run'],
    ['npm -s ci', 'npm', 'ci'],
    ['docker --context remote ps', 'docker', 'ps'],
    ['pytest -q', 'pytest', ''],
    ['python3 -m pytest', 'python3', ''],
    ['node scripts/test.mjs', 'node', ''],
    ['find . -type f -print', 'find', ''],
    ['C:\\Git\\git.exe status', 'git', 'status'],
  ];
  for (const [line, program, subcommand] of known)
    it(`reads ${line}`, () => {
      const [command] = normaliseArgv(line.split(' '));
      assert.deepEqual([command?.program, command?.subcommand, command?.opaque], [program, subcommand, false]);
    });

  const opaque = [
    'sh -c ls',
    '/bin/bash x.sh',
    'env FOO=1 git push',
    'sudo ls',
    'xargs rm',
    'timeout 5 ls',
    'nice ls',
    'npx jest',
    'make test',
    'ssh host ls',
    'busybox sh',
    'git -c alias.x=!sh x',
    'git -c core.pager=x log',
    'git --exec-path=/x status',
    'git --unknown status',
    'git myalias',
    'git clone -u cmd x',
    'git rebase -x cmd',
    'git fetch --upload-pack=cmd x',
    'git fetch --upl=cmd x',
    'git clone ext::cmd',
    'git submodule foreach ls',
    'npm exec x',
    'npm --script-shell=x test',
    'npm --new-option x test',
    'docker run x',
    'docker exec x ls',
    'python3.11 -c x',
    'python -',
    'python',
    'node -e x',
    'node --eval=x',
    'node -r ./x y',
    'perl -ne x',
    'perl -wple x',
    'ruby -e x',
    'php -r x',
    'awk x',
    'sed -n x',
    'find . -exec ls {} ;',
    'tar --to-command=x -xf y',
    'rsync -e ssh a b',
    'BASH x',
    'bash.exe x',
  ];
  for (const line of opaque) it(`calls ${line} opaque`, () => assert.equal(normaliseArgv(line.split(' '))[0]?.opaque, true));

  it('lists options without values, clusters also letter by letter, nothing after --', () => {
    assert.deepEqual(normaliseArgv(['git', 'push', '-fu', '--force-with-lease=x', '--', '--no'])[0]?.options, [
      '-fu',
      '-f',
      '-u',
      '--force-with-lease',
    ]);
  });

  it('has nothing for nothing, and is opaque without a program', () => {
    assert.deepEqual(normaliseArgv([]), []);
    assert.equal(normaliseArgv(['', 'x'])[0]?.opaque, true);
  });

  it('keeps every argument and fits the schema, whatever the argv', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('git', '-C', '-c', '--', 'push', 'npm', 'sh', '__proto__', 'constructor', '-', '--x=y'),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (argv) => {
        const [command] = normaliseArgv(argv);
        assert.deepEqual(SimpleCommand.parse(command), command);
        assert.deepEqual(command?.args, argv.slice(1));
      }),
    );
  });

  it('never loses a push behind global options', () => {
    const option = fc.constantFrom(
      ['-C', 'push'],
      ['-C', 'x'],
      ['--no-pager'],
      ['--git-dir=x'],
      ['--git-dir', 'status'],
      ['-c', 'a.b=c'],
      ['--new'],
      ['--new', 'status'],
    );
    fc.assert(
      fc.property(fc.array(option, { maxLength: 4 }), (options) => {
        const [command] = normaliseArgv(['git', ...options.flat(), 'push']);
        assert.ok(command?.subcommand === 'push' || command?.opaque);
      }),
    );
  });
});

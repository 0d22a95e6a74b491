import assert from 'node:assert/strict';
import { SHELL_SYNTAX, splitWords, writeTaskWorkflow } from '../../../extension/commands/commandLine.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';

describe('a typed command', () => {
  const cases: [string, string[] | undefined][] = [
    ['npm test', ['npm', 'test']],
    ['  node  -e  "a b" ', ['node', '-e', 'a b']],
    [`echo 'it''s' "a\\"b" c\\ d`, ['echo', 'its', 'a"b', 'c d']],
    [`echo '' ""`, ['echo', '', '']],
    [`echo 'a\\b'`, ['echo', 'a\\b']],
    ['', []],
    ['echo "open', undefined],
  ];
  for (const [line, words] of cases) it(`${JSON.stringify(line)}`, () => assert.deepEqual(splitWords(line), words));

  it('is refused where only a shell would understand it', () => {
    for (const line of ['a | b', 'a && b', 'a > b', 'echo $HOME', 'ls *.ts', '(a)', 'a; b', 'echo `a`']) assert.match(line, SHELL_SYNTAX);
    for (const line of ['npm test -- --grep "a b"', 'git log -1 HEAD~2', './run.sh a=b']) assert.doesNotMatch(line, SHELL_SYNTAX);
  });

  it('becomes a workflow that the daemon takes, whatever the words are', () => {
    const argv = ['node', '-e', 'console.log("{{a.b}}: #x")', '--', '- y: {"z"}'];
    const loaded = loadWorkflow({ text: writeTaskWorkflow(argv), file: 'task.yaml' });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.deepEqual(loaded.definition.stages[0]?.command, argv);
    assert.equal(loaded.definition.stages[0]?.worktree, 'own');
  });
});

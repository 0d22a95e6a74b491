import assert from 'node:assert/strict';
import { runTests } from '../../../daemon/policy/run-tests.ts';
import { readTests } from '../../../daemon/policy/test-file.ts';
import { policiesOf, policyFile } from './fixtures.ts';

const read = (text: string) => readTests({ file: 'p.test.yaml', text });

const POLICIES = policiesOf(
  policyFile(`policy: p
version: 1
default: allow
rules:
  - { id: no-push, on: [agent.execute], effect: deny, message: M., when: 'action.commands.exists(c, c.subcommand == "push")' }
  - { id: busy, on: [agent.execute], effect: deny, message: M., when: context.running.overall > 3 && context.stages.rate == 1 }
  - { id: no-git, on: [agent.execute], effect: require_approval, message: M., when: 'action.commands.exists(c, c.program == "git")' }
`),
);

describe('tests of policies', () => {
  it('are one for each line and action, with the place of each', () => {
    const found = read(`root: /home/me
given: { repo: /home/me, agent: claude }
tests:
  - name: both
    lines: [git push, ls]
    action: { kind: agent.edit, paths: [a] }
    expect: deny
    rule: no-push
`);
    assert.ok(found.ok);
    assert.deepEqual(
      found.tests.map(({ name, line, column, action, expect, rule }) => [name, line, column, action.kind, action.agent, expect, rule]),
      [
        ['both', 5, 13, 'agent.execute', 'claude', 'deny', 'no-push'],
        ['both', 5, 23, 'agent.execute', 'claude', 'deny', 'no-push'],
        ['both', 6, 13, 'agent.edit', 'claude', 'deny', 'no-push'],
      ],
    );
    const edit = found.tests[2]?.action;
    assert.equal(edit?.kind === 'agent.edit' && edit.paths[0]?.path, '/home/me/a');
  });

  const verdicts: [what: string, test: string, passed: boolean][] = [
    ['the expected effect', '{ line: git push, expect: deny }', true],
    ['another effect', '{ line: git push, expect: allow }', false],
    ['the expected rule', '{ line: git push, expect: deny, rule: no-push }', true],
    ['the rule with its policy', '{ line: git push, expect: deny, rule: p/no-push }', true],
    ['a rule that matched but does not decide', '{ line: git push, expect: deny, rule: no-git }', false],
    ['how things stand', '{ line: ls, expect: deny, rule: busy, context: { running: { overall: 4 } } }', true],
    ['the default by its name', '{ line: ls, expect: allow, rule: default }', true],
  ];
  for (const [what, test, passed] of verdicts)
    it(`${passed ? 'pass' : 'fail'} for ${what}`, () => {
      const found = read(`tests:\n  - ${test}\n`);
      assert.ok(found.ok);
      assert.equal(runTests(POLICIES, found.tests)[0]?.passed, passed);
    });

  const wrong: [what: string, text: string, at: string, message: RegExp][] = [
    ['no tests', 'root: /x\n', '1:1', /`tests` is missing/],
    ['an unknown key', 'tests:\n  - { lime: ls, expect: deny }\n', '2:7', /`lime` is not a key/],
    ['a wrong effect', 'tests:\n  - line: ls\n    expect: denied\n', '3:13', /write `allow`/],
    ['nothing to decide', 'tests:\n  - expect: deny\n', '2:5', /Say what is decided/],
    [
      'an action that is none',
      'tests:\n  - action: { kind: agent.edit, pathes: [a] }\n    expect: deny\n',
      '2:33',
      /`pathes` is not a key/,
    ],
    ['a context that is none', 'tests:\n  - line: ls\n    expect: deny\n    context: { runing: {} }\n', '4:16', /`runing` is not a key/],
    ['a root that is none', 'root: here\ntests: []\n', '1:7', /absolute path/],
    ['no YAML', 'tests: [\n', '2:1', /./],
  ];
  for (const [what, text, at, message] of wrong)
    it(`are refused with ${what}, and where`, () => {
      const found = read(text);
      assert.ok(!found.ok);
      const [problem] = found.problems;
      assert.equal(`${problem?.line}:${problem?.column}`, at);
      assert.match(problem?.message ?? '', message);
    });
});

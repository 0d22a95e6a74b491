import assert from 'node:assert/strict';
import { completeAction, resolveLexically } from '../../../daemon/policy/action-input.ts';
import type { Clause } from '../../../daemon/policy/clauses.ts';
import { explainAction } from '../../../daemon/policy/explain.ts';
import type { Action } from '../../../shared/state/action.ts';
import { IDLE, policiesOf, policyFile } from './fixtures.ts';

function act(input: Record<string, unknown>): Action {
  const completed = completeAction(input, resolveLexically('/repo'));
  if (!completed.ok) throw new Error(completed.error.message);
  return completed.action;
}

const run = (...commands: Record<string, unknown>[]): Action =>
  act({
    kind: 'agent.execute',
    argv: ['x'],
    commands: commands.map((each) => ({ program: '', args: [], subcommand: '', options: [], opaque: false, ...each })),
  });

function ruleOf(when: string, on = 'agent.execute', effect = 'deny') {
  return policiesOf(
    policyFile(
      `policy: p\nversion: 1\nrules:\n  - { id: r, on: [${on}], effect: ${effect}, message: M., when: ${JSON.stringify(when)} }\n`,
    ),
  );
}

/** The clauses of the one rule, short: sign, text, and the element. */
function clausesOf(when: string, action: Action): string[] {
  const { matched, near } = explainAction(ruleOf(when, action.kind), action, IDLE);
  return [...matched, ...near]
    .flatMap(({ clauses }) => clauses)
    .map(({ holds, text, at }: Clause) => `${holds ? '+' : '-'} ${text}${at && ` @${at}`}`);
}

const PUSH = { program: 'git', subcommand: 'push', options: ['-f'], args: ['push', '-f'] };

describe('explanation of a decision', () => {
  const table: [what: string, when: string, action: Action, clauses: string[]][] = [
    [
      'a rule that matched shows the element that made it',
      'action.commands.exists(c, c.program == "git" && c.subcommand == "push")',
      run({ program: 'cd' }, PUSH),
      ['+ c.program == "git" @action.commands[1]', '+ c.subcommand == "push" @action.commands[1]'],
    ],
    [
      'one that nearly did shows what fails of the nearest element',
      'action.commands.exists(c, c.program == "git" && c.subcommand == "pull")',
      run({ program: 'cd' }, PUSH),
      ['+ c.program == "git" @action.commands[1]', '- c.subcommand == "pull" @action.commands[1]'],
    ],
    [
      'of a choice that holds, only the part that holds',
      'action.commands.exists(c, c.program == "git" && ("--force" in c.options || "-f" in c.options))',
      run(PUSH),
      ['+ c.program == "git" @action.commands[0]', '+ "-f" in c.options @action.commands[0]'],
    ],
    [
      'loops inside loops',
      'action.commands.exists(c, c.program == "git" && c.args.exists(a, a == "-f"))',
      run({ program: 'ls' }, PUSH),
      ['+ c.program == "git" @action.commands[1]', '+ a == "-f" @action.commands[1].args[1]'],
    ],
    [
      'of all elements, the first that fails',
      'action.source == "agent" && action.commands.all(c, c.program == "ls")',
      run({ program: 'ls' }, PUSH),
      ['+ action.source == "agent"', '- c.program == "ls" @action.commands[1]'],
    ],
    [
      'an empty list has no element to show',
      'action.agent == "" && action.hosts.exists(h, h == "x")',
      act({ kind: 'agent.fetch' }),
      ['+ action.agent == ""', '- action.hosts.exists(h, h == "x")'],
    ],
    [
      'how things stand is a value like any other',
      'action.source == "agent" && context.running.overall > 3',
      run(PUSH),
      ['+ action.source == "agent"', '- context.running.overall > 3'],
    ],
    [
      'a negation stands as it is',
      'action.source == "agent" && !(action.cwd == ".")',
      run(PUSH),
      ['+ action.source == "agent"', '- !(action.cwd == ".")'],
    ],
  ];
  for (const [what, when, action, clauses] of table) it(what, () => assert.deepEqual(clausesOf(when, action), clauses));

  it('gives the values that a clause looked at', () => {
    const { near } = explainAction(ruleOf('action.commands.exists(c, c.program == "git" && c.subcommand == "pull")'), run(PUSH), IDLE);
    assert.deepEqual(
      near[0]?.clauses.map(({ values }) => values),
      [{ 'c.program': 'git' }, { 'c.subcommand': 'push' }],
    );
  });

  it('names an error instead of a value', () => {
    const { matched } = explainAction(ruleOf('action.source == "agent" && action.argv[7] == "x"'), run(PUSH), IDLE);
    assert.equal(matched[0]?.clauses[1]?.holds, false);
    assert.notEqual(matched[0]?.clauses[1]?.error, '');
  });

  it('leaves out what has nothing in common with the action', () => {
    const policies = policiesOf(
      policyFile(
        ['policy: p', 'version: 1', 'rules:']
          .concat(
            ['"rm" && "-r" in c.options', '"git" && c.subcommand == "reset"'].map(
              (rest, i) =>
                `  - { id: r${i}, on: [agent.execute], effect: deny, message: M., when: 'action.commands.exists(c, c.program == ${rest})' }`,
            ),
          )
          .join('\n'),
      ),
    );
    assert.deepEqual(
      explainAction(policies, run(PUSH), IDLE).near.map(({ rule }) => rule),
      ['r1'],
    );
  });
});

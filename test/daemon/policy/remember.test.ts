import assert from 'node:assert/strict';
import { rememberAction, writePolicy } from '../../../daemon/policy/remember.ts';
import { type Action, ACTION_KINDS, type ActionKind, SimpleCommand } from '../../../shared/state/action.ts';
import { configure, decide, edit, execute, merge, pathAt, policiesOf, policyFile, sampleOf } from './fixtures.ts';

const asks = (kind: ActionKind) =>
  policyFile(`policy: guard\nversion: 1\nrules:\n  - id: ask\n    on: [${kind}]\n    effect: require_approval\n    message: Asked.\n`);

/** The rule for an action that the guard asked about, as a file of the user's. */
function remembered(action: Action, repo?: string) {
  const { reasons } = decide(policiesOf(asks(action.kind)), action);
  const made = rememberAction(action, reasons, { id: 'allow-1', message: 'Anna always allows this: "yes"', repo });
  assert.ok(made.ok, made.ok ? '' : made.why);
  return made.rule;
}

/** What becomes of another action once the answer to the first is a rule. */
function then(first: Action, other: Action, repo?: string): string {
  const rule = policyFile(writePolicy('remembered', remembered(first, repo).text));
  return decide(policiesOf(asks(first.kind), rule), other).effect;
}

const command = (program: string, args: string[], more: Partial<SimpleCommand> = {}) =>
  SimpleCommand.parse({ program, args, subcommand: args[0] ?? '', options: [], opaque: false, ...more });
const run = (...commands: SimpleCommand[]): Action => execute({ argv: ['sh', '-c', 'line'], line: 'line', commands });

describe('a rule that an answer is made into', () => {
  const OWN = new Set<ActionKind>(['agent.register', 'daemon.configure']);
  for (const kind of ACTION_KINDS.filter((each) => !OWN.has(each)))
    it(`allows the same ${kind} again`, () => assert.equal(then(sampleOf(kind), sampleOf(kind)), 'allow'));

  const push = run(command('git', ['push', 'origin', 'main']));
  const table: [string, Action, Action, string?][] = [
    ['other arguments', push, run(command('git', ['push', 'origin', 'main', '--force']))],
    ['another branch', push, run(command('git', ['push', 'origin', 'release']))],
    ['something more in the same line', push, run(command('git', ['push', 'origin', 'main']), command('rm', ['-rf', '.']))],
    ['a variable that is set for it', push, run(command('git', ['push', 'origin', 'main'], { assignments: ['GIT_SSH_COMMAND=evil'] }))],
    ['another folder', push, run(command('git', ['push', 'origin', 'main'], { cwd: 'sub' }))],
    ['a command that the repository names', { ...push, source: 'agent' } as Action, { ...push, source: 'repository' } as Action],
    ['what cannot be known', run(command('sh', ['x'], { opaque: true })), run(command('sh', ['y'], { opaque: true }))],
    [
      'another line that cannot be known',
      run(command('make', [], { opaque: true })),
      execute({ argv: ['make', 'all'], line: '', commands: [] }),
    ],
    ['another path', edit(), edit({ paths: [pathAt('src/a.ts'), pathAt('src/b.ts')] })],
    ['the same path outside of the worktree', edit(), edit({ paths: [{ ...pathAt('src/a.ts'), inside: false }] })],
    ['a secret in the same file', edit(), edit({ secrets: ['github-token'] })],
    ['more harm', edit({ risk: 'low' }), edit({ risk: 'high' })],
    ['a merge into another branch', merge(), { ...merge(), into: 'release' } as Action],
    ['a merge that changes .signalbox/', merge(), merge(['src/a.ts', '.signalbox/policies/a.yaml'])],
    ['another repository', merge(), { ...merge(), repo: '/other' }, '/repo'],
  ];
  for (const [what, first, other, repo] of table) {
    it(`does not allow ${what}`, () => {
      const opaque = what === 'what cannot be known';
      const differs = opaque ? ({ ...other, line: 'other' } as Action) : other;
      assert.equal(then(first, first, repo), 'allow', 'the same');
      assert.equal(then(first, differs, repo), 'require_approval');
    });
  }

  it('answers the rules that asked, by name, and no rule that asks or denies besides', () => {
    const rule = remembered(merge());
    assert.deepEqual(rule.excepts, ['guard/ask']);
    const file = policyFile(writePolicy('remembered', rule.text));
    for (const effect of ['require_approval', 'deny']) {
      const more = policyFile(
        `policy: more\nversion: 1\nrules:\n  - id: x\n    on: [workspace.merge]\n    effect: ${effect}\n    message: x\n`,
      );
      assert.equal(decide(policiesOf(asks('workspace.merge'), file, more), merge()).effect, effect);
    }
  });

  it('is not made for what changes Signalbox itself, writes a secret, or nobody’s rule asks about', () => {
    const why = (action: Action, files = [asks(action.kind)]) => {
      const made = rememberAction(action, decide(policiesOf(...files), action).reasons, { id: 'a', message: 'm', repo: undefined });
      return made.ok ? '' : made.why;
    };
    assert.match(why(configure()), /each time/);
    assert.match(why(edit({ secrets: ['x'] })), /secret/);
    assert.match(why(edit({ paths: [pathAt('.git/config', { git: true })] })), /git/);
    assert.match(why(run(command('echo', ['x'.repeat(5_000)]))), /too long/);
    const allows = policyFile('policy: a\nversion: 1\ndefault: allow\n');
    assert.match(why(merge(), [allows]), /No rule asks/);
  });

  it('holds any text: quotes, lines, and characters that turn a line around', () => {
    const odd = 'a"b\\c\nd: - e #\u202ef\u2028g é 😀';
    const action = run(command('echo', [odd]));
    assert.equal(then(action, action), 'allow');
    assert.doesNotMatch(remembered(action).text, /[\u202e\u2028]/);
  });
});

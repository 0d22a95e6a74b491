import assert from 'node:assert/strict';
import { conditionsFor } from '../../../daemon/policy/rule-for-action.ts';
import { type Case, suggestRules } from '../../../daemon/policy/suggest.ts';
import { ACTION_KINDS, type Action } from '../../../shared/state/action.ts';
import { decideAction } from '../../../daemon/policy/decide.ts';
import { actionOf } from '../../support/decided.ts';
import { IDLE, policiesOf, policyFile, sampleOf } from './fixtures.ts';

const run = (line: string, more: Record<string, unknown> = {}): Action => actionOf({ kind: 'agent.execute', line, ...more });

function allows(when: string, action: Action): boolean {
  const policies = policiesOf(
    policyFile(
      `policy: p\nversion: 1\ndefault: deny\nrules:\n  - { id: r, on: [${action.kind}], effect: allow, message: M., when: ${JSON.stringify(when)} }\n`,
    ),
  );
  return decideAction(policies, action, IDLE).effect === 'allow';
}

describe('a rule from an action', () => {
  for (const kind of ACTION_KINDS)
    it(`matches the ${kind} that it is made from`, () => {
      for (const when of conditionsFor(sampleOf(kind))) assert.ok(allows(when, sampleOf(kind)), when);
    });

  it('is never made for what only a person grants', () => {
    for (const kind of ['workspace.merge', 'daemon.configure'] as const) assert.deepEqual(conditionsFor(sampleOf(kind)), []);
  });

  const same: [from: string, other: string, matches: boolean][] = [
    ['npm test', 'npm test -- --watch', true],
    ['npm test', 'npm test && npm test', true],
    ['npm test', 'npm publish', false],
    ['npm test', 'npm test && git push', false],
    ['npm test', 'npm test > ../out', false],
    ['npm test', 'sudo npm test', false],
    ['npm test', 'npm test; eval "$X"', false],
    ['curl https://a.example/x', 'curl https://b.example/x', false],
    ['git push origin main', 'git push origin other', true],
    ['git push origin main', 'git push --force origin main', false],
    ['ls src', 'ls -la', false],
    ['ls src', 'ls test', true],
  ];
  for (const [from, other, matches] of same)
    it(`${matches ? 'can be' : 'is never'} wide enough from \`${from}\` to \`${other}\``, () =>
      assert.equal(
        conditionsFor(run(from)).some((when) => allows(when, run(other))),
        matches,
      ));

  it('is never made for code that nobody can read, nor for what is only known when it runs', () => {
    for (const line of ['node -e "1 + 1"', 'rm $X', '> out', 'curl "$HOST"']) assert.deepEqual(conditionsFor(run(line)), [], line);
  });
});

describe('rules from answers', () => {
  const one = (action: Action, outcome: Case['outcome']): Case => ({
    action,
    context: IDLE,
    outcome,
    asking: ['default/asks', 'default/default'],
  });
  const many = (count: number, action: Action, outcome: Case['outcome'] = 'granted'): Case[] =>
    Array.from({ length: count }, () => one(action, outcome));

  it('are few: what answers most comes first, and once is no habit', () => {
    const rules = suggestRules([
      ...many(5, run('npm test')),
      ...many(3, run('npm test -- a')),
      ...many(2, run('ls src')),
      ...many(1, run('make')),
    ]);
    assert.deepEqual(
      rules.map(({ covers, excepts }) => [covers, excepts]),
      [
        [8, ['default/asks']],
        [2, ['default/asks']],
      ],
    );
  });

  it('never match what was denied, and become narrower for it', () => {
    const rules = suggestRules([...many(4, run('git push origin a')), ...many(1, run('git push origin main'), 'denied')]);
    assert.equal(rules.length, 1);
    assert.ok(allows(rules[0]?.when ?? '', run('git push origin a')));
    assert.ok(!allows(rules[0]?.when ?? '', run('git push origin main')));
    assert.deepEqual(suggestRules([...many(4, run('npm test')), ...many(1, run('npm test'), 'denied')]), []);
  });

  it('prefer the narrow one where a wide one answers no more', () => {
    const [rule] = suggestRules(many(3, actionOf({ kind: 'agent.edit', paths: ['src/a.ts'], risk: 'low' })));
    assert.match(rule?.when ?? '', /p\.relative in \["src\/a\.ts"\]/);
  });
});

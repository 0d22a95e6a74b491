import assert from 'node:assert/strict';
import { loadPolicies } from '../../../daemon/policy/load.ts';
import { decide, execute, hash, policiesOf, policyFile } from './fixtures.ts';

const rule = (id: string, effect: string, more = ''): string =>
  `  - id: ${id}\n    on: [agent.execute]\n    effect: ${effect}\n    message: ${id}.\n${more}`;
const file = (name: string, ...rules: string[]): string => `policy: ${name}\nversion: 1\nrules:\n${rules.join('')}`;
const asks = (...more: string[]) =>
  decide(policiesOf(policyFile(file('a', ...more.map((each, i) => rule(`r${i}`, 'require_approval', each))))), execute()).obligations;

describe('what a rule demands of its question', () => {
  const table: [string, string[], unknown][] = [
    ['the most people of all rules that ask', ['    quorum: 2\n', '    quorum: 3\n', ''], { quorum: 3 }],
    [
      'whom every rule agrees on',
      ['    approvers: [anna, ben]\n', '    approvers: [ben, carl]\n', '    approvers: [human]\n'],
      { approvers: ['ben'] },
    ],
    ['nobody, where no two rules agree', ['    approvers: [anna]\n', '    approvers: [ben]\n'], { approvers: [] }],
    [
      'levels one after the other, each with its own time',
      ['    escalate: { peer: 30m, lead: { after: 2h, to: [architect] }, person: 4h }\n'],
      {
        escalate: [
          { level: 1, afterMs: 1_800_000, to: [] },
          { level: 2, afterMs: 9_000_000, to: ['architect'] },
          { level: 3, afterMs: 23_400_000, to: [] },
        ],
      },
    ],
    [
      'a level that is left out is passed over',
      ['    escalate: { person: 10m }\n'],
      { escalate: [{ level: 3, afterMs: 600_000, to: [] }] },
    ],
    [
      'a person soonest',
      ['    escalate: { person: 1h }\n', '    escalate: { person: 10m }\n'],
      { escalate: [{ level: 3, afterMs: 600_000, to: [] }] },
    ],
    ['a person at once, when one of the rules asks without delay', ['    escalate: { person: 1h }\n', ''], {}],
  ];
  for (const [what, more, expected] of table) it(what, () => assert.deepEqual(asks(...more), expected));

  it('of an untrusted repository is not for the repository to say, but how many have to agree only makes it stricter', () => {
    const text = file('a', rule('r', 'require_approval', '    approvers: [anna, ben]\n    quorum: 2\n    escalate: { person: 1h }\n'));
    const loaded = loadPolicies([policyFile(text, { origin: 'repository', trusted: false })], hash);
    assert.ok(loaded.ok);
    assert.deepEqual(
      loaded.notices.map(({ message }) => message.slice(0, message.indexOf(' is'))),
      ['`approvers` of rule `r`', '`escalate` of rule `r`'],
    );
    assert.deepEqual(decide(loaded.policies, execute()).obligations, { quorum: 2 });
  });
});

describe('an exception of the user', () => {
  const guard = policyFile(file('guard', rule('ask', 'require_approval'), rule('never', 'deny', '    when: action.source == "agent"\n')), {
    origin: 'builtin',
  });
  const mine = (...names: string[]) => policyFile(file('mine', rule('allowed', 'allow', `    excepts: [${names.join(', ')}]\n`)));
  const effect = (...files: Parameters<typeof policiesOf>) => decide(policiesOf(...files), execute()).effect;

  it('answers the rule that it names, and no other', () => {
    assert.equal(effect(guard, mine('guard/ask')), 'allow');
    assert.equal(effect(guard, mine('guard/other')), 'require_approval');
    assert.equal(effect(guard, policyFile(file('more', rule('ask', 'require_approval'))), mine('guard/ask')), 'require_approval');
  });

  it('never answers a rule that denies, nor a rule of a repository', () => {
    const denied = decide(policiesOf(guard, mine('guard/ask', 'guard/never')), execute({ source: 'agent' }));
    assert.equal(denied.effect, 'deny');
    const theirs = policyFile(file('theirs', rule('ask', 'require_approval')), { origin: 'repository' });
    assert.equal(effect(guard, mine('guard/ask', 'theirs/ask'), theirs), 'require_approval');
  });

  it('counts only where its own condition holds', () => {
    const narrow = policyFile(
      file('mine', rule('allowed', 'allow', '    when: action.argv == ["npm", "publish"]\n    excepts: [guard/ask]\n')),
    );
    assert.equal(effect(guard, narrow), 'require_approval');
  });

  it('is refused in a repository, whether it is trusted or not', () => {
    const text = file('theirs', rule('allowed', 'allow', '    excepts: [guard/ask]\n'));
    const loaded = loadPolicies([guard, policyFile(text, { origin: 'repository', trusted: true })], hash);
    assert.deepEqual(!loaded.ok && loaded.problems.map(({ code, line }) => [code, line]), [['excepts', 8]]);
  });
});

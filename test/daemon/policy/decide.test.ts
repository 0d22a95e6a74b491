import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PolicySource } from '../../../daemon/policy/load.ts';
import { type Action, Decision, type Effect } from '../../../shared/state/action.ts';
import { decide, execute, IDLE, policiesOf, policyFile } from './fixtures.ts';

const STRICTNESS: Effect[] = ['allow', 'warn', 'require_approval', 'deny'];
const rank = (effect: Effect): number => STRICTNESS.indexOf(effect);
const BROKEN = 'action.argv[99] == "x"';

interface SketchedRule {
  effect: Effect;
  when?: string;
  more?: string;
}

interface Sketch extends Pick<PolicySource, 'origin' | 'trusted'> {
  rules: SketchedRule[];
  head: string;
}

function fileOf(name: string, rules: SketchedRule[], from: { head?: string } & Partial<PolicySource> = {}): PolicySource {
  const { head = '', ...origin } = from;
  const lines = rules.map(
    ({ effect, when, more }, index) =>
      `  - id: r${index}\n    on: [agent.execute]\n    effect: ${effect}\n    message: M${index}.\n${when === undefined ? '' : `    when: ${JSON.stringify(when)}\n`}${more ?? ''}`,
  );
  return policyFile(`policy: ${name}\nversion: 1\n${head}rules:${rules.length === 0 ? ' []' : ''}\n${lines.join('')}`, origin);
}

const effectOf = (files: PolicySource[], action: Action = execute()): Effect => decide(policiesOf(...files), action).effect;

describe('decision', () => {
  const table: [what: string, files: PolicySource[], effect: Effect][] = [
    ['nothing at all asks', [], 'require_approval'],
    ['an allow allows', [fileOf('a', [{ effect: 'allow' }])], 'allow'],
    ['a warn beats an allow', [fileOf('a', [{ effect: 'allow' }, { effect: 'warn' }])], 'warn'],
    ['a question beats a warn', [fileOf('a', [{ effect: 'require_approval' }, { effect: 'warn' }])], 'require_approval'],
    [
      'a denial beats all',
      [fileOf('a', [{ effect: 'allow' }, { effect: 'warn' }, { effect: 'require_approval' }, { effect: 'deny' }])],
      'deny',
    ],
    [
      'what does not match does not count',
      [fileOf('a', [{ effect: 'deny', when: 'action.source == "agent"' }, { effect: 'allow' }])],
      'allow',
    ],
    ['no match takes the default', [fileOf('a', [{ effect: 'deny', when: 'false' }], { head: 'default: allow\n' })], 'allow'],
    ['the strictest default counts', [fileOf('a', [], { head: 'default: allow\n' }), fileOf('b', [], { head: 'default: deny\n' })], 'deny'],
    ['a rule goes before a default', [fileOf('a', [{ effect: 'allow' }], { head: 'default: deny\n' })], 'allow'],
    ['a soft denial asks', [fileOf('a', [{ effect: 'deny' }], { head: 'enforcement: soft\n' })], 'require_approval'],
    [
      'a soft denial does not soften a default',
      [fileOf('a', [{ effect: 'deny' }], { head: 'enforcement: soft\n' }), fileOf('b', [], { head: 'default: deny\n' })],
      'deny',
    ],
    [
      'a policy that warns blocks nothing',
      [fileOf('a', [{ effect: 'deny' }], { head: 'enforcement: warn\n' }), fileOf('b', [{ effect: 'allow' }])],
      'warn',
    ],
    [
      'a policy that warns permits nothing',
      [fileOf('a', [{ effect: 'deny' }, { effect: 'allow' }], { head: 'enforcement: warn\n' })],
      'require_approval',
    ],
    ['a broken allow does not match', [fileOf('a', [{ effect: 'allow', when: BROKEN }], { head: 'default: deny\n' })], 'deny'],
    ['a broken denial denies', [fileOf('a', [{ effect: 'deny', when: BROKEN }, { effect: 'allow' }])], 'deny'],
    ['a broken question asks', [fileOf('a', [{ effect: 'require_approval', when: BROKEN }, { effect: 'allow' }])], 'require_approval'],
    [
      'a broken question does not soften a default',
      [fileOf('a', [{ effect: 'require_approval', when: BROKEN }], { head: 'default: deny\n' })],
      'deny',
    ],
    ['a broken warning warns', [fileOf('a', [{ effect: 'warn', when: BROKEN }, { effect: 'allow' }])], 'warn'],
    ['a broken warning permits nothing', [fileOf('a', [{ effect: 'warn', when: BROKEN }])], 'require_approval'],
    [
      'a trusted repository does not loosen a question',
      [
        fileOf('a', [{ effect: 'require_approval' }]),
        fileOf('r', [{ effect: 'allow' }], { origin: 'repository', head: 'default: allow\n' }),
      ],
      'require_approval',
    ],
    [
      'a trusted repository does not loosen a default',
      [fileOf('r', [{ effect: 'allow' }], { origin: 'repository', head: 'default: allow\n' })],
      'require_approval',
    ],
    [
      'a repository that nobody trusts denies',
      [fileOf('a', [{ effect: 'allow' }]), fileOf('r', [{ effect: 'deny' }], { origin: 'repository', trusted: false })],
      'deny',
    ],
    [
      'a default of a repository denies',
      [fileOf('a', [{ effect: 'allow' }]), fileOf('r', [], { origin: 'repository', trusted: false, head: 'default: deny\n' })],
      'deny',
    ],
    [
      'a rule of a repository goes before its own default',
      [fileOf('a', [{ effect: 'allow' }]), fileOf('r', [{ effect: 'allow' }], { origin: 'repository', head: 'default: deny\n' })],
      'allow',
    ],
  ];
  for (const [what, files, effect] of table) it(what, () => assert.equal(effectOf(files), effect));

  it('says which rule of which version decided, why, and on what values', () => {
    const file = fileOf('a', [
      {
        effect: 'require_approval',
        when: 'action.source == "repository"',
        more: '    severity: high\n    expires: 30m\n    approvers: [human]\n',
      },
      { effect: 'require_approval', more: '    expires: 5m\n' },
    ]);
    const policies = policiesOf(file);
    const decision = decide(policies, execute());
    assert.deepEqual(Decision.parse(decision), decision);
    assert.deepEqual(decision.obligations, { expiresMs: 300_000, approvers: ['human'] });
    assert.deepEqual(decision.reasons[0], {
      policy: 'a',
      version: policies.files[0]?.digest.slice(0, 12),
      rule: 'r0',
      effect: 'require_approval',
      message: 'M0.',
      severity: 'high',
      values: { source: 'repository' },
    });
    assert.match(
      decide(policiesOf(fileOf('a', [{ effect: 'deny', when: BROKEN }])), execute()).reasons[0]?.message ?? '',
      /^M0\. The condition could not be evaluated \(.*\), so the rule counts as matched\.$/,
    );
    assert.match(
      decide(policiesOf(fileOf('a', [{ effect: 'deny' }], { head: 'enforcement: soft\n' })), execute()).reasons[0]?.message ?? '',
      /soft/,
    );
    assert.match(decide(policiesOf(), execute()).reasons[0]?.message ?? '', /a person is asked/);
    assert.equal(
      decide(policiesOf(fileOf('a', [{ effect: 'deny', more: '    expires: 5m\n' }])), execute()).obligations.expiresMs,
      undefined,
    );
  });

  it('looks at how things stand, and says what it saw of that', () => {
    const policies = policiesOf(
      fileOf('a', [{ effect: 'deny', when: 'context.running.agent >= 2 && action.source != ""' }, { effect: 'allow' }]),
    );
    assert.equal(decide(policies, execute()).effect, 'allow');
    const { effect, reasons } = decide(policies, execute(), { ...IDLE, running: { agent: 2, tenant: 3, overall: 3 } });
    assert.deepEqual([effect, reasons[0]?.values], ['deny', { 'context.running.agent': 2, source: 'repository' }]);
  });

  it('does not name an allow rule that broke among its reasons', () => {
    const { reasons } = decide(policiesOf(fileOf('a', [{ effect: 'allow', when: BROKEN }])), execute());
    assert.deepEqual(
      reasons.map((reason) => reason.rule),
      ['default'],
    );
  });

  it('stays small enough for the record, whatever the action and however many rules', () => {
    const rules = Array.from(
      { length: 200 },
      (): SketchedRule => ({ effect: 'deny', when: 'size(action.argv) > 0 || size(action.commands) > 0 || action.cwd == ""' }),
    );
    const argv = Array.from({ length: 5_000 }, () => 'é'.repeat(500));
    const decision = decide(policiesOf(fileOf('a', rules)), execute({ argv, cwd: 'é'.repeat(5_000) }));
    assert.equal(decision.effect, 'deny');
    assert.ok(decision.reasons.length > 0 && Buffer.byteLength(JSON.stringify(decision)) < 4_000);
  });

  it('denies when a condition would take too long on a hostile action', () => {
    const rule: SketchedRule = { effect: 'deny', when: 'action.argv.exists(a, action.argv.exists(b, a == b + "x"))' };
    const argv = Array.from({ length: 20_000 }, (_, index) => String(index));
    assert.equal(effectOf([fileOf('a', [rule, { effect: 'allow' }])], execute({ argv })), 'deny');
    assert.equal(effectOf([fileOf('a', [rule, { effect: 'allow' }])]), 'allow');
  });
});

describe('decision, for all policies', () => {
  const when = fc.constantFrom(
    undefined,
    'true',
    'false',
    BROKEN,
    'action.source == "repository"',
    'action.source == "agent"',
    'action.commands.exists(c, c.program == "npm")',
  );
  const rule = fc
    .record({ effect: fc.constantFrom(...STRICTNESS), when })
    .map(({ effect, when: text }): SketchedRule => (text === undefined ? { effect } : { effect, when: text }));
  const head = fc.constantFrom(
    '',
    '',
    'default: allow\n',
    'default: require_approval\n',
    'default: deny\n',
    'enforcement: soft\n',
    'enforcement: warn\n',
    'enforcement: soft\ndefault: deny\n',
  );
  const sketch = fc.record({
    rules: fc.array(rule, { maxLength: 4 }),
    head,
    origin: fc.constantFrom('builtin' as const, 'user' as const, 'repository' as const),
    trusted: fc.boolean(),
  });
  const sketches = fc.array(sketch, { maxLength: 3 });
  const build = (list: readonly Sketch[]) => list.map(({ rules, ...from }, index) => fileOf(`p${index}`, rules, from));
  const action = fc.constantFrom(execute(), execute({ source: 'agent' }), execute({ commands: [], argv: ['x'] }));
  const denial = rule.map((each): SketchedRule => ({ ...each, effect: 'deny' }));

  it('one more deny rule never permits more, wherever and however enforced', () => {
    fc.assert(
      fc.property(
        sketches,
        action,
        denial,
        fc.constantFrom('', 'enforcement: soft\n', 'enforcement: warn\n'),
        (list, act, extra, enforcement) => {
          const before = effectOf(build(list), act);
          const after = effectOf([...build(list), fileOf('extra', [extra], { head: enforcement })], act);
          assert.ok(rank(after) >= rank(before), `${before} became ${after}`);
        },
      ),
      { numRuns: 120 },
    );
  });

  it('a repository never loosens, trusted or not', () => {
    fc.assert(
      fc.property(sketches, action, sketch, (list, act, repository) => {
        const host = build(list.map((each) => ({ ...each, origin: 'user' as const })));
        const before = effectOf(host, act);
        const after = effectOf(
          [
            ...host,
            ...build([{ ...repository, origin: 'repository' as const }]).map((file) => ({
              ...file,
              text: file.text.replace('policy: p0', 'policy: repo'),
            })),
          ],
          act,
        );
        assert.ok(rank(after) >= rank(before), `${before} became ${after}`);
      }),
      { numRuns: 120 },
    );
  });

  it('a condition that breaks never permits more than one that does not match or one that does', () => {
    fc.assert(
      fc.property(sketches, action, rule, (list, act, extra) => {
        const withCondition = (text: string) => rank(effectOf([...build(list), fileOf('extra', [{ ...extra, when: text }])], act));
        assert.ok(withCondition(BROKEN) >= Math.min(withCondition('true'), withCondition('false')));
        assert.ok(withCondition(BROKEN) >= withCondition('false'));
      }),
      { numRuns: 120 },
    );
  });

  it('the order of files and rules never matters', () => {
    fc.assert(
      fc.property(sketches, action, (list, act) => {
        // Rules keep their names when they move, so the reasons can be compared too.
        const files = build(list);
        const turned = [...files].reverse().map((file) => ({ ...file, text: turnRules(file.text) }));
        const strip = (decision: Decision) => ({
          ...decision,
          reasons: decision.reasons.map(({ version: _version, ...reason }) => reason),
        });
        assert.deepEqual(strip(decide(policiesOf(...turned), act)), strip(decide(policiesOf(...files), act)));
      }),
      { numRuns: 80 },
    );
  });
});

function turnRules(text: string): string {
  const [head = '', ...rules] = text.split(/^(?= {2}- )/m);
  return head + rules.reverse().join('');
}

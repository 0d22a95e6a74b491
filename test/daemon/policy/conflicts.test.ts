// Rules that contradict or shadow each other: what is found has a witness, and what is denied to exist does not.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { findConflicts, type Finding } from '../../../daemon/policy/conflicts/pairs.ts';
import { decideAction } from '../../../daemon/policy/decide.ts';
import type { Policies } from '../../../daemon/policy/rules.ts';
import { SimpleCommand } from '../../../shared/state/action.ts';
import { execute, IDLE, policiesOf, policyFile } from './fixtures.ts';

type Written = [effect: string, when?: string, more?: string];

function rules(written: readonly Written[], head = '', on = 'agent.execute'): Policies {
  const lines = written.map(
    ([effect, when, more = ''], i) =>
      `  - { id: r${i}, on: [${on}], effect: ${effect}, message: M.${when === undefined ? '' : `, when: ${JSON.stringify(when)}`}${more} }`,
  );
  return policiesOf(policyFile(`policy: p\nversion: 1\n${head}rules:\n${lines.join('\n')}\n`));
}

const short = ({ kind, first, second }: Finding): string => `${kind} ${first.rule}${second ? ` ${second.rule}` : ''}`;
const findAll = (policies: Policies): Finding[] => findConflicts(policies).findings;

const GIT = 'action.commands.exists(c, c.program == "git")';
const PUSH = 'action.commands.exists(c, c.program == "git" && c.subcommand == "push")';
const ALL = 'size(action.commands) > 0 && action.commands.all(c, c.program in ["git", "ls"])';

describe('conflicts of rules', () => {
  const table: [what: string, written: Written[], found: string[]][] = [
    [
      'a stricter rule inside of a looser one is an exception',
      [
        ['allow', GIT],
        ['deny', PUSH],
      ],
      ['exception r0 r1'],
    ],
    [
      'an allow inside of a deny never decides',
      [
        ['allow', PUSH],
        ['deny', GIT],
      ],
      ['shadowed r0 r1'],
    ],
    ['so does one beside a rule that always matches', [['allow', PUSH], ['require_approval']], ['shadowed r0 r1']],
    [
      'rules that overlap and disagree',
      [
        ['allow', ALL],
        ['deny', PUSH],
      ],
      ['contradiction r0 r1'],
    ],
    [
      'a question and a denial only overlap',
      [
        ['require_approval', GIT],
        ['deny', 'action.source == "agent"'],
      ],
      ['overlap r0 r1'],
    ],
    [
      'rules that have nothing in common',
      [
        ['allow', 'action.source == "agent"'],
        ['deny', 'action.source == "client"'],
      ],
      [],
    ],
    [
      'two of the same effect, one inside of the other',
      [
        ['deny', GIT],
        ['deny', PUSH],
      ],
      ['shadowed r1 r0'],
    ],
    [
      'but not when the inner one is graver',
      [
        ['deny', GIT],
        ['deny', PUSH, ', severity: critical'],
      ],
      [],
    ],
    [
      'or demands more',
      [
        ['require_approval', GIT],
        ['require_approval', PUSH, ', quorum: 2'],
      ],
      [],
    ],
    ['a rule that nothing can match', [['deny', 'action.source == "agent" && action.source == "client"']], ['unreachable r0']],
    ['no value of an enumeration is left', [['deny', '!(action.risk in ["none", "low", "medium", "high"])']], ['unreachable r0']],
    ['numbers that exclude each other', [['deny', 'context.running.overall > 8 && context.running.overall <= 8']], ['unreachable r0']],
    [
      'numbers that just meet',
      [
        ['allow', 'context.running.overall <= 8'],
        ['deny', 'context.running.overall >= 8'],
      ],
      ['contradiction r0 r1'],
    ],
    ['texts that cannot begin with both', [['deny', 'action.cwd.startsWith("a/") && action.cwd.startsWith("b/")']], ['unreachable r0']],
    [
      'what every element is, no element is not',
      [['deny', 'action.argv.all(a, a == "x") && action.argv.exists(a, a != "x")']],
      ['unreachable r0'],
    ],
    [
      'a list of two things may hold both',
      [
        ['allow', '"a" in action.argv'],
        ['deny', '"b" in action.argv'],
      ],
      ['contradiction r0 r1'],
    ],
    ['an empty list has no element', [['deny', 'size(action.commands) == 0 && action.commands.exists(c, c.opaque)']], ['unreachable r0']],
    [
      'what the analysis does not know is undecided',
      [
        ['allow', 'action.argv[0] == "x"'],
        ['deny', 'action.argv[0] == "x"'],
      ],
      ['undecided r0', 'undecided r1', 'undecided r0 r1'],
    ],
  ];
  for (const [what, written, found] of table) it(what, () => assert.deepEqual(findAll(rules(written)).map(short), found));

  it('looks at what a policy makes of its effects, and leaves alone what is excepted on purpose', () => {
    assert.deepEqual(
      findAll(
        rules(
          [
            ['allow', ALL],
            ['deny', PUSH],
          ],
          'enforcement: soft\n',
        ),
      )[0]?.second?.effect,
      'require_approval',
    );
    assert.deepEqual(
      findAll(
        rules([
          ['allow', PUSH, ', excepts: [p/r1]'],
          ['require_approval', GIT],
        ]),
      ),
      [],
    );
  });

  it('gives an action that both rules match, and the stricter one decides', () => {
    const written: Written[][] = [
      [
        ['allow', ALL],
        ['deny', PUSH],
      ],
      [
        ['allow', 'action.commands.all(c, c.options.all(o, o in ["-a", "-b"]))'],
        ['deny', 'action.commands.exists(c, "-a" in c.options && c.via.exists(v, v == "sudo"))'],
      ],
      [
        ['allow', 'action.commands.all(c, c.redirections.all(r, !r.writes || r.path.inside))'],
        ['deny', 'action.commands.exists(c, c.redirections.exists(r, r.writes && glob(r.path.relative, ".github/**")))'],
      ],
    ];
    for (const pair of written) {
      const policies = rules(pair);
      const [finding] = findAll(policies);
      assert.equal(finding?.kind, 'contradiction');
      assert.ok(finding.witness);
      const { effect, reasons } = decideAction(policies, finding.witness.action, finding.witness.context);
      assert.deepEqual([effect, reasons.map(({ rule }) => rule).sort()], ['deny', ['r0', 'r1']]);
    }
  });

  it('keeps the facts of a path together', () => {
    const outside = findAll(
      rules(
        [
          ['allow', 'action.paths.all(p, p.path.contains("x"))'],
          ['deny', 'action.paths.exists(p, !p.inside)'],
        ],
        '',
        'agent.edit',
      ),
    );
    const action = outside[0]?.witness?.action;
    assert.ok(action?.kind === 'agent.edit');
    for (const path of action.paths) assert.deepEqual([path.inside, path.relative, path.path.startsWith('/repo/')], [false, '', false]);
  });

  it('denies that rules meet only where no action at all meets them', () => {
    const text = fc.constantFrom('a', 'ab', 'b', '', 'a/b');
    const about = fc.constantFrom('c.program', 'c.subcommand');
    const atom = fc.oneof(
      fc.tuple(about, fc.constantFrom('==', '!='), text).map(([path, by, value]) => `${path} ${by} "${value}"`),
      fc.tuple(about, fc.constantFrom('startsWith', 'endsWith', 'contains'), text).map(([path, by, value]) => `${path}.${by}("${value}")`),
      fc.tuple(about, fc.array(text, { minLength: 1, maxLength: 2 })).map(([path, values]) => `${path} in ${JSON.stringify(values)}`),
      fc.tuple(about, fc.constantFrom('a*', '*b', 'a/**', '?')).map(([path, pattern]) => `glob(${path}, "${pattern}")`),
      fc.constantFrom('c.opaque', '!c.opaque', '"a" in c.args', 'c.args.all(x, x == "b")', 'size(c.args) > 1'),
    );
    const body = fc
      .tuple(fc.array(atom, { minLength: 1, maxLength: 3 }), fc.constantFrom(' && ', ' || '))
      .map(([atoms, by]) => atoms.join(by));
    const condition = fc
      .tuple(fc.constantFrom('exists', 'all'), body, fc.boolean())
      .map(([loop, inside, not]) => `${not ? '!' : ''}action.commands.${loop}(c, ${inside})`);
    const command = fc
      .record({ program: text, subcommand: text, opaque: fc.boolean(), args: fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }) })
      .map((fields) => SimpleCommand.parse({ options: [], ...fields }));
    const commands = fc.array(command, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(condition, condition, fc.array(commands, { minLength: 20, maxLength: 20 }), (first, second, lines) => {
        const policies = rules([
          ['allow', first],
          ['deny', second],
        ]);
        const findings = findAll(policies).map(short);
        const seen = lines.map((line) => {
          const matched = new Set(decideAction(policies, execute({ commands: line }), IDLE).reasons.map(({ rule }) => rule));
          return [matched.has('r0'), matched.has('r1')];
        });
        const both = seen.some(([a, b]) => a && b);
        const alone = seen.some(([a, b]) => a && !b);
        const other = seen.some(([a, b]) => !a && b);
        if (seen.some(([a]) => a)) assert.ok(!findings.includes('unreachable r0'), first);
        if (both)
          assert.ok(
            findings.some((finding) => finding.endsWith('r0 r1')),
            `${first} / ${second}`,
          );
        if (alone) assert.ok(!findings.includes('shadowed r0 r1'), `${first} / ${second}`);
        if (other) assert.ok(!findings.includes('exception r0 r1'), `${first} / ${second}`);
      }),
      { numRuns: 60 },
    );
  });
});

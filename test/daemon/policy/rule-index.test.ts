// The index and the quick look are only ways to be sooner: what is decided is what it is without them.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideAction } from '../../../daemon/policy/decide.ts';
import { contextFor } from '../../../daemon/policy/load.ts';
import { compileCondition } from '../../../daemon/policy/condition.ts';
import { indexRules, listDemands, pickRules } from '../../../daemon/policy/rule-index.ts';
import type { Policies } from '../../../daemon/policy/rules.ts';
import { type Action, ACTION_KINDS, SimpleCommand } from '../../../shared/state/action.ts';
import type { DecisionContext } from '../../../shared/state/decision-context.ts';
import { execute, IDLE, policiesOf, policyFile } from './fixtures.ts';

/** The same policies as an engine without an index and without a quick look has them. */
function withoutIndex(policies: Policies): Policies {
  const slow = Object.fromEntries(
    ACTION_KINDS.map((kind) => [
      kind,
      policies.byKind[kind].map(({ condition, ...rule }) =>
        condition ? { ...rule, condition: { ...condition, quick: () => undefined } } : rule,
      ),
    ]),
  ) as unknown as Policies['byKind'];
  const indexes = Object.fromEntries(
    ACTION_KINDS.map((kind) => [kind, { all: slow[kind], always: slow[kind], paths: [], longest: Infinity }]),
  ) as unknown as Policies['indexes'];
  return { ...policies, byKind: slow, indexes };
}

const word = fc.constantFrom('git', 'npm', 'push', 'main', 'x', '-f', '');
const text = fc.constantFrom('action.source', 'action.cwd', 'action.base', 'context.agent.status', '"git"');
const ofCommand = fc.constantFrom('c.program', 'c.subcommand', 'c.cwd');
const quoted = word.map((each) => JSON.stringify(each));
const list = fc.array(quoted, { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(', ')}]`);
const number = fc.constantFrom('size(action.argv)', 'context.running.agent', 'action.argv.size()', '2', '1.5', 'context.stages.rate');
const sign = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const glob = fc.constantFrom('*', 'g?t', '**/a', 'm*n').map((pattern) => JSON.stringify(pattern));

/** Conditions about a simple command `c`. */
const inner = fc.letrec<{ test: string }>((tie) => ({
  test: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(ofCommand, fc.constantFrom('==', '!='), quoted).map((parts) => parts.join(' ')),
    fc.tuple(quoted, ofCommand).map(([value, path]) => `${value} == ${path}`),
    fc.tuple(ofCommand, list).map(([path, values]) => `${path} in ${values}`),
    quoted.map((value) => `${value} in c.args`),
    fc.constantFrom('c.opaque', '!c.inline', 'size(c.args) > 1', 'c.args[1] == "x"', 'c.program == action.source'),
    quoted.map((value) => `c.args.exists(a, a == ${value} || a.startsWith("-"))`),
    quoted.map((value) => `c.args.exists(c, c == ${value})`),
    glob.map((pattern) => `glob(c.program, ${pattern})`),
    fc.tuple(tie('test'), tie('test')).map(([a, b]) => `(${a} && ${b})`),
    fc.tuple(tie('test'), tie('test')).map(([a, b]) => `(${a} || ${b})`),
    tie('test').map((a) => `!(${a})`),
  ),
})).test;

const condition = fc.letrec<{ test: string }>((tie) => ({
  test: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(text, fc.constantFrom('==', '!='), quoted).map((parts) => parts.join(' ')),
    fc.tuple(text, list).map(([path, values]) => `${path} in ${values}`),
    fc.tuple(quoted, fc.constantFrom('action.argv', 'context.agent.tags')).map(([value, path]) => `${value} in ${path}`),
    fc.tuple(number, sign, fc.constantFrom('1', '2.0', 'context.running.overall')).map((parts) => parts.join(' ')),
    fc.constantFrom('action.argv[1] == "push"', 'action.argv[9] == "x"', 'host(action.base) == "x"', 'true', 'false', 'action.cwd < "n"'),
    inner.map((body) => `action.commands.exists(c, ${body})`),
    inner.map((body) => `action.commands.all(c, ${body})`),
    inner.map((body) => `action.commands.exists_one(c, ${body})`),
    inner.map((body) => `action.commands.filter(c, ${body}).size() > 0`),
    fc.tuple(tie('test'), tie('test')).map(([a, b]) => `(${a} && ${b})`),
    fc.tuple(tie('test'), tie('test')).map(([a, b]) => `(${a} || ${b})`),
    fc.tuple(tie('test'), tie('test'), tie('test')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('test').map((a) => `!(${a})`),
  ),
})).test;

const command = fc.record({ program: word, args: fc.array(word, { maxLength: 3 }), subcommand: word, opaque: fc.boolean() });
const action = fc
  .record({
    commands: fc.array(command, { maxLength: 3 }),
    argv: fc.array(word, { minLength: 1, maxLength: 3 }),
    source: fc.constantFrom('agent' as const, 'client' as const),
    base: word,
    cwd: word,
  })
  .map(
    ({ commands, ...rest }): Action =>
      execute({ ...rest, commands: commands.map((each) => SimpleCommand.parse({ ...each, options: [] })) }),
  );
const standing = fc
  .record({ agent: fc.nat(3), overall: fc.nat(3), status: fc.constantFrom('', 'ready', 'x'), tags: fc.array(word, { maxLength: 2 }) })
  .map(
    ({ agent, overall, status, tags }): DecisionContext => ({
      ...IDLE,
      running: { agent, tenant: overall, overall },
      agent: { ...IDLE.agent, status, tags },
    }),
  );
const rule = fc.record({ when: condition, effect: fc.constantFrom('allow', 'warn', 'require_approval', 'deny') });

const fileOf = (rules: { when: string; effect: string }[]) =>
  policyFile(
    `policy: p\nversion: 1\nrules:\n${rules
      .map(({ when, effect }, n) => `  - {id: r${n}, on: [agent.execute], effect: ${effect}, message: M., when: ${JSON.stringify(when)}}\n`)
      .join('')}`,
  );

describe('the index over the rules', () => {
  it('changes no decision, for all rules and actions', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(action, standing), { minLength: 8, maxLength: 8 }),
        (rules, cases) => {
          const policies = policiesOf(fileOf(rules));
          const slow = withoutIndex(policies);
          for (const [each, context] of cases) assert.deepEqual(decideAction(policies, each, context), decideAction(slow, each, context));
        },
      ),
      { numRuns: 150 },
    );
  });

  const demands: [source: string, expected: string][] = [
    ['action.source == "agent"', 'source=agent'],
    ['"agent" == action.source', 'source=agent'],
    ['action.source in ["agent", "client"]', 'source=agent|client'],
    ['"push" in action.argv', 'argv[]=push'],
    ['action.commands.exists(c, c.program == "git" && c.opaque)', 'commands[].program=git commands[].opaque=true'],
    ['action.commands.exists(c, "-f" in c.args)', 'commands[].args[]=-f'],
    ['action.commands.exists(c, c.args.exists(c, c == "-f"))', 'commands[].args[]=-f'],
    ['action.commands.exists(c, !c.inline)', 'commands[].inline=false'],
    ['action.source == "agent" || action.source == "client"', 'source=agent|client'],
    ['action.source == "agent" || action.cwd == "x"', ''],
    ['action.source == "agent" || size(action.argv) > 1', ''],
    ['!(action.source == "agent")', ''],
    ['action.commands.all(c, c.program == "git")', ''],
    ['action.source != "agent"', ''],
    ['context.agent.status == "ready"', ''],
    ['size(action.argv) > 3 && action.base == "b"', 'base=b'],
  ];
  for (const [source, expected] of demands)
    it(`knows what ${source} demands`, () => {
      const compiled = compileCondition(source, contextFor('agent.execute'));
      assert.ok(compiled.ok);
      const told = compiled.condition.demands.map(({ path, values }) => `${path}=${values.join('|')}`).join(' ');
      assert.equal(told, expected);
    });

  it('leaves out what cannot match, and puts each rule where the fewest are', () => {
    const of = (path: string, ...values: string[]) => ({ condition: { demands: [{ path, values }], longest: Infinity } });
    const both = { condition: { demands: [...of('a', 'x').condition.demands, ...of('b', 'y').condition.demands], longest: Infinity } };
    const rules = [of('a', 'x'), of('a', 'x'), both, of('a', 'z', 'x'), {}];
    const index = indexRules(rules);
    const picked = (value: unknown) => pickRules(index, value, 1).map((each) => rules.indexOf(each));
    assert.deepEqual(picked({ a: 'x', b: '' }), [4, 0, 1, 3]);
    assert.deepEqual(picked({ a: 'x', b: 'y' }), [4, 0, 1, 3, 2]);
    assert.deepEqual(picked({ a: 'z', b: '' }), [4, 3]);
    assert.deepEqual(picked({}), [4]);
  });

  it('asks every rule where an action is so large that a condition could be too much work', () => {
    const index = indexRules([{ condition: { demands: [{ path: 'a', values: ['x'] }], longest: 10 } }]);
    assert.deepEqual([pickRules(index, { a: '' }, 10).length, pickRules(index, { a: '' }, 11).length], [0, 1]);
  });

  it('lists demands of the syntax tree alone', () => {
    const { ast } = contextFor('agent.edit').environment.parse('action.paths.exists(p, p.git && p.relative == "a")');
    assert.deepEqual(listDemands(ast), [
      { path: 'paths[].git', values: [true] },
      { path: 'paths[].relative', values: ['a'] },
    ]);
  });
});

import assert from 'node:assert/strict';
import { ACTION_FIELDS, type Fields } from '../../../daemon/policy/action-types.ts';
import { compileCondition, type Condition, defineContext, evaluateCondition, findLongestList } from '../../../daemon/policy/condition.ts';
import { ACTION_KINDS, Action } from '../../../shared/state/action.ts';
import { IDLE, sampleOf } from './fixtures.ts';

const FIELDS: Fields = {
  retries: 'double',
  coverage: 'double',
  name: 'string',
  names: { list: 'string' },
  parts: { list: { label: 'string', tags: { list: 'string' } } },
};
const CONTEXT = defineContext(FIELDS);
const VALUE = { retries: 3, coverage: 80, name: 'abc', names: ['x', 'y'], parts: [{ label: 'p', tags: ['t'] }] };

const evaluate = (condition: Condition, action: unknown, longest: number) =>
  evaluateCondition(condition, { action, context: IDLE }, longest);

function compile(source: string): Condition {
  const compiled = compileCondition(source, CONTEXT);
  assert.ok(compiled.ok, `${source}: ${JSON.stringify(compiled)}`);
  return compiled.condition;
}

describe('conditions', () => {
  const truths: [source: string, value: boolean][] = [
    ['action.retries + 1 > 3', true],
    ['1 + action.retries > 4', false],
    ['action.retries % 2 == 1', true],
    ['action.coverage == 80', true],
    ['80 == action.coverage', true],
    ['action.coverage != 81', true],
    ['action.coverage / 2 <= 40', true],
    ['action.retries * 2 - 1 >= 5', true],
    ['action.coverage in [80.0, 90.0]', true],
    ['size(action.names) > 1', true],
    ['action.parts.exists(p, p.label == "p" && "t" in p.tags)', true],
    ['action.names.filter(n, n == "z").all(n, n == "y")', true],
    ['glob(action.name, "a*")', true],
    ['within("/a/b", "/a")', true],
    ['host("https://x.example/") == "x.example"', true],
    ['action.name.startsWith("a") && !action.name.endsWith("a")', true],
  ];
  for (const [source, value] of truths)
    it(`${source} is ${value}`, () => assert.deepEqual(evaluate(compile(source), VALUE, 2), { ok: true, value }));

  const refused: [source: string, start: number, says: RegExp, hint?: RegExp][] = [
    ['action.name.matches("^(a+)+$")', 0, /`matches` cannot be used/, /glob/],
    ['action.nope == 1', 7, /nope/],
    ['action.parts.exists(p, p.nope == "")', 25, /nope/],
    ['nope == 1', 0, /nope/],
    ['action.name ==', 14, /EOF/],
    ['action.name', 0, /a condition is true or false, but this is a string/i],
    ['action.name == 1', 0, /overload/],
    ['action.coverage in [80, 90]', 0, /double in list<int>/, /80\.0/],
    ['true && [].all(e, e > 0)', 0, /overlaps with/, /empty list/],
    ['dyn(action).nope == 1', 0, /`dyn` cannot/, /types/],
    ['has(action.name)', 0, /`has` cannot/, /always there/],
    ['cel.bind(x, "a", x == "a")', 0, /`bind` cannot/],
    ['timestamp("2020-01-01T00:00:00Z") < timestamp("2021-01-01T00:00:00Z")', 0, /`timestamp` cannot/],
    ['action.name.split("") == ["a"]', 0, /`split` cannot/],
    ['action.name.startWith("a")', 0, /`startWith` cannot/, /`startsWith`/],
    ['glob(action.name, action.name)', 18, /pattern of `glob`/],
    [`glob(action.name, "${'a'.repeat(257)}")`, 18, /256/],
    ['action.names.all(a, action.names.all(b, action.names.all(c, a == b && b == c)))', 40, /nested/],
    [`true${' && true'.repeat(300)}`, 0, /./],
    ['('.repeat(40) + 'true' + ')'.repeat(40), 0, /./],
    ['a'.repeat(4_001), 0, /4000 characters/],
  ];
  for (const [source, start, says, hint] of refused)
    it(`refuses ${source.slice(0, 60)}`, () => {
      const compiled = compileCondition(source, CONTEXT);
      assert.ok(!compiled.ok);
      assert.match(compiled.problems[0]?.message ?? '', says);
      if (hint !== undefined) assert.match(compiled.problems[0]?.hint ?? '', hint);
      if (source.length < 300 && !source.startsWith('(')) assert.equal(compiled.problems[0]?.start, start);
    });

  it('fails instead of running long', () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `n${index}`);
    const squared = compile('action.names.all(a, action.names.exists(b, a == b))');
    assert.match(JSON.stringify(evaluate(squared, { ...VALUE, names }, 3_000)), /too many/);
    assert.deepEqual(evaluate(squared, VALUE, 2), { ok: true, value: true });
    // A literal list inside the loop is not the long one.
    const literal = compile('action.names.exists(a, ["x/", "y/"].exists(b, a.startsWith(b)))');
    assert.deepEqual(evaluate(literal, { ...VALUE, names }, 3_000), { ok: true, value: false });
    assert.match(JSON.stringify(evaluate(compile('action.names.all(a, action.names == action.names)'), VALUE, 3_000)), /too many/);
    assert.match(JSON.stringify(evaluate(compile('action.names.all(a, a in action.names)'), VALUE, 3_000)), /too many/);
    assert.equal(findLongestList({ a: [[1, 2, 3]], b: { c: [1] } }), 3);
  });

  it('answers an error as a value', () => {
    for (const source of ['within(action.name + "/..", "/")', 'action.names[7] == "x"', 'host(action.name) == ""', '1 / 0 == 1'])
      assert.equal(evaluate(compile(source), VALUE, 2).ok, false, source);
  });

  it('knows what a condition looks at', () => {
    assert.deepEqual(compile('action.parts.exists(p, p.label == action.name) && action.retries > 1 && action.name != ""').mentions, [
      'name',
      'parts',
      'retries',
    ]);
  });

  it('has a complete type for every kind of action, and every sample has every field', () => {
    const samples = ACTION_KINDS.map(sampleOf);
    for (const sample of samples) {
      assert.deepEqual(Action.parse(sample), sample);
      assert.deepEqual(Object.keys(ACTION_FIELDS[sample.kind]).sort(), Object.keys(sample).sort());
      const context = defineContext(ACTION_FIELDS[sample.kind]);
      // Each field, compared with itself, type-checks and evaluates: nothing is absent.
      for (const field of Object.keys(ACTION_FIELDS[sample.kind])) {
        const compiled = compileCondition(`action.${field} == action.${field}`, context);
        assert.ok(compiled.ok, `${sample.kind} ${field} ${JSON.stringify(compiled)}`);
        assert.deepEqual(evaluate(compiled.condition, sample, 1), { ok: true, value: true }, `${sample.kind} ${field}`);
      }
    }
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadPolicies, type PolicySource, type Problem } from '../../../daemon/policy/load.ts';
import { hash, policiesOf, policyFile } from './fixtures.ts';

const MARK = '§';
const HEAD = 'policy: p\nversion: 1\nrules:\n';
const RULE = `${HEAD}  - id: a\n    on: [agent.execute]\n    effect: deny\n    message: No.\n`;

function readMarked(marked: string): { text: string; places: string[] } {
  const places: string[] = [];
  const lines = marked.split('\n').map((line, index) => {
    let rest = line;
    for (let at = rest.indexOf(MARK); at >= 0; at = rest.indexOf(MARK)) {
      places.push(`${index + 1}:${at + 1}`);
      rest = rest.replace(MARK, '');
    }
    return rest;
  });
  return { text: lines.join('\n'), places };
}

function problemsOf(...files: PolicySource[]): Problem[] {
  const loaded = loadPolicies(files, hash);
  return loaded.ok ? [] : loaded.problems;
}

const BROKEN: { what: string; text: string; codes: string[]; hint?: RegExp; says?: RegExp }[] = [
  { what: 'a file that is no YAML', text: 'policy: [§', codes: ['syntax'] },
  { what: 'a file without name', text: '§version: 1\nrules: []\n', codes: ['missing-key'] },
  { what: 'a name with capitals', text: 'policy: §P\nversion: 1\n', codes: ['invalid-value'] },
  { what: 'a version of zero', text: 'policy: p\nversion: §0\n', codes: ['invalid-value'] },
  { what: 'an unknown key', text: 'policy: p\nversion: 1\n§enforcment: hard\n', codes: ['unknown-key'], hint: /`enforcement`/ },
  { what: 'an unknown enforcement', text: 'policy: p\nversion: 1\nenforcement: §strict\n', codes: ['invalid-value'] },
  { what: 'an unknown default', text: 'policy: p\nversion: 1\ndefault: §ask\n', codes: ['invalid-value'], says: /`require_approval`/ },
  {
    what: 'a default of a policy that only warns',
    text: 'policy: p\nversion: 1\nenforcement: warn\n§default: deny\n',
    codes: ['no-default'],
  },
  { what: 'rules that are no list', text: 'policy: p\nversion: 1\nrules: §{ a: 1 }\n', codes: ['invalid-value'] },
  { what: 'a rule that is text', text: `${HEAD}  - §deny all\n`, codes: ['invalid-value'] },
  { what: 'a rule without message', text: `${HEAD}  - §id: a\n    on: [agent.edit]\n    effect: deny\n`, codes: ['missing-key'] },
  {
    what: 'an unknown action',
    text: `${HEAD}  - id: a\n    on: [§agent.exec]\n    effect: deny\n    message: No.\n`,
    codes: ['invalid-value'],
  },
  {
    what: 'an action that is near',
    text: `${HEAD}  - id: a\n    on: [§agent.edti]\n    effect: deny\n    message: No.\n`,
    codes: ['invalid-value'],
    says: /Did you mean `agent\.edit`/,
  },
  { what: 'a rule on nothing', text: `${HEAD}  - id: a\n    on: §[]\n    effect: deny\n    message: No.\n`, codes: ['invalid-value'] },
  {
    what: 'an unknown effect',
    text: `${HEAD}  - id: a\n    on: [agent.edit]\n    effect: §block\n    message: No.\n`,
    codes: ['invalid-value'],
  },
  { what: 'a misspelt when', text: `${RULE}    §wehn: "true"\n`, codes: ['unknown-key'], hint: /`when`/ },
  { what: 'a when that is a boolean', text: `${RULE}    when: §true\n`, codes: ['invalid-value'] },
  { what: 'an approver that is no name', text: `${RULE}    approvers: [§"Anna B"]\n`, codes: ['invalid-value'] },
  { what: 'a quorum that those who may cannot reach', text: `${RULE}    approvers: [anna, anna]\n    §quorum: 2\n`, codes: ['quorum'] },
  { what: 'an escalation without a person', text: `${RULE}    escalate: §{ peer: 30m }\n`, codes: ['missing-key'] },
  { what: 'an exception by a rule that asks', text: `${RULE}    §excepts: [default/merge]\n`, codes: ['excepts'] },
  {
    what: 'an expiry for a rule that asks nobody',
    text: `${HEAD}  - id: a\n    on: [agent.edit]\n    effect: allow\n    message: Yes.\n    §expires: 5m\n`,
    codes: ['no-approval'],
  },
  { what: 'a bad expiry', text: `${RULE}    expires: §soon\n`, codes: ['invalid-value'] },
  { what: 'two rules of one id', text: `${RULE}  - { id: §a, on: [agent.edit], effect: deny, message: No. }\n`, codes: ['duplicate-rule'] },
  { what: 'a field that no action has', text: `${RULE}    when: action.§nope == "x"\n`, codes: ['condition'] },
  {
    what: 'a field that another kind has',
    text: `${RULE}    when: action.source == "x" && size(action.§paths) > 0\n`,
    codes: ['condition'],
  },
  {
    what: 'an error in double quotes with escapes',
    text: `${RULE}    when: "action.source == \\"x\\" && action.§nope == \\"y\\""\n`,
    codes: ['condition'],
  },
  {
    what: 'an error in single quotes with quotes',
    text: `${RULE}    when: '"it''s" == action.source && action.§nope == ""'\n`,
    codes: ['condition'],
  },
  {
    what: 'an error in a literal block',
    text: `${RULE}    when: |\n      action.source == "x"\n        && action.§nope == "y"\n`,
    codes: ['condition'],
  },
  {
    what: 'an error in a folded block with a comment',
    text: `${RULE}    when: >- # why\n      action.source == "x"\n\n      && action.§nope == "y"\n`,
    codes: ['condition'],
  },
  {
    what: 'an error in a plain text of two lines',
    text: `${RULE}    when: action.source == "x"\n      && action.§nope == "y"\n`,
    codes: ['condition'],
  },
  { what: 'a condition that ends early', text: `${RULE}    when: action.source ==§\n`, codes: ['condition'] },
  { what: 'a condition that is no condition', text: `${RULE}    when: §action.source\n`, codes: ['condition'], says: /this is a string/ },
  {
    what: 'a regular expression',
    text: `${RULE}    when: action.source == "x" || §action.cwd.matches("^(a+)+$")\n`,
    codes: ['condition'],
    hint: /glob/,
  },
  {
    what: 'loops three deep',
    text: `${RULE}    when: action.argv.all(a, action.argv.all(b, §action.argv.all(c, a == b && b == c)))\n`,
    codes: ['condition'],
  },
  {
    what: 'a mistake in one rule beside one in another',
    text: `${RULE}    when: action.§nope == ""\n  - id: b\n    on: [agent.edit]\n    effect: §block\n    message: No.\n`,
    codes: ['condition', 'invalid-value'],
  },
];

describe('policy loader', () => {
  for (const { what, text: marked, codes, hint, says } of BROKEN)
    it(`places ${what}`, () => {
      const { text, places } = readMarked(marked);
      const problems = problemsOf(policyFile(text, { file: 'p.yaml' }));
      assert.deepEqual(
        problems.map(({ code, line, column }) => `${code} ${line}:${column}`),
        codes.map((code, index) => `${code} ${places[index]}`),
        JSON.stringify(problems, null, 1),
      );
      if (hint !== undefined) assert.match(problems[0]?.hint ?? '', hint);
      if (says !== undefined) assert.match(problems[0]?.message ?? '', says);
    });

  it('names the kind of action that a condition does not fit', () => {
    const text = `${HEAD}  - id: a\n    on: [agent.edit, agent.execute]\n    when: size(action.paths) > 0\n    effect: deny\n    message: No.\n`;
    const [problem, ...others] = problemsOf(policyFile(text));
    assert.equal(others.length, 0);
    assert.match(problem?.message ?? '', /^For agent\.execute: /);
  });

  it('refuses all files when one is broken, and names each by its file', () => {
    const problems = problemsOf(policyFile(RULE), policyFile('policy: b\n', { file: 'b.yaml' }), policyFile('x', { file: 'a.yaml' }));
    assert.deepEqual(
      problems.map((problem) => problem.file),
      ['a.yaml', 'b.yaml'],
    );
  });

  it('refuses two policies of one name, and blames the repository for it', () => {
    const problems = problemsOf(policyFile(RULE, { origin: 'repository', file: 'repo.yaml' }), policyFile(RULE, { file: 'user.yaml' }));
    assert.deepEqual(
      problems.map(({ code, file, line, column }) => [code, file, line, column]),
      [['duplicate-policy', 'repo.yaml', 1, 9]],
    );
  });

  it('lets a user replace a built-in policy, and says so', () => {
    const loaded = loadPolicies([policyFile(RULE, { origin: 'builtin' }), policyFile(RULE, { file: 'mine.yaml' })], hash);
    assert.ok(loaded.ok);
    assert.deepEqual(
      loaded.policies.files.map((file) => file.origin),
      ['user'],
    );
    assert.deepEqual(
      loaded.notices.map(({ code, file }) => [code, file]),
      [['replaces-builtin', 'mine.yaml']],
    );
  });

  it('takes only denials and questions from a repository that nobody trusts, and says what it left out', () => {
    const rule = (id: string, effect: string) => `  - { id: ${id}, on: [agent.edit], effect: ${effect}, message: M. }\n`;
    const text = `policy: p\nversion: 1\ndefault: allow\nrules:\n${rule('a', 'allow')}${rule('b', 'warn')}${rule('c', 'deny')}${rule('d', 'require_approval')}`;
    const load = (trusted: boolean, source = text) =>
      loadPolicies([policyFile(source, { origin: 'repository', trusted, file: 'r.yaml' })], hash);
    const untrusted = load(false);
    assert.ok(untrusted.ok);
    assert.deepEqual(
      untrusted.policies.byKind['agent.edit'].map((each) => each.id),
      ['c', 'd'],
    );
    assert.deepEqual(untrusted.policies.defaults, []);
    assert.deepEqual(
      untrusted.notices.map(({ code, line }) => [code, line]),
      [
        ['untrusted', 3],
        ['untrusted', 5],
        ['untrusted', 6],
      ],
    );
    const trusted = load(true);
    assert.ok(trusted.ok && trusted.notices.length === 0 && trusted.policies.byKind['agent.edit'].length === 4);
    const warning = load(false, text.replace('default: allow', 'enforcement: warn'));
    assert.ok(warning.ok && warning.policies.byKind['agent.edit'].length === 0 && warning.notices.length === 4);
  });

  it('loads the default policy clean and indexes it by kind', () => {
    const text = readFileSync(new URL('../../../daemon/policy/default.yaml', import.meta.url), 'utf8');
    const loaded = loadPolicies([{ text, file: 'default.yaml', origin: 'builtin', trusted: true }], hash);
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.deepEqual(loaded.notices, []);
    assert.deepEqual(
      loaded.policies.byKind['daemon.configure'].map((rule) => [rule.id, rule.version]),
      [['configure', hash(text).slice(0, 12)]],
    );
  });

  it('compiles what is given again only once, and says what is wrong with it each time', () => {
    const host = policyFile(
      'policy: host\nversion: 1\nrules: [{id: r, on: [agent.edit], when: action.repo == "a", effect: deny, message: M.}]\n',
    );
    const broken = policyFile('policy: own\nversion: 1\nrules: [{id: r, on: [agent.edit], effect: denny, message: M.}]\n');
    const conditionOf = () => policiesOf(host).byKind['agent.edit'][0]?.condition;
    assert.ok(conditionOf());
    assert.equal(conditionOf(), conditionOf());
    const problemsOf = () => loadPolicies([host, broken], hash);
    assert.equal(problemsOf().ok, false);
    assert.deepEqual(problemsOf(), problemsOf());
  });
});

// Long because: the table of broken files is one table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { loadWorkflow, type Problem } from '../../../daemon/workflow/load.ts';
import { WorkflowDefinition } from '../../../shared/state/workflow.ts';

const MARK = '§';
const HEAD = 'workflow: w\nversion: 1\nstages:\n';

/** Every `§` marks the place of a problem, in order; it is taken out before the text is read. */
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

function problemsOf(text: string): Problem[] {
  const loaded = loadWorkflow({ text, file: 'w.yaml' });
  return loaded.ok ? [] : loaded.problems;
}

interface Broken {
  what: string;
  text: string;
  codes: string[];
  hint?: string;
  says?: RegExp;
}

const BROKEN: Broken[] = [
  { what: 'an unclosed quote', text: 'workflow: "w§', codes: ['syntax'] },
  { what: 'a second document', text: 'workflow: w\n§---\nversion: 1\n', codes: ['syntax'] },
  { what: 'a tag', text: 'workflow: §!js w\nversion: 1\n', codes: ['syntax'] },
  { what: 'an empty file', text: '§', codes: ['invalid-value'] },
  { what: 'a list', text: '§- a\n', codes: ['invalid-value'] },
  { what: 'an alias of nothing', text: `${HEAD}  - id: a\n    agent: §*x\n`, codes: ['alias'] },
  { what: 'a key given twice', text: `${HEAD}  - id: a\n    agent: x\n    §agent: y\n`, codes: ['repeated-key'] },
  {
    what: 'an unknown key at the top',
    text: `workflow: w\nversion: 1\n§stage: []\nstages:\n  - { id: a, agent: x }\n`,
    codes: ['unknown-key'],
    hint: 'Did you mean `stages`?',
  },
  {
    what: 'an unknown key of a stage',
    text: `${HEAD}  - id: a\n    agent: x\n    §timout: 5m\n`,
    codes: ['unknown-key'],
    hint: 'Did you mean `timeout`?',
  },
  {
    what: 'two unknown keys',
    text: `${HEAD}  - id: a\n    §outptus: [x]\n    agent: x\n    §zzz: 1\n`,
    codes: ['unknown-key', 'unknown-key'],
    hint: 'Did you mean `outputs`?',
  },
  {
    what: 'an unknown key of a gate',
    text: `${HEAD}  - id: a\n    agent: x\n    outputs: [p.json]\n  - id: b\n    agent: x\n    needs: [a]\n    gate:\n      proposals: p.json\n      §proposal: p.json\n`,
    codes: ['unknown-key'],
    hint: 'Did you mean `proposals`?',
  },
  { what: 'no name', text: '§version: 1\nstages:\n  - { id: a, agent: x }\n', codes: ['missing-key'] },
  {
    what: 'a name that is not kebab',
    text: `workflow: §My_Flow\nversion: 1\nstages:\n  - { id: a, agent: x }\n`,
    codes: ['invalid-value'],
  },
  { what: 'a version that is text', text: `workflow: w\nversion: §"1"\nstages:\n  - { id: a, agent: x }\n`, codes: ['invalid-value'] },
  { what: 'no stages', text: 'workflow: w\nversion: 1\nstages: §[]\n', codes: ['invalid-value'] },
  { what: 'a stage without id', text: `${HEAD}  - §agent: x\n`, codes: ['missing-key'] },
  { what: 'an id with capitals', text: `${HEAD}  - id: §Scan\n    agent: x\n`, codes: ['invalid-value'] },
  { what: 'a reserved id', text: `${HEAD}  - id: §inputs\n    agent: x\n`, codes: ['reserved-id'] },
  { what: 'a stage that does nothing', text: `${HEAD}  - §id: a\n`, codes: ['no-work'] },
  {
    what: 'agent and merge',
    text: `${HEAD}  - { id: a, agent: x, worktree: own }\n  - id: b\n    needs: [a]\n    §agent: x\n    merge: { from: a }\n`,
    codes: ['not-for-merge'],
  },
  {
    what: 'a deliberation of one',
    text: `${HEAD}  - { id: a, prompt: p, deliberate: { agents: §[x], required_consensus: 0.7 } }\n`,
    codes: ['invalid-value'],
    says: /at least two deliberate/,
  },
  {
    what: 'a deliberation without a consensus, a topic, and with one who works beside it',
    text: `${HEAD}  - id: a\n    §agent: x\n    §deliberate: { agents: [x, y], required_consensus: 0.7 }\n`,
    codes: ['not-for-deliberation', 'no-topic'],
  },
  {
    what: 'a consensus beyond all',
    text: `${HEAD}  - { id: a, prompt: p, deliberate: { agents: [x, y], required_consensus: §70 } }\n`,
    codes: ['invalid-value'],
  },
  {
    what: 'a quorum beyond all, a name twice, and a member that is two',
    text: `${HEAD}  - id: a\n    prompt: p\n    deliberate:\n      agents: [x, §{ name: x, role: r }, §{ name: z, role: r, command: [z] }]\n      required_consensus: 0.7\n      quorum: §4\n`,
    codes: ['duplicate-member', 'member', 'quorum'],
  },
  {
    what: 'a member that is called like no vote',
    text: `${HEAD}  - { id: a, prompt: p, deliberate: { agents: [x, { name: §none, agent: y }], required_consensus: 0.7 } }\n`,
    codes: ['invalid-value'],
    says: /a vote for `none`/,
  },
  {
    what: 'a deliberation that makes a folder',
    text: `${HEAD}  - { id: a, prompt: p, §outputs: [designs/], deliberate: { agents: [x, y], required_consensus: 0.7 } }\n`,
    codes: ['deliberation-output'],
  },
  {
    what: 'a misspelt key of a deliberation',
    text: `${HEAD}  - { id: a, prompt: p, deliberate: { agents: [x, y], §required_consesus: 0.7, required_consensus: 1 } }\n`,
    codes: ['unknown-key'],
    hint: 'Did you mean `required_consensus`?',
  },
  {
    what: 'a deliberation whose own member signs it off',
    text: `${HEAD}  - { id: a, prompt: p, deliberate: { agents: [x, y], required_consensus: 0.7 }, §approvers: [y] }\n`,
    codes: ['own-approver'],
  },
  {
    what: 'a value of the context that nobody knows',
    text: `workflow: w\nversion: 1\ninputs: { code: { type: string } }\nstages:\n  - id: a\n    agent: x\n    prompt: §"Review {context.cod}"\n`,
    codes: ['unknown-context'],
    hint: 'Did you mean `code`?',
  },
  {
    what: 'the output of a stage before the first',
    text: `${HEAD}  - id: a\n    agent: x\n    prompt: §"Go on: {previous.output}"\n`,
    codes: ['no-previous'],
  },
  {
    what: 'another value of the stage before',
    text: `${HEAD}  - { id: a, agent: x }\n  - id: b\n    agent: x\n    needs: [a]\n    prompt: §"Go on: {previous.result}"\n`,
    codes: ['no-previous'],
  },
  {
    what: 'the output of a stage that is misspelt',
    text: `${HEAD}  - { id: review, agent: x }\n  - id: b\n    agent: x\n    needs: [review]\n    prompt: §"Go on: {reveiw.output}"\n`,
    codes: ['unknown-stage'],
    hint: 'Did you mean `review`?',
  },
  {
    what: 'the text of an output in a command',
    text: `${HEAD}  - { id: a, agent: x }\n  - id: b\n    agent: command\n    needs: [a]\n    command: [echo, §"{a.output}"]\n`,
    codes: ['only-in-prompt'],
  },
  {
    what: 'a cleanup that nobody does, and one that two do',
    text: `${HEAD}  - id: a\n    agent: x\n    §§cleanup: [shut-down, { name: wipe, agent: y, command: [rm] }]\n`,
    codes: ['cleanup', 'unbound-action'],
  },
  {
    what: 'a way to merge that there is not, and a check that is a shell line',
    text: `${HEAD}  - { id: a, agent: x, worktree: own }\n  - id: b\n    needs: [a]\n    merge: { from: a, how: §octopus, checks: [§npm test] }\n`,
    codes: ['invalid-value', 'invalid-value'],
    says: /write `merge`, `rebase` or `squash`/,
  },
  {
    what: 'a check of a merge that names a later stage',
    text: `${HEAD}  - { id: a, agent: x, worktree: own }\n  - id: b\n    needs: [a]\n    merge: { from: a, checks: [§"{c.argv}"] }\n  - { id: c, agent: x, needs: [b] }\n`,
    codes: ['not-needed'],
  },
  { what: 'a command without command', text: `${HEAD}  - id: a\n    §agent: command\n`, codes: ['no-command'] },
  { what: 'a command for another agent', text: `${HEAD}  - id: a\n    agent: x\n    §command: [ls]\n`, codes: ['only-for-command'] },
  {
    what: 'a command that is a shell line',
    text: `${HEAD}  - id: a\n    agent: command\n    command: §npm test\n`,
    codes: ['invalid-value'],
    says: /write a list/,
  },
  {
    what: 'a reference without quotes',
    text: `${HEAD}  - id: a\n    agent: command\n    command: §{scan.testCommand}\n`,
    codes: ['invalid-value'],
    says: /quoted/,
  },
  { what: 'a bad timeout', text: `${HEAD}  - id: a\n    agent: x\n    timeout: §five minutes\n`, codes: ['invalid-value'], says: /`30s`/ },
  { what: 'a timeout that is a number', text: `${HEAD}  - id: a\n    agent: x\n    timeout: §5\n`, codes: ['invalid-value'] },
  { what: 'a timeout of years', text: `${HEAD}  - id: a\n    agent: x\n    timeout: §999d\n`, codes: ['invalid-value'] },
  {
    what: 'a bad worktree',
    text: `${HEAD}  - id: a\n    agent: x\n    worktree: §{ form: b }\n`,
    codes: ['invalid-value'],
    says: /`none`, `own`/,
  },
  { what: 'a bad on_denied', text: `${HEAD}  - id: a\n    agent: x\n    on_denied: §ignore\n`, codes: ['invalid-value'] },
  { what: 'otherwise without when', text: `${HEAD}  - id: a\n    agent: x\n    §otherwise: Nothing.\n`, codes: ['no-when'] },
  { what: 'two stages of one id', text: `${HEAD}  - { id: a, agent: x }\n  - { id: §a, agent: x }\n`, codes: ['duplicate-stage'] },
  {
    what: 'an unknown need',
    text: `${HEAD}  - { id: scan, agent: x }\n  - { id: b, agent: x, needs: [§scna] }\n`,
    codes: ['unknown-stage'],
    hint: 'Did you mean `scan`?',
  },
  {
    what: 'a need named twice',
    text: `${HEAD}  - { id: a, agent: x }\n  - { id: b, agent: x, needs: [a, §a] }\n`,
    codes: ['repeated-need'],
  },
  { what: 'a stage that needs itself', text: `${HEAD}  - { id: a, agent: x, needs: [§a] }\n`, codes: ['cycle'], says: /a -> a\./ },
  {
    what: 'a cycle of two',
    text: `${HEAD}  - { id: a, agent: x, needs: [§b] }\n  - { id: b, agent: x, needs: [a] }\n`,
    codes: ['cycle'],
    says: /a -> b -> a\./,
  },
  {
    what: 'a cycle of three behind a stage',
    text: `${HEAD}  - { id: s, agent: x, needs: [a] }\n  - { id: a, agent: x, needs: [§b] }\n  - { id: b, agent: x, needs: [c] }\n  - { id: c, agent: x, needs: [a] }\n`,
    codes: ['cycle'],
    says: /a -> b -> c -> a\./,
  },
  {
    what: 'two cycles',
    text: `${HEAD}  - { id: a, agent: x, needs: [§a] }\n  - { id: b, agent: x, needs: [§b] }\n`,
    codes: ['cycle', 'cycle'],
  },
  {
    what: 'an artifact of nobody',
    text: `${HEAD}  - { id: a, agent: x, outputs: [findings.json] }\n  - { id: b, agent: x, needs: [a], inputs: [§finding.json] }\n`,
    codes: ['unknown-artifact'],
    hint: 'Did you mean `findings.json`?',
  },
  {
    what: 'an artifact of two',
    text: `${HEAD}  - { id: a, agent: x, outputs: [o.json] }\n  - { id: b, agent: x, outputs: [§o.json] }\n`,
    codes: ['duplicate-output'],
  },
  { what: 'an artifact that is a path', text: `${HEAD}  - { id: a, agent: x, outputs: [§../o.json] }\n`, codes: ['invalid-value'] },
  {
    what: 'an input that is not waited for',
    text: `${HEAD}  - { id: a, agent: x, outputs: [o.json] }\n  - { id: b, agent: x, inputs: [§o.json] }\n`,
    codes: ['not-needed'],
    says: /add `a` to its `needs`/,
  },
  {
    what: 'a value that is not waited for',
    text: `${HEAD}  - { id: a, agent: x }\n  - { id: b, agent: x, when: §a.ready }\n`,
    codes: ['not-needed'],
  },
  { what: 'a value of nobody', text: `${HEAD}  - { id: a, agent: x, when: §b.ready }\n`, codes: ['unknown-stage'] },
  { what: 'a when that is no reference', text: `${HEAD}  - { id: a, agent: x, when: §ready }\n`, codes: ['invalid-value'] },
  {
    what: 'a template of nobody',
    text: `${HEAD}  - id: a\n    agent: command\n    command:\n      - echo\n      - §"{scan.x}"\n`,
    codes: ['unknown-stage'],
  },
  {
    what: 'a template in the environment',
    text: `${HEAD}  - id: a\n    agent: command\n    command: [env]\n    env:\n      X: §"{scan.x}"\n`,
    codes: ['unknown-stage'],
  },
  {
    what: 'a variable with a bad name',
    text: `${HEAD}  - id: a\n    agent: command\n    command: [env]\n    env:\n      §A-B: x\n`,
    codes: ['invalid-key'],
  },
  {
    what: 'an unknown input of the run',
    text: `workflow: w\nversion: 1\ninputs:\n  target: { type: string }\nstages:\n  - { id: a, agent: x, when: §inputs.tarket }\n`,
    codes: ['unknown-input'],
    hint: 'Did you mean `target`?',
  },
  {
    what: 'a default of another type',
    text: `workflow: w\nversion: 1\ninputs:\n  target: { type: string, default: §3 }\nstages:\n  - { id: a, agent: x }\n`,
    codes: ['wrong-default'],
  },
  {
    what: 'a worktree from a stage that has none',
    text: `${HEAD}  - { id: a, agent: x }\n  - { id: b, agent: x, needs: [a], worktree: { from: §a } }\n`,
    codes: ['no-worktree'],
  },
  {
    what: 'a merge from a later stage',
    text: `${HEAD}  - { id: a, merge: { from: §b } }\n  - { id: b, agent: x, worktree: own, needs: [a] }\n`,
    codes: ['not-needed'],
  },
  {
    what: 'a gate on its own output',
    text: `${HEAD}  - { id: a, agent: x, outputs: [p.json], gate: { proposals: §p.json } }\n`,
    codes: ['not-needed'],
  },
  {
    what: 'a mistake in one stage beside a mistake in another',
    text: `${HEAD}  - { id: a, agent: x, §tmeout: 5m }\n  - { id: b, agent: x, needs: [a, §c] }\n`,
    codes: ['unknown-key', 'unknown-stage'],
  },
];

describe('workflow loader', () => {
  for (const { what, text: marked, codes, hint, says } of BROKEN)
    it(`places ${what}`, () => {
      const { text, places } = readMarked(marked);
      const problems = problemsOf(text);
      assert.deepEqual(
        problems.map(({ code, line, column }) => `${code} ${line}:${column}`),
        codes.map((code, index) => `${code} ${places[index]}`),
        JSON.stringify(problems, null, 1),
      );
      assert.ok(problems.every((problem) => problem.file === 'w.yaml'));
      if (hint !== undefined) assert.equal(problems[0]?.hint, hint);
      if (says !== undefined) assert.match(problems[0]?.message ?? '', says);
    });

  it('refuses an alias bomb, a deep file, a large file and too many stages, each in bounded time', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...[...'bcdefghi'].map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`),
    ].join('\n');
    assert.deepEqual(
      problemsOf(bomb).map((problem) => problem.code),
      ['alias'],
    );
    // Brackets in this number made V8 abort the whole process, not throw.
    for (const opener of ['[', '{', '- ', '? ', '[ #]\n'])
      assert.deepEqual(
        problemsOf(opener.repeat(30_000)).map((problem) => problem.code),
        ['too-deep'],
        opener,
      );
    assert.deepEqual(
      problemsOf(Array.from({ length: 300 }, (_, index) => `${' '.repeat(index)}a:`).join('\n')).map((problem) => problem.code),
      ['too-deep'],
    );
    assert.deepEqual(
      problemsOf('# '.padEnd(256 * 1024 + 1, 'x')).map((problem) => problem.code),
      ['too-large'],
    );
    assert.deepEqual(
      problemsOf(`# ${'é'.repeat(128 * 1024)}`).map((problem) => problem.code),
      ['too-large'],
    );
    const many = HEAD + Array.from({ length: 5_001 }, (_, index) => `  - { id: s${index}, agent: x }\n`).join('');
    assert.match(problemsOf(many)[0]?.message ?? '', /at most 5000 stages/);
    assert.ok(problemsOf(Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n')).length <= 100);
  });

  it('reads one condition and a list of them into the same form', () => {
    const conditions = (when: string) => {
      const loaded = loadWorkflow({
        text: `${HEAD}  - { id: a, agent: x }\n  - { id: b, agent: x, needs: [a], ${when} }\n`,
        file: 'w.yaml',
      });
      assert.ok(loaded.ok, JSON.stringify(loaded));
      return loaded.definition.stages[1]?.when;
    };
    assert.deepEqual(conditions('when: a.found, otherwise: None.'), [{ value: 'a.found', otherwise: 'None.' }]);
    assert.deepEqual(conditions('when: [{ value: a.found }, { value: a.left, otherwise: Nothing left. }]'), [
      { value: 'a.found' },
      { value: 'a.left', otherwise: 'Nothing left.' },
    ]);
  });

  it('fills in defaults and turns durations into milliseconds', () => {
    const text =
      `${HEAD}  - { id: a, agent: command, command: [make, "{inputs.x}", "{{inputs.y}}"], timeout: 90s, approval: { summary: Sure?, expires: 2h } }\n`.replace(
        'stages:',
        'inputs: { x: { type: string, default: all } }\nstages:',
      );
    const loaded = loadWorkflow({ text, file: 'w.yaml' });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const [stage] = loaded.definition.stages;
    assert.deepEqual(stage, {
      id: 'a',
      name: 'a',
      when: [],
      needs: [],
      agent: 'command',
      command: ['make', '{inputs.x}', '{{inputs.y}}'],
      inputs: [],
      outputs: [],
      worktree: 'own',
      approval: { summary: 'Sure?', expiresMs: 7_200_000 },
      timeoutMs: 90_000,
      always: false,
      optional: false,
      onDenied: 'fail',
    });
  });

  it('loads the check-up clean, in the form that a run keeps', () => {
    const text = readFileSync(new URL('../../../daemon/workflow/checkup.yaml', import.meta.url), 'utf8');
    const loaded = loadWorkflow({ text, file: 'checkup.yaml' });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.deepEqual(WorkflowDefinition.parse(structuredClone(loaded.definition)), loaded.definition);
    const stages = Object.fromEntries(loaded.definition.stages.map((stage) => [stage.id, stage]));
    assert.deepEqual(Object.keys(stages), ['scan', 'plan', 'repair', 'test', 'verify', 'merge', 'report']);
    assert.equal(stages.test?.onDenied, 'skip');
    assert.equal(stages.test?.optional, false, 'a failing test must stop the merge');
    assert.ok(stages.merge?.needs.includes('test') && stages.merge.needs.includes('verify'));
    assert.equal(stages.report?.always, true);
  });

  it('answers whatever text it is given', () => {
    const piece = fc.constantFrom(
      'workflow: w',
      'version: 1',
      'stages:',
      '  - id: a',
      '    agent: x',
      '    needs: [a, b]',
      '    merge: {from: a}',
      ' - [',
      '"',
      '&a',
      '*a',
      '? ',
      '<<: *a',
      '__proto__: {}',
      '{',
      '}',
      '\t',
      ': :',
      '- - -',
      '\u0000',
      '|',
      '>-',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 20 }), (pieces) => {
        const text = pieces.join('\n');
        const loaded = loadWorkflow({ text, file: 'w.yaml' });
        if (loaded.ok) return;
        const lines = text.split('\n').length;
        assert.ok(loaded.problems.length > 0);
        for (const { line, column, message } of loaded.problems) assert.ok(line >= 1 && line <= lines && column >= 1 && message !== '');
      }),
      { numRuns: 300 },
    );
  });
});

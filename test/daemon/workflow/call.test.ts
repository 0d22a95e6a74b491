import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { sha256 } from '../../../daemon/platform/digest.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import { Simulation, type Scripts } from '../../support/engine.ts';

const AGENT: Command = {
  type: 'agent/register',
  ...{ agent: 'worker', role: '', capabilities: [], tags: [], adapter: 'command', slots: 9 },
};
const START: Command = {
  type: 'run/start',
  ...{ run: 'r', workflow: { name: 'outer', version: 1, digest: 'd' }, inputs: {}, again: false },
};
const INNER = `
workflow: inner
version: 2
inputs: { name: { type: string }, size: { type: number, default: 3 }, list: { type: list, default: [] } }
stages:
  - { id: make, agent: worker, prompt: "make {inputs.name} {inputs.size} {inputs.list}", outputs: [note.md, score], worktree: own }
  - { id: look, agent: worker, action: do, needs: [make], approval: { summary: Look } }
`;
const OUTER = `
workflow: outer
version: 1
stages:
  - { id: plan, agent: worker, action: do, outputs: [names] }
  - { id: sub, needs: [plan], workflow: inner, with: { name: "n {plan.word}", size: "{plan.size}", list: "{plan.names}" },
      outputs: [note.md, score], on_failure: { retry: 1 } }
  - { id: last, needs: [sub], agent: worker, prompt: "{sub.score}", inputs: [note.md] }
`;
const load = (text: string, others: Record<string, string> = { inner: INNER }, file = 'outer.yaml') =>
  loadWorkflow({
    text,
    file,
    others: {
      names: Object.keys(others),
      find: (name) => (others[name] === undefined ? undefined : { file: `${name}.yaml`, text: others[name] }),
      hash: sha256,
    },
  });
function ready(scripts: Scripts = {}) {
  const loaded = load(OUTER);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const plan = { values: { word: 'w', size: 7, names: ['a', 'b'] } };
  const work: NonNullable<Scripts['work']> = (stage, attempt, task) =>
    stage === 'plan'
      ? plan
      : stage === 'make'
        ? { artifacts: ['note.md'], commits: ['c'], values: { score: 5 } }
        : (scripts.work?.(stage, attempt, task) ?? {});
  const proposals = (stage: string) => (stage === 'look' ? [{ key: 'look' }] : []);
  const s = new Simulation({ proposals, ...scripts, work }).know(loaded.called);
  return { s, definition: loaded.definition };
}
const stageOf = (s: Simulation, id: string, run = 'r') => s.state.stages.get(run)?.get(id);
const runs = (s: Simulation) => Object.fromEntries([...s.state.runs.values()].map(({ id, status }) => [id, status]));

describe('a stage that runs another workflow', () => {
  it('gives it inputs with their types, takes outputs and the last commit from it, and is one record with it', () => {
    const { s, definition } = ready();
    s.drive(definition, [AGENT, START]);
    assert.deepEqual(runs(s), { r: 'success', 'r.1': 'success' });
    assert.deepEqual(s.state.runs.get('r.1')?.inputs, { name: 'n w', size: 7, list: ['a', 'b'] });
    assert.deepEqual(s.state.runs.get('r.1')?.parent, { run: 'r', stage: 'sub' });
    const sub = stageOf(s, 'sub');
    assert.deepEqual([sub?.status, sub?.values, sub?.commit?.slice(0, 2)], ['completed', { score: 5 }, 'c0']);
    assert.equal(s.state.artifacts.get('r')?.get('note.md')?.stage, 'sub');
    assert.equal([...s.state.tasks.values()].find(({ stage }) => stage === 'last')?.payload['prompt'], '5');
  });

  it('waits for what the other asks, over a restart, and goes on with the answer', () => {
    const { s, definition } = ready({ effect: (action) => (action.summary === 'look' ? 'require_approval' : 'allow') });
    s.drive(definition, [AGENT, START]);
    assert.deepEqual(runs(s), { r: 'waiting_approval', 'r.1': 'waiting_approval' });
    const next = s.restart(definition);
    next.drive(definition, []);
    const [asked] = next.state.asked;
    next.drive(definition, [{ type: 'approval/answer', approval: asked ?? '', answer: 'grant', by: 'anna', reason: '' }]);
    assert.deepEqual(runs(next), { r: 'success', 'r.1': 'success' });
  });

  it('does the other again when it fails, as often as it says, each time as a run of its own', () => {
    const { s, definition } = ready({
      work: (stage) => (stage === 'look' ? { status: 'failed', code: 'command_failed', message: 'no' } : {}),
    });
    s.drive(definition, [AGENT, START]);
    assert.deepEqual(runs(s), { r: 'failure', 'r.1': 'failure', 'r.1.1-2': 'failure' });
    assert.match(
      stageOf(s, 'sub')?.reason ?? '',
      /inner \(run r\.1\.1-2\) ended as failure: look failed: no \(after it was done again 1 time\)/,
    );
  });

  it('pauses, resumes and cancels the other with it', () => {
    const { s, definition } = ready({ effect: (action) => (action.summary === 'look' ? 'require_approval' : 'allow') });
    s.drive(definition, [AGENT, START]);
    s.apply({ type: 'run/pause', run: 'r', by: 'anna', reason: '' });
    assert.deepEqual(runs(s), { r: 'paused', 'r.1': 'paused' });
    s.drive(definition, [{ type: 'run/resume', run: 'r', by: 'anna' }]);
    assert.deepEqual(runs(s), { r: 'waiting_approval', 'r.1': 'waiting_approval' });
    s.drive(definition, [{ type: 'run/cancel', run: 'r', reason: 'enough' }]);
    assert.deepEqual(runs(s), { r: 'canceled', 'r.1': 'canceled' });
    assert.equal(s.state.asked.size, 0);
  });

  it('is ended with a step back, and runs anew', () => {
    const { s, definition } = ready({ effect: (action) => (action.summary === 'look' ? 'require_approval' : 'allow') });
    s.drive(definition, [AGENT, START]);
    const back = { from: 'plan', to: 'plan', stages: ['plan', 'sub', 'last'], code: 'asked', feedback: '', by: 'anna' };
    s.drive(definition, [{ type: 'run/return', run: 'r', ...back }]);
    assert.deepEqual(runs(s), { r: 'waiting_approval', 'r.1': 'canceled', 'r.1.2-1': 'waiting_approval' });
  });
});

describe('the file of a stage that runs another workflow', () => {
  const problems = (outer: string, others?: Record<string, string>): string[] => {
    const loaded = load(outer, others);
    return loaded.ok ? [] : loaded.problems.map((p) => `${p.file}:${p.line}:${p.column} ${p.code} ${p.message} ${p.hint ?? ''}`);
  };
  const file = (name: string, stage: string): string => `workflow: ${name}\nversion: 1\nstages:\n  - { id: s, ${stage} }\n`;
  const cases: [string, string, RegExp][] = [
    ['a workflow that is not there', 'workflow: iner', /^outer\.yaml:4:24 unknown-workflow .*Did you mean `inner`/],
    [
      'an input that it does not take',
      'workflow: inner, with: { name: x, nam: y }',
      /^outer\.yaml:4:.* unknown-input `inner` has no input `nam`.*`name`/,
    ],
    ['an input that is missing', 'workflow: inner', /^outer\.yaml:4:24 missing-input .*`name`/],
    [
      'an input of another type',
      'workflow: inner, with: { name: x, size: big }',
      /wrong-input Input `size` of `inner` is a number, and this is a string/,
    ],
    ['an output that it does not make', 'workflow: inner, with: { name: x }, outputs: [notes.md]', /unknown-output .*`note\.md`/],
    ['an agent beside it', 'workflow: inner, with: { name: x }, agent: worker', /not-for-workflow/],
  ];
  for (const [what, stage, expected] of cases)
    it(`is refused with ${what}`, () => assert.match(problems(file('outer', stage)).join('\n'), expected));

  it('is refused where it would come back to itself, with each place', () => {
    const others = { b: file('b', 'workflow: c'), c: file('c', 'workflow: outer'), outer: file('outer', 'workflow: b') };
    const [first] = problems(file('outer', 'workflow: b'), others);
    assert.match(
      first ?? '',
      /^c\.yaml:4:24 workflow-cycle .*outer -> b -> c -> outer \(b at outer\.yaml:4:24, c at b\.yaml:4:24, outer at c\.yaml:4:24\)/,
    );
  });

  it('is refused where workflows run one another too deep, and names the problems of the others at their places', () => {
    const chain = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`w${i}`, file(`w${i}`, `workflow: w${i + 1}`)]));
    assert.match(problems(file('outer', 'workflow: w0'), chain)[0] ?? '', /too-deep .*at most 5 deep/);
    assert.match(
      problems(file('outer', 'workflow: b'), { b: file('b', 'agent: worker, needs: [x]') })[0] ?? '',
      /^b\.yaml:4:.* unknown-stage/,
    );
  });

  it('is refused without a repository to find it in', () => {
    const loaded = loadWorkflow({ file: 'f', text: file('outer', 'workflow: inner') });
    assert.ok(!loaded.ok && loaded.problems[0]?.code === 'no-workflows');
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Command } from '../../../daemon/commands.ts';
import { advanceRun } from '../../../daemon/workflow/advance.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import { findItemsProblem, gatheredName } from '../../../daemon/workflow/matrix.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';

const AGENT: Command = {
  type: 'agent/register',
  ...{ agent: 'worker', role: '', capabilities: [], tags: [], adapter: 'command', slots: 100 },
};
const START: Command = {
  type: 'run/start',
  ...{ run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: { names: ['x', 'y'] }, again: false },
};
const HEAD = 'workflow: test\nversion: 1\ninputs:\n  names: { type: list, default: [x] }\n  word: { type: string, default: w }\nstages:\n';
const load = (stages: string) => loadDefinition(`${HEAD}${stages}`);
type Definition = ReturnType<typeof load>;
const run = (definition: Definition, scripts: Scripts = {}): Simulation => {
  const s = new Simulation(scripts);
  s.drive(definition, [AGENT, START]);
  return s;
};
const stageOf = (s: Simulation, id: string) => s.state.stages.get('run-1')?.get(id);
const statusOf = (s: Simulation) => Object.fromEntries([...(s.state.stages.get('run-1') ?? [])].map(([id, { status }]) => [id, status]));
const LIST = `
  - { id: plan, agent: worker, action: do, outputs: ["tickets[]"] }
  - { id: build, matrix: { over: "tickets[]", max_parallel: 2, fail_fast: FAST }, needs: [plan], agent: worker,
      prompt: "Do {item.title}", outputs: [points], if: 'item.title != "none"' }
  - { id: after, agent: worker, action: do, needs: [build], prompt: "{build.points}" }
`;
const slow = load(LIST.replace('FAST', 'false'));
const fast = load(LIST.replace('FAST', 'true'));
const work =
  (titles: string[], bad: string[] = []): NonNullable<Scripts['work']> =>
  (stage, _attempt, task) => {
    if (stage === 'plan') return { artifacts: ['tickets[]'] };
    const item = task?.payload['item'] as { title: string } | undefined;
    if (bad.includes(item?.title ?? '')) return { status: 'failed', code: 'command_failed', message: `no ${item?.title}` };
    return { values: { points: titles.indexOf(item?.title ?? '') } };
  };
const scripts = (titles: string[], bad: string[] = []): Scripts => ({
  work: work(titles, bad),
  items: () => titles.map((title) => ({ title })),
});

describe('a stage that is done for each item of a list', () => {
  it('has a stage for each, with its item in the prompt, and gathers what they reported in the order of the list', () => {
    const s = run(slow, scripts(['a', 'b', 'c']));
    assert.equal(s.state.runs.get('run-1')?.status, 'success');
    assert.deepEqual(stageOf(s, 'build')?.values, { points: [0, 1, 2], items: 3, done: 3 });
    const tasks = [...s.state.tasks.values()];
    assert.deepEqual(
      tasks.filter(({ stage }) => stage?.startsWith('build-')).map(({ id, payload }) => [id, payload['prompt']]),
      [
        ['run-1.1i1', 'Do a'],
        ['run-1.1i2', 'Do b'],
        ['run-1.1i3', 'Do c'],
      ],
    );
    assert.equal(tasks.find(({ stage }) => stage === 'after')?.payload['prompt'], '[0,1,2]');
  });

  it('leaves out the items for which its condition does not hold', () => {
    const s = run(slow, scripts(['a', 'none', 'c']));
    assert.deepEqual(stageOf(s, 'build')?.values, { points: [0, null, 2], items: 3, done: 2 });
    assert.equal(stageOf(s, 'build-2')?.status, 'skipped');
  });

  it('is skipped, and says so, when the list is empty; what follows goes on', () => {
    const s = run(slow, scripts([]));
    assert.match(stageOf(s, 'build')?.reason ?? '', /list is empty/);
    assert.deepEqual([stageOf(s, 'build')?.status, stageOf(s, 'after')?.status], ['skipped', 'completed']);
  });

  it('lets the others end when one fails, and then fails with it', () => {
    const s = run(slow, scripts(['a', 'b', 'c'], ['b']));
    assert.deepEqual(statusOf(s), { ...statusOf(s), 'build-1': 'completed', 'build-2': 'failed', 'build-3': 'completed', build: 'failed' });
    assert.match(stageOf(s, 'build')?.reason ?? '', /2 of 3 succeeded; build-2 failed: no b/);
    assert.equal(s.state.runs.get('run-1')?.status, 'failure');
  });

  it('ends the others with the first that fails, where it is to', () => {
    const s = run(fast, scripts(['a', 'b', 'c', 'd', 'e'], ['a']));
    assert.equal(stageOf(s, 'build')?.status, 'failed');
    assert.deepEqual([stageOf(s, 'build-4')?.status, stageOf(s, 'build-5')?.status], ['skipped', 'skipped']);
    assert.match(stageOf(s, 'build-5')?.reason ?? '', /build-1 failed/);
  });

  it('does the items that a person asks for again, and no other', () => {
    const bad = ['b'];
    const s = run(slow, scripts(['a', 'b', 'c'], bad));
    bad.pop();
    const definition = s.definitionOf('run-1', slow);
    const stages = ['build', 'build-2', 'after'];
    const by = { from: 'build-2', to: 'build-2', code: 'asked', feedback: '', by: 'anna' };
    s.drive(definition, [{ type: 'run/return', run: 'run-1', stages, ...by }]);
    assert.equal(s.state.runs.get('run-1')?.status, 'success');
    const tries = [...s.state.tasks.keys()].filter((id) => id.startsWith('run-1.1i'));
    assert.deepEqual(tries, ['run-1.1i1', 'run-1.1i2', 'run-1.1i3', 'run-1.1i2.2-1']);
  });

  it('passes the items by that an earlier turn made, when the list itself is left out in a later one', () => {
    const definition = load(`
  - { id: plan, agent: worker, action: do }
  - { id: build, needs: [plan], matrix: [a, b], agent: worker, action: do, on_failure: { back_to: plan, at_most: 1 } }
`);
    const fails = { status: 'failed' as const, code: 'command_failed', message: 'no' };
    let plans = 0;
    const s = run(definition, { work: (stage) => (stage === 'build-2' || (stage === 'plan' && ++plans === 2) ? fails : {}) });
    assert.equal(s.state.runs.get('run-1')?.status, 'failure', 'the run ends');
    assert.deepEqual(statusOf(s), { plan: 'failed', build: 'skipped', 'build-1': 'skipped', 'build-2': 'skipped' });
    assert.match(stageOf(s, 'build-1')?.reason ?? '', /build ended before its items began: plan did not succeed/);
    // The daemon looks at what was touched only: the end of the list is enough for its items to be looked at.
    plans = 0;
    const cut = new Simulation({ work: (stage) => (stage === 'build-2' || (stage === 'plan' && ++plans === 2) ? fails : {}) });
    cut.drive(definition, [AGENT, START], s.events.findIndex((e) => e.type === 'stage.skipped' && e.stage === 'build') + 1);
    const now = cut.state.runs.get('run-1');
    assert.ok(now);
    const steps = advanceRun(cut.state, now, cut.definitionOf('run-1', definition), { taskTimeoutMs: 1_000, touched: new Set(['build']) });
    assert.deepEqual(
      steps.map((step) => [step.type, 'stage' in step && step.stage]),
      [
        ['stage/skip', 'build-1'],
        ['stage/skip', 'build-2'],
      ],
    );
  });

  it('takes a list that was written down, and that of an input', () => {
    const s = run(load('  - { id: a, matrix: [1, two, { x: 3 }], agent: worker, prompt: "{item.index} {item.value}" }\n'));
    const prompts = [...s.state.tasks.values()].map(({ payload }) => payload['prompt']);
    assert.deepEqual(prompts, ['1 1', '2 two', '3 {"x":3}']);
    assert.equal(load('  - { id: a, matrix: inputs.names, agent: worker, action: do }\n').stages[0]?.matrix?.over, 'inputs.names');
  });

  it('never has more under way than it may, over restarts at any event, and ends the same', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 4, max: 80 }));
    fc.assert(
      fc.property(sizes, ([count, most, cut]) => {
        const definition = load(LIST.replace('FAST', 'false').replace('max_parallel: 2', `max_parallel: ${most}`));
        const titles = Array.from({ length: count }, (_, i) => `t${i}`);
        let open = 0;
        const watch = (s: Simulation): void => {
          open = Math.max(
            open,
            [...(s.state.stages.get('run-1')?.values() ?? [])].filter((one) => one.id.startsWith('build-') && !one.endedAt).length,
          );
        };
        const scripted: Scripts = { ...scripts(titles), facts: () => (watch(first), {}) };
        const first: Simulation = new Simulation(scripted);
        first.drive(definition, [AGENT, START], cut);
        watch(first);
        const next = first.restart(definition);
        next.drive(definition, []);
        assert.deepEqual(
          stageOf(next, 'build')?.values['points'],
          titles.map((_, i) => i),
        );
        assert.ok(open <= most, `${open} were under way, ${most} may be`);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the file of a stage with a list', () => {
  const problems = (stages: string): string[] => {
    const loaded = loadWorkflow({ file: 'f.yaml', text: `${HEAD}${stages}` });
    return loaded.ok ? [] : loaded.problems.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
  };
  const cases: [string, RegExp][] = [
    ['  - { id: a, matrix: "ticket[]", agent: worker, action: do }\n', /^7:22 unknown-artifact/],
    ['  - { id: a, matrix: inputs.word, agent: worker, action: do }\n', /^7:22 not-a-list .*type: list/],
    ['  - { id: a, matrix: inputs.nams, agent: worker, action: do }\n', /^7:22 unknown-input/],
    ['  - { id: a, matrix: { over: b.x }, agent: worker, action: do }\n  - { id: b, agent: worker, action: do }\n', /^7:30 not-needed/],
    [
      '  - { id: a, matrix: [1], agent: worker, action: do }\n  - { id: a-1, agent: worker, action: do }\n',
      /^8:11 duplicate-stage .*one of them is called/,
    ],
    ['  - { id: a, agent: worker, prompt: "{item.x}" }\n', /^7:.* no-item/],
    ['  - { id: a, matrix: [1], agent: worker, action: do, parallel: [{ id: b, agent: worker }] }\n', /not-for-matrix .*`parallel`/],
    ['  - { id: a, matrix: [1], agent: worker, prompt: x }\n  - { id: b, needs: [a], merge: { from: a } }\n', /^8:41 many-commits/],
    ['  - { id: a, agent: worker, action: do, if: "item.x == 1" }\n', /^7:.* condition/],
    ['  - { id: a, matrix: [], agent: worker, action: do }\n', /^7:.* matrix-items .*empty/],
  ];
  for (const [stages, expected] of cases)
    it(`says what is wrong in ${stages.trim().split('\n')[0]}`, () => assert.match(problems(stages).join('\n'), expected));

  it('bounds the number of items and their size', () => {
    assert.match(
      findItemsProblem(
        Array.from({ length: 1_001 }, () => 1),
        'tickets[]',
      ),
      /1001 items.*at most 1000/,
    );
    assert.match(findItemsProblem(['x'.repeat(5_000)], 'tickets[]'), /Item 1 of tickets\[\].*artifact/);
    assert.match(findItemsProblem({}, 'tickets[]'), /no list/);
  });

  it('names what the items make together', () => {
    assert.deepEqual(['a.md', 'b[]', 'c/', 'd'].map(gatheredName), ['a.md[]', 'b[]', 'c/', 'd']);
  });
});

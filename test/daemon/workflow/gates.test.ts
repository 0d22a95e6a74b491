import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { listDue } from '../../../daemon/scheduler/due.ts';
import { stageOf } from '../../../shared/state/select.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';

const AGENTS: Command[] = ['worker', 'reviewer', 'command'].map((agent) => ({
  type: 'agent/register',
  agent,
  role: '',
  capabilities: [],
  tags: [],
  adapter: 'command',
  slots: 4,
}));
const START: Command = { type: 'run/start', run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: {}, again: false };
const load = (stages: string, more = '') => loadDefinition(`workflow: test\nversion: 1\n${more}stages:\n${stages}`);
function run(definition: ReturnType<typeof load>, scripts: Scripts = {}): Simulation {
  const simulation = new Simulation(scripts);
  simulation.drive(definition, [...AGENTS, START]);
  return simulation;
}
const runOf = (s: Simulation) => s.state.runs.get('run-1') ?? assert.fail();
const stage = (s: Simulation, id: string) => stageOf(s.state, 'run-1', id);
const feedbackOf = (s: Simulation, id: string) =>
  [...s.state.tasks.values()].filter((t) => t.stage === id && t.part === undefined).map((t) => t.payload['feedback']);

describe('a gate', () => {
  const covered = load(
    '  - { id: test, agent: worker, action: do, gate: ["coverage >= 80%", no_regressions] }\n  - { id: ship, agent: worker, action: do, needs: [test] }\n',
  );

  it('lets pass what was reported to hold', () => {
    assert.equal(runOf(run(covered, { work: () => ({ values: { coverage: 80, no_regressions: true } }) })).status, 'success');
    assert.equal(runOf(run(covered, { work: () => ({ values: { coverage: '83.5%', no_regressions: true } }) })).status, 'success');
  });

  it('never passes for lack of data, or for data of another kind', () => {
    for (const values of [
      {},
      { coverage: 90 },
      { coverage: 'high', no_regressions: true },
      { coverage: 90, no_regressions: 'yes' },
      { coverage: null, no_regressions: true },
    ]) {
      const s = run(covered, { work: () => ({ values }) });
      assert.equal(runOf(s).code, 'gate_failed', JSON.stringify(values));
      assert.equal(stage(s, 'ship')?.skipped, 'blocked');
    }
  });

  it('gives back what does not hold to whoever does it again', () => {
    const definition = load('  - { id: test, agent: worker, action: do, gate: ["coverage >= 80%"], on_failure: { retry: 2 } }\n');
    let coverage = 60;
    const s = run(definition, { work: () => ({ values: { coverage: (coverage += 10) } }) });
    assert.equal(runOf(s).status, 'success');
    assert.deepEqual(feedbackOf(s, 'test'), [undefined, 'This does not hold:\ncoverage >= 80%: `coverage` is 70.']);
  });

  it('only advises where it says so', () => {
    const definition = load('  - { id: test, agent: worker, action: do, gate: [{ metric: "coverage >= 80%", advisory: true }] }\n');
    const s = run(definition, { work: () => ({ values: { coverage: 10 } }) });
    assert.equal(runOf(s).status, 'success');
    assert.deepEqual(
      stage(s, 'test')?.judged?.map(({ passed, advisory }) => ({ passed, advisory })),
      [{ passed: false, advisory: true }],
    );
  });

  it('runs its commands on the work, each once, and holds when they end well', () => {
    const definition = load('  - { id: build, agent: worker, action: do, gate: [{ command: [npm, run, lint], name: lint }] }\n');
    const good = run(definition);
    assert.equal(runOf(good).status, 'success');
    assert.deepEqual(
      [...good.state.tasks.values()].map((t) => [t.wants, t.part, t.payload['argv']]),
      [
        ['worker', undefined, undefined],
        ['command', 'check', ['npm', 'run', 'lint']],
      ],
    );
    let works = 0;
    const bad = run(definition, {
      work: () => (++works === 2 ? { status: 'failed', code: 'command_failed', message: 'npm ended with exit code 1.' } : {}),
    });
    assert.match(runOf(bad).summary, /lint: npm ended with exit code 1/);
  });
});

describe('a sign-off', () => {
  const signed = load('  - { id: prd, agent: worker, action: do, approvers: [reviewer], on_failure: { retry: 1 } }\n');

  it('is asked of the agent that has to look, and only a plain yes is one', () => {
    const say = (values: Record<string, unknown>) =>
      run(signed, { work: (_stage, _attempt, task) => (task?.part === 'sign_off' ? { values } : {}) });
    assert.equal(runOf(say({ approved: true })).status, 'success');
    for (const values of [{}, { approved: 'yes' }, { approved: false, reason: 'no numbers' }])
      assert.equal(runOf(say(values)).code, 'not_signed_off');
  });

  it('that is refused goes back with its reasons', () => {
    let looks = 0;
    const s = run(signed, {
      work: (_stage, _attempt, task) =>
        task?.part === 'sign_off'
          ? { values: ++looks === 1 ? { approved: false, reasons: ['no numbers', 'no dates'] } : { approved: true } }
          : {},
    });
    assert.equal(runOf(s).status, 'success');
    assert.deepEqual(feedbackOf(s, 'prd'), [undefined, 'reviewer did not sign it off: no numbers; no dates']);
  });

  it('is never that of the agent whose work it is', () => {
    assert.throws(() => load('  - { id: a, agent: worker, action: do, approvers: [worker] }\n'), /nobody signs off their own work/);
    // Whoever was chosen for the work is known only then.
    const chosen = load(
      '  - { id: a, agent: { capabilities: [] , role: "" }, action: do, approvers: [worker] }\n'
        .replace(', role: ""', '')
        .replace('capabilities: [] ', 'capabilities: [only]'),
    );
    const s = new Simulation();
    const only: Command = {
      type: 'agent/register',
      agent: 'worker',
      role: '',
      capabilities: ['only'],
      tags: [],
      adapter: 'command',
      slots: 1,
    };
    s.drive(chosen, [only, START]);
    assert.equal(runOf(s).code, 'own_approver');
  });

  it('of a person is a question that the run waits for', () => {
    const definition = load('  - { id: a, agent: worker, action: do, approvers: [human] }\n');
    const s = run(definition);
    assert.equal(runOf(s).status, 'waiting_approval');
    const [approval = ''] = [...s.state.asked];
    const again = s.restart(definition);
    again.drive(definition, [{ type: 'approval/answer', approval, answer: 'grant', by: 'user', reason: '' }]);
    assert.equal(runOf(again).status, 'success');
    const refused = run(definition);
    const [other = ''] = [...refused.state.asked];
    refused.drive(definition, [{ type: 'approval/answer', approval: other, answer: 'deny', by: 'user', reason: 'too long' }]);
    assert.match(runOf(refused).summary, /human did not sign it off: too long/);
  });
});

describe('a handoff', () => {
  const handed = load(
    `
  - { id: prd, agent: worker, action: do, outputs: [prd.md] }
  - { id: design, agent: worker, action: do, needs: [prd], outputs: [design.md] }
  - { id: build, agent: reviewer, action: do, needs: [design] }
`,
    `handoffs:
  - { id: to-build, from: worker, to: reviewer, required_artifacts: [{ name: prd.md, validation: ["goals: present"] }], required_context: [deadline], at_most: 2 }
`,
  );
  const work = (id: string) => (id === 'build' ? {} : { artifacts: [`${id}.md`], values: { deadline: 'May' } });

  it('that is complete is recorded with what was handed over, and counts as one at the first try', () => {
    const s = run(handed, { work });
    assert.equal(runOf(s).status, 'success');
    const accepted = s.events.find((e) => e.type === 'handoff.accepted');
    assert.equal(accepted?.type === 'handoff.accepted' && Object.keys(accepted.data.artifacts).join(), 'prd.md');
    assert.deepEqual(accepted?.type === 'handoff.accepted' && accepted.data.context, { deadline: 'May' });
    assert.deepEqual(runOf(s).handoffs, { accepted: 1, returned: 0 });
  });

  it('that is not goes back to whoever has to mend it, with what is missing, and no further', () => {
    let tries = 0;
    const s = run(handed, {
      work,
      missing: () => (++tries === 1 ? [{ item: 'prd.md', detail: 'prd.md has no section "goals".', stage: 'prd' }] : []),
    });
    assert.equal(runOf(s).status, 'success');
    assert.deepEqual(feedbackOf(s, 'prd'), [
      undefined,
      'What was handed over to build is not complete.\nprd.md: prd.md has no section "goals".',
    ]);
    assert.deepEqual(runOf(s).handoffs, { accepted: 1, returned: 1 });
  });

  it('goes back so often, then the stage that should receive fails', () => {
    const s = run(handed, { work, missing: () => [{ item: 'prd.md', detail: 'It is not there.', stage: 'prd' }] });
    assert.equal(runOf(s).code, 'handoff_incomplete');
    assert.equal(feedbackOf(s, 'prd').length, 3);
  });

  it('is accepted only when the policy lets it', () => {
    const s = run(handed, { work, proposals: (id) => (id === 'build' ? [{ key: 'handoff:to-build' }] : []), effect: () => 'deny' });
    assert.equal(runOf(s).code, 'denied');
    assert.ok(!s.events.some((e) => e.type === 'handoff.accepted'));
  });
});

describe('times that should be kept', () => {
  const timed = load(
    `
  - { id: prd, agent: worker, action: do, sla: 10m, next: build }
  - { id: build, agent: reviewer, action: do }
`,
    `handoffs:
  - { id: to-build, from: worker, to: reviewer, sla: { acknowledgment: 30m, first_output: 4h } }
`,
  );
  const late = (s: Simulation) => s.events.flatMap((e) => (e.type === 'stage.late' ? [`${e.stage} ${e.data.what} ${e.data.level}`] : []));
  const look = (s: Simulation, ms: number) => {
    s.now += ms;
    for (const command of listDue(s.state, s.now, [])) if (command.type === 'stage/late') s.apply(command);
  };

  it('are warned of at 80 %, and missed once, however often somebody looks', () => {
    const s = new Simulation();
    // Nobody does the work yet.
    s.drive(timed, [...AGENTS.slice(1), { ...AGENTS[0], slots: 0 } as Command, START]);
    look(s, 7 * 60_000);
    assert.deepEqual(late(s), []);
    for (let i = 0; i < 5; i++) look(s, 60_000);
    for (let i = 0; i < 5; i++) look(s, 60_000);
    assert.deepEqual(late(s), ['prd sla warning', 'prd sla missed']);
  });

  it('of a handoff begin when it is accepted, and are kept by beginning and by showing something', () => {
    const waiting = new Simulation();
    waiting.drive(timed, [...AGENTS, { ...AGENTS[1], slots: 0 } as Command, START]);
    assert.equal(waiting.state.stages.get('run-1')?.get('build')?.status, 'running');
    look(waiting, 25 * 60_000);
    look(waiting, 6 * 60_000);
    assert.deepEqual(late(waiting), ['build acknowledge warning', 'build acknowledge missed']);
  });
});

import assert from 'node:assert/strict';
import { stageOf } from '../../../shared/state/select.ts';
import type { Command } from '../../../daemon/commands.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';

const AGENTS: Command[] = ['worker', 'command'].map((agent) => ({
  type: 'agent/register',
  agent,
  role: '',
  capabilities: [],
  tags: [],
  adapter: 'command',
  slots: 1,
}));
const REPOSITORY = { repo: '/r', gitDir: '/r/.git', commonDir: '/r/.git', base: 'b'.repeat(40), into: 'main' };
const start = (inputs: Record<string, unknown> = {}): Command => ({
  type: 'run/start',
  run: 'run-1',
  workflow: { name: 'test', version: 1, digest: 'd' },
  inputs,
  again: false,
  repository: REPOSITORY,
});

const DIAMOND = loadDefinition(`
workflow: test
version: 1
stages:
  - { id: a, agent: worker, action: do }
  - { id: b, agent: worker, action: do, needs: [a] }
  - { id: c, agent: worker, action: do, needs: [a] }
  - { id: d, agent: worker, action: do, needs: [b, c] }
  - { id: last, agent: worker, action: do, needs: [d], always: true }
`);

function run(definition: typeof DIAMOND, scripts: Scripts = {}): Simulation {
  const simulation = new Simulation(scripts);
  simulation.drive(definition, [...AGENTS, start()]);
  return simulation;
}

const statuses = (s: Simulation): Record<string, string> =>
  Object.fromEntries([...(s.state.stages.get('run-1') ?? [])].map(([id, stage]) => [id, stage.status]));
const runOf = (s: Simulation) => {
  const found = s.state.runs.get('run-1');
  assert.ok(found);
  return found;
};
const firstIndex = (s: Simulation, type: string, stage: string) => s.events.findIndex((e) => e.type === type && e.stage === stage);

describe('the workflow engine', () => {
  it('begins a stage only when all that it needs has ended, and ends the run as a success', () => {
    const s = run(DIAMOND);
    assert.equal(runOf(s).status, 'success');
    for (const def of DIAMOND.stages)
      for (const need of def.needs) assert.ok(firstIndex(s, 'stage.completed', need) < firstIndex(s, 'stage.started', def.id));
  });

  it('submits one task for each stage, under an id that follows from run and stage', () => {
    const s = run(DIAMOND);
    assert.deepEqual([...s.state.tasks.keys()].sort(), ['run-1.0', 'run-1.1', 'run-1.2', 'run-1.3', 'run-1.4']);
  });

  it('never ends as a success after a stage failed, blocks what is behind it, and still runs what runs always', () => {
    const s = run(DIAMOND, {
      work: (stage) => (stage === 'b' ? { status: 'failed', code: 'command_failed', message: 'exit code 1' } : {}),
    });
    assert.equal(runOf(s).status, 'failure');
    assert.match(runOf(s).summary, /b failed: exit code 1/);
    assert.deepEqual(statuses(s), { a: 'completed', b: 'failed', c: 'completed', d: 'skipped', last: 'completed' });
    assert.equal(stageOf(s.state, 'run-1', 'd')?.skipped, 'blocked');
  });

  it('lets an optional stage fail without failing the run', () => {
    const optional = loadDefinition(
      'workflow: test\nversion: 1\nstages:\n  - { id: a, agent: worker, action: do, optional: true }\n  - { id: b, agent: worker, action: do, needs: [a] }\n',
    );
    const s = run(optional, { work: (stage) => (stage === 'a' ? { status: 'failed', message: 'no' } : {}) });
    assert.equal(runOf(s).status, 'success');
    assert.deepEqual(statuses(s), { a: 'failed', b: 'completed' });
  });

  it('fails a stage that ends without the output it promised', () => {
    const promised = loadDefinition('workflow: test\nversion: 1\nstages:\n  - { id: a, agent: worker, action: do, outputs: [a.json] }\n');
    assert.equal(runOf(run(promised)).code, 'output_missing');
    assert.equal(runOf(run(promised, { work: () => ({ artifacts: ['a.json'] }) })).status, 'success');
  });

  it('skips a stage visibly when its condition does not hold', () => {
    const conditional = loadDefinition(
      'workflow: test\nversion: 1\nstages:\n  - { id: a, agent: worker, action: do }\n  - { id: b, agent: worker, action: do, needs: [a], when: a.found, otherwise: Nothing was found. }\n',
    );
    const without = run(conditional, { work: () => ({ values: { found: 0 } }) });
    assert.equal(stageOf(without.state, 'run-1', 'b')?.reason, 'Nothing was found.');
    assert.equal(runOf(without).status, 'success');
    assert.equal(statuses(run(conditional, { work: () => ({ values: { found: 2 } }) }))['b'], 'completed');
  });

  it('says which agent is missing instead of waiting for ever', () => {
    const unknown = loadDefinition('workflow: test\nversion: 1\nstages:\n  - { id: a, agent: nobody, action: do }\n');
    const s = run(unknown);
    assert.equal(runOf(s).code, 'agent_unknown');
    assert.match(runOf(s).summary, /nobody/);
  });
});

const GATED = loadDefinition(`
workflow: test
version: 1
stages:
  - { id: plan, agent: worker, action: plan, outputs: [plan.json] }
  - { id: repair, agent: worker, action: repair, needs: [plan], worktree: own, gate: { proposals: plan.json } }
  - { id: merge, needs: [repair], merge: { from: repair } }
`);
const gated: Scripts = {
  work: (stage) => (stage === 'plan' ? { artifacts: ['plan.json'] } : { commits: ['one'] }),
  proposals: (stage) => (stage === 'repair' ? [{ key: 'one' }, { key: 'two' }] : [{ key: 'merge' }]),
  facts: () => ({ from: 'one'.padEnd(40, '0'), expected: 'e'.repeat(40), tree: 't'.repeat(40) }),
};
const asked = (s: Simulation) => [...s.state.asked];

describe('gates and approvals in the engine', () => {
  it('waits while a question is open, and says so on the run', () => {
    const s = run(GATED, { ...gated, effect: () => 'require_approval' });
    assert.equal(runOf(s).status, 'waiting_approval');
    assert.equal(asked(s).length, 2);
    assert.equal(s.state.tasks.size, 1, 'nothing was submitted for the gated stage');
  });

  it('hands the agent what was allowed and, with the reason, what was not', () => {
    const s = run(GATED, { ...gated, effect: (action) => (action.stage === 'repair' ? 'require_approval' : 'allow') });
    const [first = '', second = ''] = asked(s);
    s.drive(GATED, [
      { type: 'approval/answer', approval: first, answer: 'grant', by: 'user', reason: '' },
      { type: 'approval/answer', approval: second, answer: 'deny', by: 'user', reason: 'not now' },
    ]);
    assert.deepEqual(s.state.tasks.get('run-1.1')?.payload, { allowed: ['one'], refused: { two: 'denied by user: not now' } });
    assert.equal(runOf(s).status, 'success');
  });

  it('uses a grant with the commit that it allowed, once', () => {
    const s = run(GATED, { ...gated, effect: (action) => (action.stage === 'repair' ? 'require_approval' : 'allow') });
    s.drive(
      GATED,
      asked(s).map((approval) => ({ type: 'approval/answer', approval, answer: 'grant', by: 'user', reason: '' })),
    );
    assert.deepEqual(
      [...s.state.approvals.values()].map((a) => a.status),
      ['used', 'used'],
    );
    assert.equal(s.events.filter((e) => e.type === 'approval.used').length, 2);
  });

  it('fails the run with the code denied when the merge is refused, and merges nothing', () => {
    const s = run(GATED, { ...gated, effect: (action) => (action.stage === 'merge' ? 'deny' : 'allow') });
    assert.equal(runOf(s).code, 'denied');
    assert.ok(!s.events.some((e) => e.type === 'workspace.merge_started'));
  });

  it('asks anew when the branch moved between the answer and the merge, and gives up after five rounds', () => {
    let moves = 0;
    const s = run(GATED, { ...gated, merge: () => (++moves <= 2 ? { ok: false, code: 'branch_moved' } : { ok: true }) });
    assert.equal(runOf(s).status, 'success');
    assert.equal(stageOf(s.state, 'run-1', 'merge')?.round, 3);
    const never = run(GATED, { ...gated, merge: () => ({ ok: false, code: 'branch_moved' }) });
    assert.equal(runOf(never).code, 'moved_too_often');
  });

  const checks = { ...gated.facts?.('merge'), checks: '[["npm","test"],["lint"]]', task: 'run-1.2' };
  const checked: Scripts = { ...gated, facts: () => checks };

  it('moves the branch only after the merged result has passed its checks, each once, also when it is restarted after any event', () => {
    const whole = run(GATED, checked);
    for (let stop = 1; stop < whole.events.length; stop++) {
      const cut = new Simulation(checked);
      cut.drive(GATED, [...AGENTS, start()], stop);
      const again = cut.restart(GATED);
      again.drive(GATED, [...AGENTS, start()]);
      const all = [...cut.events, ...again.events];
      assert.equal(runOf(again).status, 'success', `stopped after ${stop}`);
      const order = all
        .filter((e) => e.stage === 'merge' && /task.completed|merge_started|workspace.merged/.test(e.type))
        .map((e) => e.type);
      assert.deepEqual(order, ['task.completed', 'task.completed', 'workspace.merge_started', 'workspace.merged'], `stopped after ${stop}`);
    }
  });

  it('refuses the merge with what a check said, and uses no grant for it', () => {
    const fails = { status: 'failed', code: 'command_failed', message: 'npm ended with exit code 1.' } as const;
    const scripts: Scripts = {
      ...checked,
      effect: (action) => (action.stage === 'merge' ? 'require_approval' : 'allow'),
      work: (stage, n, task) => (task?.id === 'run-1.2.check-0' ? fails : (gated.work?.(stage, n, task) ?? {})),
    };
    const s = run(GATED, scripts);
    s.drive(GATED, [{ type: 'approval/answer', approval: asked(s)[0] ?? '', answer: 'grant', by: 'user', reason: '' }]);
    assert.equal(runOf(s).code, 'merge_checks_failed');
    assert.match(stageOf(s.state, 'run-1', 'merge')?.reason ?? '', /stays as it is[^]*npm test: npm ended with exit code 1/);
    assert.ok(!s.events.some((e) => e.type === 'workspace.merge_started' || e.type === 'approval.used'));
  });

  it('ends the checks of a merge when the run is canceled', () => {
    const s = new Simulation(checked);
    s.drive(GATED, [...AGENTS, start()], run(GATED, checked).events.findIndex((e) => e.type === 'stage.checking') + 3);
    s.drive(GATED, [{ type: 'run/cancel', run: 'run-1', reason: 'enough' }]);
    assert.equal(runOf(s).status, 'canceled');
    assert.ok([...s.state.tasks.values()].every((task) => task.endedAt !== undefined));
    assert.ok(!s.events.some((e) => e.type === 'workspace.merge_started'));
  });

  it('withdraws open questions when the run is canceled, and ends nothing twice', () => {
    const s = run(GATED, { ...gated, effect: () => 'require_approval' });
    s.drive(GATED, [{ type: 'run/cancel', run: 'run-1', reason: 'enough' }]);
    assert.equal(runOf(s).status, 'canceled');
    assert.deepEqual(
      [...s.state.approvals.values()].map((a) => a.status),
      ['voided', 'voided'],
    );
    assert.throws(() => s.apply({ type: 'run/cancel', run: 'run-1', reason: '' }), { code: 'run_ended' });
  });

  it('comes to the same end when it is restarted after any event', () => {
    const scripts: Scripts = { ...gated, effect: (action) => (action.stage === 'merge' ? 'allow' : 'warn') };
    const whole = run(GATED, scripts);
    const total = whole.events.length;
    for (let stop = 1; stop < total; stop++) {
      const cut = new Simulation(scripts);
      cut.drive(GATED, [...AGENTS, start()], stop);
      const again = cut.restart(GATED);
      again.drive(GATED, [...AGENTS, start()]);
      const all = [...cut.events, ...again.events];
      assert.equal(runOf(again).status, 'success', `stopped after ${stop} of ${total} events`);
      assert.equal(all.filter((e) => e.type === 'workspace.merge_started').length, 1, 'merged once');
      for (const id of ['plan', 'repair', 'merge'])
        assert.equal(all.filter((e) => e.type === 'stage.completed' && e.stage === id).length, 1, `${id} completed once`);
    }
  });
});

import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';

const agent = (id: string): Command => ({
  type: 'agent/register',
  ...{ agent: id, role: '', capabilities: [], tags: [], adapter: 'command', slots: 4 },
});
const start = (answering?: { mode: 'ask' | 'deny' | 'policy' }): Command => ({
  type: 'run/start',
  run: 'run-1',
  workflow: { name: 'test', version: 1, digest: 'd' },
  inputs: {},
  again: false,
  ...(answering ? { answering } : {}),
});
const STAGES = `
  - { id: build, agent: worker, action: do, outputs: [ok], gate: [ok], on_failure: { retry: 1, otherwise: ask } }
  - { id: ship, agent: worker, action: do, needs: [build] }
`;
const definition = loadDefinition(`workflow: test\nversion: 1\nstages:${STAGES}`);

/** Fails its gate until it was told the word. */
const WORK: Scripts = {
  work: (stage, _attempt, task) => ({
    values: stage === 'build' ? { ok: JSON.stringify(task?.payload ?? {}).includes('use the other port') } : {},
  }),
};
const run = (scripts: Scripts = WORK, answering?: { mode: 'deny' | 'policy' }): Simulation => {
  const s = new Simulation(scripts);
  s.drive(definition, [agent('worker'), start(answering)]);
  return s;
};
const asked = (s: Simulation) => [...s.state.approvals.values()].filter((a) => a.status === 'pending');
const stageOf = (s: Simulation, id: string) => s.state.stages.get('run-1')?.get(id);
const answer = (s: Simulation, answered: 'grant' | 'deny', reason = '', choice?: string): void => {
  const [question] = asked(s);
  assert.ok(question);
  const more = choice === undefined ? {} : { choice };
  s.drive(definition, [{ type: 'approval/answer', approval: question.id, answer: answered, by: 'anna', reason, ...more }]);
};

describe('a stage whose workflow asks when it fails', () => {
  it('asks once, after its own tries, and the run waits', () => {
    const s = run();
    const [question, ...others] = asked(s);
    assert.deepEqual([others.length, question?.choices, question?.kind, question?.stage], [0, ['retry', 'skip'], 'stage.advance', 'build']);
    assert.equal(s.state.runs.get('run-1')?.status, 'waiting_approval');
    assert.match(stageOf(s, 'build')?.stuck?.message ?? '', /`ok` is false.*done again 1 time/s);
  });

  it('is done again with the word of whoever says yes, also when the daemon restarted meanwhile', () => {
    const s = run().restart(definition);
    s.drive(definition, []);
    answer(s, 'grant', 'use the other port');
    assert.equal(s.state.runs.get('run-1')?.status, 'success');
    assert.match(stageOf(s, 'build')?.feedback ?? '', /anna says: use the other port/);
    assert.deepEqual(
      [...s.state.approvals.values()].map((a) => [a.status, a.choice]),
      [['used', 'retry']],
    );
  });

  it('asks anew when that fails too', () => {
    const s = run();
    answer(s, 'grant', 'try harder');
    assert.equal(asked(s).length, 1);
    assert.equal([...s.state.approvals.values()].length, 2);
  });

  it('is left out when the yes says so, and what follows goes on', () => {
    const s = run();
    answer(s, 'grant', 'not today', 'skip');
    assert.deepEqual([stageOf(s, 'build')?.status, stageOf(s, 'ship')?.status], ['skipped', 'completed']);
    assert.match(stageOf(s, 'build')?.reason ?? '', /anna left it out after it failed: not today/);
  });

  it('fails with a no, and with what it failed with', () => {
    const s = run();
    answer(s, 'deny', 'enough');
    assert.equal(stageOf(s, 'build')?.code, 'gate_failed');
    assert.match(stageOf(s, 'build')?.reason ?? '', /A person was asked: enough/);
    assert.equal(s.state.runs.get('run-1')?.status, 'failure');
  });

  it('fails where nobody is there to answer: no policy says yes for a person', () => {
    const obligations = { headless: 'grant' as const };
    assert.equal(run({ ...WORK, obligations }, { mode: 'policy' }).state.runs.get('run-1')?.status, 'failure');
    assert.equal(run(WORK, { mode: 'deny' }).state.runs.get('run-1')?.status, 'failure');
  });

  it('fails at once where the policy forbids to go on', () => {
    const s = run({ ...WORK, effect: (action) => (action.summary.startsWith('Go on') ? 'deny' : 'allow') });
    assert.deepEqual([asked(s).length, s.state.runs.get('run-1')?.status], [0, 'failure']);
  });

  it('takes no other choice, and no rule for the next time', () => {
    const s = run();
    assert.throws(() => answer(s, 'grant', '', 'shrug'), /retry, skip/);
    const remember = { rule: 'r', text: '', excepts: [], says: 'all' };
    const id = asked(s)[0]?.id ?? '';
    assert.throws(() => s.apply({ type: 'approval/answer', approval: id, answer: 'grant', by: 'a', reason: '', remember }), /next one/);
  });

  it('is withdrawn with the run', () => {
    const s = run();
    s.drive(definition, [{ type: 'run/cancel', run: 'run-1', reason: 'enough' }]);
    assert.deepEqual([asked(s).length, s.state.runs.get('run-1')?.status], [0, 'canceled']);
  });
});

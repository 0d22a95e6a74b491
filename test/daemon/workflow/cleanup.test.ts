import assert from 'node:assert/strict';
import { stageOf } from '../../../shared/state/select.ts';
import type { Command } from '../../../daemon/commands.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';

const AGENTS = ['worker', 'command', 'lead'].map(
  (agent): Command => ({ type: 'agent/register', agent, role: '', capabilities: [], tags: [], adapter: 'command', slots: 4 }),
);
const START: Command = { type: 'run/start', run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: {}, again: false };
const DEFINITION = loadDefinition(`workflow: test
version: 1
stages:
  - { id: servers, agent: worker, action: do, cleanup: [{ name: stop, command: [make, stop] }, { name: tell, agent: lead, prompt: Say that it is over. }] }
  - { id: tests, agent: worker, action: do, needs: [servers], cleanup: [{ name: wipe, command: [make, wipe] }] }
  - { id: last, agent: worker, action: do, needs: [tests] }
`);
const statuses = (s: Simulation) =>
  Object.fromEntries([...(s.state.stages.get('run-1')?.values() ?? [])].map(({ id, status }) => [id, status]));
const statusOf = (s: Simulation) => s.state.runs.get('run-1')?.status;

describe('cleanup', () => {
  it('comes after success, and after failure', () => {
    const fails = (which: string): Scripts => ({ work: (stage) => (stage === which ? { status: 'failed', code: 'command_failed' } : {}) });
    for (const [which, status] of [
      ['', 'success'],
      ['tests', 'failure'],
    ] as const) {
      const s = new Simulation(fails(which));
      s.drive(DEFINITION, [...AGENTS, START]);
      assert.equal(statusOf(s), status);
      const { 'servers-stop': stop, 'servers-tell': tell, 'tests-wipe': wipe } = statuses(s);
      assert.deepEqual([stop, tell, wipe], ['completed', 'completed', 'completed']);
    }
    const failing = new Simulation(fails('servers-stop'));
    failing.drive(DEFINITION, [...AGENTS, START]);
    assert.equal(statusOf(failing), 'success', 'a cleanup that fails is said, and fails nothing');
  });

  it('comes after a cancel, for what was begun and nothing else, and the run ends after it', () => {
    const whole = new Simulation();
    whole.drive(DEFINITION, [...AGENTS, START]);
    const begins = whole.events.findIndex((event) => event.type === 'task.assigned' && event.stage === 'tests');
    for (let stop = AGENTS.length * 3 + 2; stop < whole.events.length; stop += 1) {
      const s = new Simulation();
      s.drive(DEFINITION, [...AGENTS, START], stop);
      if (statusOf(s) === undefined || statusOf(s) === 'success') continue;
      s.drive(DEFINITION, [{ type: 'run/cancel', run: 'run-1', reason: 'enough' }]);
      assert.equal(statusOf(s), 'canceled', `canceled after ${stop} events`);
      for (const [owner, cleanup] of [
        ['servers', 'servers-stop'],
        ['tests', 'tests-wipe'],
      ] as const) {
        const begun = stageOf(s.state, 'run-1', owner) !== undefined;
        assert.equal(
          stageOf(s.state, 'run-1', cleanup)?.status,
          begun ? 'completed' : undefined,
          `${cleanup}, canceled after ${stop} events`,
        );
      }
      assert.equal(s.events.at(-1)?.type, 'run.canceled');
      if (stop < begins) assert.equal(stageOf(s.state, 'run-1', 'last')?.status, undefined);
      assert.equal(s.state.pending.size + s.state.active.size, 0);
    }
  });

  it('comes after a cancel also over a restart', () => {
    const s = new Simulation();
    s.drive(DEFINITION, [...AGENTS, START], AGENTS.length * 3 + 9);
    s.apply({ type: 'run/cancel', run: 'run-1', reason: 'enough' });
    const next = s.restart(DEFINITION);
    next.drive(DEFINITION, []);
    assert.equal(statusOf(next), 'canceled');
    assert.equal(stageOf(next.state, 'run-1', 'servers-stop')?.status, 'completed');
  });
});

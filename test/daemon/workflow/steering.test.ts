import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { listUntaken } from '../../../daemon/workflow/load-agents.ts';
import { loadDefinition, Simulation } from '../../support/engine.ts';
import { AGENTS, agent, load, runOf, simulate as run, start } from '../../support/simulate.ts';

describe('who does the work', () => {
  it('is an agent that has the role and the tags, the one with the least to do', () => {
    const definition = load(`
  - { id: a, agent: { role: coder, tags: [rust] }, action: do }
  - { id: b, agent: { role: coder }, action: do }
`);
    const wants = Object.fromEntries([...run(definition).state.tasks.values()].map((t) => [t.stage, t.wants]));
    assert.deepEqual(wants, { a: 'rust', b: 'go' });
  });

  it('is said to be missing where nobody fits', () => {
    const s = run(load('  - { id: a, agent: { role: painter, tags: [oil] }, action: do }\n'));
    assert.match(runOf(s).summary, /an agent with the role painter, the tag oil/);
    const near = run(load('  - { id: a, agent: { role: coder, tags: [rust], region: north }, action: do }\n'));
    assert.match(
      runOf(near).summary,
      /the region north\) is registered\. Nearest: rust lacks the region north; go lacks the tag rust and the region north\./,
    );
  });

  it('is one of the region that is wanted', () => {
    const s = new Simulation();
    const north = { ...agent('north', { role: 'coder' }), region: 'north' } as Command;
    s.drive(load('  - { id: a, agent: { role: coder, region: north }, action: do }\n'), [...AGENTS, north, start()]);
    assert.deepEqual(
      [...s.state.tasks.values()].map((t) => t.wants),
      ['north'],
    );
  });

  it('is warned of at validation, at the place of the stage, where nobody could take it', () => {
    const text =
      'workflow: test\nversion: 1\nstages:\n  - { id: a, agent: worker, action: do, approvers: [boss] }\n  - { id: b, matrix: [1], agent: { role: painter }, action: do }\n  - { id: c, agent: { tags: ["{a.x}"] }, action: do, needs: [a] }\n';
    const s = new Simulation();
    for (const one of AGENTS) s.apply(one);
    const warnings = listUntaken({ file: 'w.yaml', text }, loadDefinition(text), [...s.state.agents.values()]);
    assert.deepEqual(
      warnings.map(({ line, message }) => [line, message.split(' is registered')[0]]),
      [
        [4, 'No agent boss'],
        [5, 'Nobody who fits (an agent with the role painter)'],
      ],
    );
  });
});

describe('a paused run', () => {
  const two = load('  - { id: a, agent: worker, action: do }\n  - { id: b, agent: worker, action: do, needs: [a] }\n');

  it('starts nothing new, ends by nothing, also over a restart, and goes on when it is resumed', () => {
    const s = new Simulation();
    s.drive(two, [
      ...AGENTS,
      start(),
      { type: 'run/begin', run: 'run-1' },
      { type: 'run/pause', run: 'run-1', by: 'user', reason: 'lunch' },
    ]);
    assert.equal(runOf(s).status, 'paused');
    const again = s.restart(two);
    again.drive(two, []);
    assert.deepEqual([runOf(again).status, runOf(again).paused?.reason, again.state.tasks.size], ['paused', 'lunch', 0]);
    again.drive(two, [{ type: 'run/resume', run: 'run-1', by: 'user' }]);
    assert.equal(runOf(again).status, 'success');
  });

  it('can be canceled', () => {
    const s = new Simulation();
    s.drive(two, [...AGENTS, start(), { type: 'run/begin', run: 'run-1' }, { type: 'run/pause', run: 'run-1', by: 'user', reason: '' }]);
    s.drive(two, [{ type: 'run/cancel', run: 'run-1', reason: 'enough' }]);
    assert.equal(runOf(s).status, 'canceled');
  });
});

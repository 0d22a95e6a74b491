import assert from 'node:assert/strict';
import { listDue } from '../../../daemon/scheduler/due.ts';
import type { Escalation } from '../../../shared/state/action.ts';
import { stageOf } from '../../../shared/state/select.ts';
import type { Command } from '../../../daemon/commands.ts';
import { loadDefinition, Simulation } from '../../support/engine.ts';

const MINUTE = 60_000;
const STEPS: Escalation[] = [
  { level: 1, afterMs: 30 * MINUTE, to: [] },
  { level: 2, afterMs: 150 * MINUTE, to: [] },
  { level: 3, afterMs: 390 * MINUTE, to: [] },
];
const agent = (id: string, role = ''): Command => ({
  type: 'agent/register',
  agent: id,
  role,
  capabilities: [],
  tags: [],
  adapter: 'command',
  slots: 1,
});
const START: Command = { type: 'run/start', run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: {}, again: false };
const DEFINITION = loadDefinition('workflow: test\nversion: 1\nstages:\n  - { id: build, agent: worker, action: do, sla: 4h }\n');

/** A run whose one stage waits for an agent that is away. */
function waiting(): Simulation {
  const s = new Simulation();
  for (const command of [agent('worker'), agent('peer'), agent('boss', 'lead')]) s.apply(command);
  s.apply({ type: 'agent/leave', agent: 'worker', reason: 'gone' });
  s.drive(DEFINITION, [START]);
  return s;
}
/** One look of the clock each minute; gives what was told, with the minute. */
function look(s: Simulation, minutes: number): string[] {
  const from = s.now;
  const told: string[] = [];
  for (let minute = 1; minute <= minutes; minute += 1) {
    s.now = from + minute * MINUTE;
    for (const command of listDue(s.state, s.now, [], STEPS))
      for (const event of s.apply(command))
        if (event.type === 'stage.escalated') told.push(`${minute}: ${event.data.level} ${event.data.told.join(',')} ${event.data.why}`);
  }
  return told;
}

describe('a stage that is held up', () => {
  it('is told to a peer, a lead and a person in turn, each once and never again at the next look', () => {
    const s = waiting();
    assert.deepEqual(look(s, 600), [
      '30: 1 peer,boss Its work waits for the agent worker.',
      '150: 2 boss Its work waits for the agent worker.',
      '390: 3  Its work waits for the agent worker.',
    ]);
    assert.equal(stageOf(s.state, 'run-1', 'build')?.escalated?.level, 3);
    assert.deepEqual(look(s.restart(DEFINITION), 60), [], 'nor after a restart');
  });

  it('is told from the time on that its own time was over, where it is at work', () => {
    const s = waiting();
    s.apply(agent('worker'));
    s.apply({ type: 'task/assign', task: [...s.state.pending][0] ?? '', attempt: 'a', agent: 'worker' });
    s.state.active.clear();
    const told = look(s, 300);
    assert.deepEqual(told, ['270: 1 peer,boss It should be done by now.']);
  });

  it('tells nobody while the run is paused, once it has ended, or where nobody is to be told', () => {
    const paused = waiting();
    paused.apply({ type: 'run/pause', run: 'run-1', by: 'me', reason: '' });
    assert.deepEqual(look(paused, 600), []);
    const ended = waiting();
    ended.drive(DEFINITION, [{ type: 'run/cancel', run: 'run-1', reason: 'no' }]);
    assert.deepEqual(look(ended, 600), []);
    assert.deepEqual(
      listDue(waiting().state, Date.parse('2027-01-01T00:00:00Z'), []).filter(({ type }) => type === 'stage/escalate'),
      [],
    );
  });
});

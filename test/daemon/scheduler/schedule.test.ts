import assert from 'node:assert/strict';
import { listDue } from '../../../daemon/scheduler/due.ts';
import { reconcile } from '../../../daemon/scheduler/reconcile.ts';
import fc from 'fast-check';
import { AGEING_MS, assignPending } from '../../../daemon/scheduler/schedule.ts';
import { Simulation } from '../../support/engine.ts';

function withTasks(slots: number, priorities: number[]): Simulation {
  const s = new Simulation();
  s.apply({ type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'remote', slots });
  priorities.forEach((priority, i) =>
    s.apply({
      type: 'task/submit',
      task: `t${i}`,
      wants: 'w',
      action: 'do',
      priority,
      timeoutMs: 1_000,
      maxAttempts: 1,
      payload: {},
      artifacts: {},
    }),
  );
  return s;
}
const ids = () => {
  let n = 0;
  return () => `a${++n}`;
};

describe('the scheduler', () => {
  it('takes higher priority first, then the order of submission', () => {
    const s = withTasks(3, [0, 5, 0, 5]);
    assert.deepEqual(
      assignPending(s.state, ids()).map((c) => c.task),
      ['t1', 't3', 't0'],
    );
  });

  it('lets nothing wait for ever: whatever comes later and is more important, each task is given within a bound that follows from its priority', () => {
    const arrivals = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.integer({ min: -100, max: 100 }), fc.array(arrivals, { minLength: 1, maxLength: 5 }), (priority, waves) => {
        const s = withTasks(1, [priority]);
        const submit = (task: string, wanted: number): void =>
          void s.apply({
            type: 'task/submit',
            task,
            wants: 'w',
            action: 'do',
            priority: wanted,
            timeoutMs: 1_000_000_000,
            maxAttempts: 1,
            payload: {},
            artifacts: {},
          });
        const bound = 200 + 2;
        for (let round = 0; round < bound; round += 1) {
          const [next] = assignPending(s.state, ids());
          assert.ok(next);
          if (next.task === 't0') return;
          s.apply({ ...next, attempt: `a${round}` });
          s.apply({ type: 'attempt/run', attempt: `a${round}`, token: 1 });
          s.now += AGEING_MS;
          (waves[round % waves.length] ?? []).forEach((wanted, i) => submit(`r${round}-${i}`, wanted));
          s.apply({ type: 'attempt/end', attempt: `a${round}`, token: 1, ending: { status: 'succeeded', values: {} } });
        }
        assert.fail('It starved.');
      }),
      { numRuns: 20 },
    );
  });

  it('asks for no more than there are free slots', () => {
    assert.equal(assignPending(withTasks(2, [0, 0, 0]).state, ids()).length, 2);
  });

  it('gives nothing to an agent that is not ready', () => {
    const s = withTasks(2, [0]);
    s.apply({ type: 'agent/leave', agent: 'w', reason: 'gone' });
    assert.deepEqual(assignPending(s.state, ids()), []);
  });

  it('gives up a lease that has run out, and not before', () => {
    const s = withTasks(1, [0]);
    s.apply({ type: 'task/assign', task: 't0', attempt: 'a', agent: 'w' });
    assert.deepEqual(listDue(s.state, s.now + 999, []), []);
    assert.deepEqual(
      listDue(s.state, s.now + 1_000, []).map((c) => c.type),
      ['attempt/end'],
    );
  });

  it('interrupts at a start what was under way, and takes remote agents offline', () => {
    const s = withTasks(1, [0]);
    s.apply({ type: 'task/assign', task: 't0', attempt: 'a', agent: 'w' });
    for (const command of reconcile(s.state)) s.apply(command);
    assert.equal(s.state.tasks.get('t0')?.status, 'pending');
    assert.equal(s.state.agents.get('w')?.status, 'offline');
    assert.deepEqual(reconcile(s.state), []);
  });
});

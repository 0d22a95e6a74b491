// Tasks that a task's agent gives to others, and values that it reports.
import assert from 'node:assert/strict';
import { CHILD_BOUNDS } from '../../../shared/protocol/agent-tools.ts';
import type { Command } from '../../../daemon/commands.ts';
import { Simulation } from '../../support/engine.ts';

const submit = (task: string, parent?: string): Command => ({
  ...{ type: 'task/submit', task, wants: 'w', action: 'do', priority: 0, timeoutMs: 1_000, maxAttempts: 2, payload: {}, artifacts: {} },
  ...(parent === undefined ? {} : { parent, part: 'child' as const }),
});
const assign = (task: string, attempt: string): Command => ({ type: 'task/assign', task, attempt, agent: 'w' });
const end = (attempt: string, status: 'succeeded' | 'failed' | 'interrupted', token = 1): Command => ({
  ...{ type: 'attempt/end', attempt, token, ending: { status, values: { own: true, coverage: 1 } } },
});

/** A task `t` that runs as `a1`. */
function begin(): Simulation {
  const s = new Simulation({});
  s.apply({ type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'command', slots: 9 });
  s.apply(submit('t'));
  s.apply(assign('t', 'a1'));
  s.apply({ type: 'attempt/run', attempt: 'a1', token: 1 });
  return s;
}

describe('tasks of tasks', () => {
  it('are so many and so deep at most', () => {
    const s = begin();
    for (let i = 0; i < CHILD_BOUNDS.perTask; i += 1) s.apply(submit(`t.${i}`, 't'));
    assert.deepEqual(s.apply(submit('t.0', 't')), []);
    assert.throws(() => s.apply(submit('t.more', 't')), { code: 'too_many', message: /10 others at most/ });
    s.apply(submit('t.0.0', 't.0'));
    assert.throws(() => s.apply(submit('t.0.0.0', 't.0.0')), { code: 'too_many', message: /2 deep/ });
    assert.throws(() => s.apply(submit('x', 'nobody')), { code: 'stale_lease' });
  });

  it('end with the task that they are a part of, but not when it is tried again', () => {
    const s = begin();
    s.apply(submit('waits', 't'));
    s.apply(submit('runs', 't'));
    s.apply(assign('runs', 'b1'));
    s.apply({ type: 'attempt/run', attempt: 'b1', token: 1 });
    s.apply(submit('deep', 'runs'));
    s.apply(end('a1', 'interrupted'));
    assert.equal(s.state.tasks.get('waits')?.status, 'pending');
    s.apply(assign('t', 'a2'));
    s.apply({ type: 'attempt/run', attempt: 'a2', token: 2 });
    const last = s.apply(end('a2', 'succeeded', 2)).map(({ type, task }) => `${type} ${task ?? ''}`);
    assert.deepEqual(last.slice(-3), ['task.canceled waits', 'task.cancel_requested runs', 'task.completed t']);
    s.apply({ type: 'attempt/end', attempt: 'b1', token: 1, ending: { status: 'canceled', values: {} } });
    assert.deepEqual(
      ['waits', 'runs', 'deep'].map((id) => s.state.tasks.get(id)?.status),
      ['canceled', 'canceled', 'canceled'],
    );
  });
});

describe('values that an agent reports', () => {
  const report = (values: Record<string, unknown>, token = 1): Command => ({ type: 'attempt/report', attempt: 'a1', token, values });

  it('are the values of its task, where the ending says nothing else; the later one counts', () => {
    const s = begin();
    s.apply(report({ lines: 10, branches: 5 }));
    s.apply(report({ lines: 20 }));
    assert.deepEqual(s.apply(report({ lines: 20 })), []);
    s.apply(end('a1', 'succeeded'));
    assert.deepEqual(s.state.tasks.get('t')?.values, { lines: 20, branches: 5, own: true, coverage: 1 });
    assert.throws(() => s.apply(report({ lines: 30 })), { code: 'stale_lease' });
  });

  it('are small, all of them together, and only those of the newest lease', () => {
    const s = begin();
    s.apply(report({ a: 'x'.repeat(5_000) }));
    assert.throws(() => s.apply(report({ b: 'x'.repeat(5_000) })), { code: 'commit_too_large' });
    assert.throws(() => s.apply(report({ b: 1 }, 7)), { code: 'stale_lease' });
  });
});

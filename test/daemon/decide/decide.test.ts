import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { Simulation } from '../../support/engine.ts';

const types = (events: readonly { type: string }[]) => events.map((e) => e.type);
const agent = (slots = 1): Command => ({
  type: 'agent/register',
  agent: 'w',
  role: '',
  capabilities: [],
  tags: [],
  adapter: 'remote',
  slots,
});
const submit = (task = 't', more: Partial<Extract<Command, { type: 'task/submit' }>> = {}): Command => ({
  ...{ type: 'task/submit', task, wants: 'w', action: 'do', priority: 0, timeoutMs: 1_000, maxAttempts: 2, payload: {}, artifacts: {} },
  ...more,
});
const assign = (attempt = 'a1', task = 't'): Command => ({ type: 'task/assign', task, attempt, agent: 'w' });
const end = (attempt: string, token: number, status: 'succeeded' | 'failed' | 'interrupted' | 'timeout', message = ''): Command => ({
  ...{ type: 'attempt/end', attempt, token },
  ending: { status, values: {}, message },
});

/** A simulation to which the commands were applied. */
function given(...commands: Command[]): Simulation {
  const s = new Simulation();
  for (const command of commands) s.apply(command);
  return s;
}

/** Lets the time go by that a task waits before it is tried again. */
function wake(s: Simulation, task: string): void {
  s.now = Date.parse(s.state.tasks.get(task)?.notBefore ?? '');
  s.apply({ type: 'task/wake', task });
}

describe('decide: tasks and attempts', () => {
  it('submits a task once, whatever the client repeats', () => {
    const s = given(agent(), submit());
    assert.deepEqual(s.apply(submit()), []);
    assert.throws(() => s.apply(submit('t', { action: 'other' })), { code: 'id_taken' });
  });

  it('refuses a task for an agent that nobody registered, and says what to do', () => {
    assert.throws(() => new Simulation().apply(submit()), { code: 'agent_unknown', message: /signalbox agents/ });
  });

  it('gives no agent more than its slots', () => {
    const s = given(agent(1), submit('t'), submit('u'), assign('a1', 't'));
    assert.equal(s.state.agents.get('w')?.status, 'busy');
    assert.throws(() => s.apply(assign('a2', 'u')), { code: 'invalid_transition' });
  });

  it('frees the slot when the attempt ends', () => {
    const s = given(agent(1), submit(), assign(), end('a1', 1, 'succeeded'));
    assert.equal(s.state.agents.get('w')?.status, 'ready');
    assert.equal(s.state.tasks.get('t')?.status, 'completed');
  });

  it('takes a success that comes before the start was told', () => {
    const s = given(agent(), submit(), assign());
    assert.deepEqual(types(s.apply(end('a1', 1, 'succeeded'))), ['attempt.running', 'task.running', 'attempt.ended', 'task.completed']);
  });

  it('retries a failure as often as the task allows, then leaves a dead letter', () => {
    const s = given(agent(), submit(), assign('a1'), end('a1', 1, 'failed', 'one'));
    assert.equal(s.state.tasks.get('t')?.status, 'pending');
    wake(s, 't');
    s.apply(assign('a2'));
    s.apply(end('a2', 2, 'failed', 'two'));
    const task = s.state.tasks.get('t');
    assert.deepEqual([task?.status, task?.deadLetter, task?.message], ['failed', true, 'two']);
  });

  it('does not count an interruption as a failure, but not without end', () => {
    const s = given(agent(), submit('t', { maxAttempts: 1 }));
    for (let n = 1; n <= 9; n++) {
      s.apply(assign(`a${n}`));
      s.apply(end(`a${n}`, n, 'interrupted'));
      assert.equal(s.state.tasks.get('t')?.status, 'pending', `after ${n}`);
    }
    s.apply(assign('a10'));
    s.apply(end('a10', 10, 'interrupted'));
    assert.equal(s.state.tasks.get('t')?.code, 'interrupted_too_often');
  });

  it('lets the late answer of an attempt that was given up change nothing', () => {
    const s = given(agent(), submit(), assign('a1'), end('a1', 1, 'timeout', 'late'));
    wake(s, 't');
    s.apply(assign('a2'));
    assert.throws(() => s.apply(end('a1', 1, 'succeeded')), { code: 'stale_lease' });
    assert.throws(() => s.apply(end('a2', 1, 'succeeded')), { code: 'stale_lease' }, 'a wrong token');
    assert.equal(s.state.tasks.get('t')?.status, 'assigned');
  });

  it('ends a waiting task at once, and asks a running one to end', () => {
    const s = given(agent(), submit('t'), submit('u'), assign('a1', 't'));
    assert.deepEqual(types(s.apply({ type: 'task/cancel', task: 'u', reason: '' })), ['task.canceled']);
    assert.deepEqual(types(s.apply({ type: 'task/cancel', task: 't', reason: 'no' })), ['task.cancel_requested']);
    assert.deepEqual(s.apply({ type: 'task/cancel', task: 't', reason: 'no' }), []);
    s.apply(end('a1', 1, 'failed', 'killed'));
    assert.equal(s.state.tasks.get('t')?.status, 'canceled');
  });
});

describe('decide: agents', () => {
  it('says nothing new about an agent that is registered as it stands', () => {
    assert.deepEqual(given(agent()).apply(agent()), []);
  });

  it('takes an agent that is busy offline by way of draining', () => {
    const s = given(agent(), submit(), assign());
    assert.deepEqual(types(s.apply({ type: 'agent/leave', agent: 'w', reason: 'gone' })), ['agent.draining', 'agent.offline']);
    assert.deepEqual(types(s.apply(agent())), ['agent.starting', 'agent.ready']);
  });
});

describe('decide: runs', () => {
  const start = (run: string, again = false): Command => ({
    ...{ type: 'run/start', run, workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again },
    repository: { repo: '/r', gitDir: '/r/.git', commonDir: '/r/.git', base: 'b' },
  });

  it('starts the same workflow once at a time on a repository, unless asked for again', () => {
    const s = given(start('r1'));
    assert.deepEqual(s.apply(start('r1')), []);
    assert.throws(() => s.apply(start('r2')), { code: 'run_active', message: /r1/ });
    assert.deepEqual(types(s.apply(start('r2', true))), ['run.submitted']);
  });

  it('takes back only what was merged', () => {
    assert.throws(() => given(start('r1')).apply({ type: 'undo/start', run: 'r1', by: 'user' }), { code: 'nothing_to_undo' });
  });
});

describe('decide: approvals', () => {
  const asked = (): Simulation => {
    const s = new Simulation({ effect: () => 'require_approval' });
    s.apply({ type: 'run/start', run: 'r', workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: false });
    s.apply({ type: 'stage/start', run: 'r', stage: 's', prepare: true });
    const action = {
      kind: 'stage.advance',
      summary: 'go',
      agent: '',
      run: 'r',
      stage: 's',
      task: '',
      repo: '',
      risk: 'low',
      workflow: 'w',
      base: '',
      always: false,
    } as const;
    s.apply({
      type: 'stage/propose',
      run: 'r',
      stage: 's',
      round: 1,
      proposals: [{ key: 'k', action, artifact: 'x', show: {} }],
      done: true,
      facts: {},
    });
    return s;
  };
  const id = (s: Simulation) => [...s.state.approvals.keys()][0] ?? '';
  const answer = (approval: string, how: 'grant' | 'deny'): Command => ({
    type: 'approval/answer',
    approval,
    answer: how,
    by: 'user',
    reason: '',
  });

  it('is answered once: the same answer again changes nothing, another is refused with who answered', () => {
    const s = asked();
    assert.deepEqual(types(s.apply(answer(id(s), 'grant'))), ['approval.granted']);
    assert.deepEqual(s.apply(answer(id(s), 'grant')), []);
    assert.throws(() => s.apply(answer(id(s), 'deny')), { code: 'approval_settled', message: /user/ });
  });

  it('is a no when nobody answers in time, also when the answer comes late', () => {
    const s = asked();
    s.now += 60_001;
    assert.deepEqual(types(s.apply(answer(id(s), 'grant'))), ['approval.expired']);
  });

  it('can be revoked while nothing has used it', () => {
    const s = asked();
    const revoke: Command = { type: 'approval/revoke', approval: id(s), by: 'user', reason: '' };
    assert.throws(() => s.apply(revoke), { code: 'approval_settled' });
    s.apply(answer(id(s), 'grant'));
    assert.deepEqual(types(s.apply(revoke)), ['approval.revoked']);
    assert.deepEqual(s.apply(revoke), []);
  });

  it('is asked once for each action, whatever the preparation repeats', () => {
    const s = asked();
    const action = {
      kind: 'stage.advance',
      summary: 'go',
      agent: '',
      run: 'r',
      stage: 's',
      task: '',
      repo: '',
      risk: 'low',
      workflow: 'w',
      base: '',
      always: false,
    } as const;
    assert.deepEqual(
      s.apply({
        type: 'stage/propose',
        run: 'r',
        stage: 's',
        round: 1,
        proposals: [{ key: 'k', action, artifact: 'x', show: {} }],
        done: true,
        facts: {},
      }),
      [],
    );
  });

  it('moves its deadline when the machine slept', () => {
    const s = asked();
    const before = Date.parse(s.state.approvals.get(id(s))?.expiresAt ?? '');
    s.apply({ type: 'daemon/resume', sleptMs: 5_000 });
    assert.equal(Date.parse(s.state.approvals.get(id(s))?.expiresAt ?? ''), before + 5_000);
  });
});

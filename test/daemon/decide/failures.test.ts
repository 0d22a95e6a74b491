import assert from 'node:assert/strict';
import { answerFailure, classOf, type FailureAnswer, waitBefore } from '../../../shared/state/failure.ts';
import { isDeadLetter } from '../../../shared/state/task.ts';
import type { AttemptEnding, Command } from '../../../daemon/commands.ts';
import { listDue } from '../../../daemon/scheduler/due.ts';
import { assignPending } from '../../../daemon/scheduler/schedule.ts';
import { chooseAgent } from '../../../daemon/workflow/agents.ts';
import { Simulation } from '../../support/engine.ts';

describe('what is done about a failure', () => {
  const base = { open: false, code: 'agent_exited', failures: 1, attempts: 3, critical: true };
  const flow: [string, Partial<Parameters<typeof answerFailure>[0]>, FailureAnswer][] = [
    ['the breaker is open: nothing more, whatever else holds', { open: true }, 'dead_letter'],
    ['the breaker is open, and trying again would not help anyway', { open: true, code: 'denied' }, 'dead_letter'],
    ['trying again cannot mend it: a person', { code: 'denied' }, 'escalate'],
    ['it is none of those that are tried again: a person', { on: ['command_failed'] }, 'escalate'],
    ['it is one of those, and attempts are left', { on: ['agent_exited'] }, 'retry'],
    ['attempts are left', {}, 'retry'],
    ['the last attempt but one', { failures: 2 }, 'retry'],
    ['no attempt is left', { failures: 3 }, 'dead_letter'],
    ['not critical: tried again all the same', { critical: false }, 'retry'],
    ['not critical, and no attempt is left', { critical: false, failures: 3 }, 'skip'],
    ['not critical, and trying again cannot mend it', { critical: false, code: 'denied' }, 'skip'],
    ['not critical, and the breaker is open', { critical: false, open: true }, 'skip'],
  ];
  for (const [what, change, answer] of flow) it(what, () => assert.equal(answerFailure({ ...base, ...change }), answer));

  it('waits by the class of the failure, longer each time, up to a bound, and less by chance', () => {
    assert.deepEqual(['rate_limited', 'agent_exited', 'task_timeout', 'command_failed'].map(classOf), [
      'limited',
      'agent',
      'agent',
      'work',
    ]);
    const waits = (code: string, random = 0) => [1, 2, 3, 30].map((failures) => waitBefore(code, undefined, failures, random));
    assert.deepEqual(waits('rate_limited'), [30_000, 60_000, 120_000, 600_000]);
    assert.deepEqual(waits('agent_exited'), [2_000, 4_000, 8_000, 300_000]);
    assert.deepEqual(waits('agent_exited', 1), [1_600, 3_200, 6_400, 240_000]);
    const own = { backoffMs: 100, factor: 3, maxMs: 1_000, jitter: 0 };
    assert.deepEqual(
      [1, 2, 3, 4].map((failures) => waitBefore('command_failed', own, failures, 0.5)),
      [100, 300, 900, 1_000],
    );
    assert.equal(waitBefore('rate_limited', own, 1, 0), 30_000, 'a limit is never run against sooner');
  });
});

const agent = (id: string, adapter: 'acp' | 'remote' | 'command' = 'acp', slots = 4): Command => ({
  type: 'agent/register',
  agent: id,
  role: 'coder',
  capabilities: [],
  tags: [],
  adapter,
  slots,
});
const submit = (task: string, more: { maxAttempts?: number; critical?: false; wants?: string } = {}): Command => ({
  type: 'task/submit',
  task,
  wants: 'a',
  action: 'prompt',
  priority: 0,
  timeoutMs: 1_000,
  maxAttempts: 1,
  payload: {},
  artifacts: {},
  ...more,
});
const DIED = { status: 'failed', code: 'agent_exited', message: 'It ended.' } as const;

function world(...commands: Command[]): Simulation {
  const s = new Simulation({ breaker: { failures: 3, restMs: 60_000 } });
  for (const command of commands) s.apply(command);
  return s;
}
let attempts = 0;
/** Gives a task to its agent, and ends the attempt; gives the types of the events. */
function attempt(s: Simulation, task: string, ending: Partial<AttemptEnding> = {}): string[] {
  const id = `attempt-${++attempts}`;
  const { wants = '' } = s.state.tasks.get(task) ?? {};
  s.apply({ type: 'task/assign', task, attempt: id, agent: wants });
  s.apply({ type: 'attempt/run', attempt: id, token: s.state.tasks.get(task)?.token ?? 0 });
  return s
    .apply({
      type: 'attempt/end',
      attempt: id,
      token: s.state.tasks.get(task)?.token ?? 0,
      ending: { status: 'succeeded', values: {}, ...ending },
    })
    .map(({ type }) => type);
}
const breaker = (s: Simulation, id = 'a') => s.state.agents.get(id)?.breaker;

describe('the breaker of an agent', () => {
  it('opens after so many failures in a row, rests, is tried with one task, and closes', () => {
    const s = world(agent('a'), ...[1, 2, 3, 4, 5].map((n) => submit(`t${n}`)));
    assert.ok(!attempt(s, 't1', DIED).includes('agent.breaker_opened'));
    attempt(s, 't2', DIED);
    assert.ok(attempt(s, 't3', DIED).includes('agent.breaker_opened'));
    assert.deepEqual([breaker(s)?.state, breaker(s)?.failures, breaker(s)?.code], ['open', 3, 'agent_exited']);
    assert.deepEqual(
      assignPending(s.state, () => 'x'),
      [],
      'it gets no work',
    );
    assert.throws(() => attempt(s, 't4'), { code: 'invalid_transition', message: /rests/ });
    assert.deepEqual(listDue(s.state, s.now + 59_999, []), []);
    s.now += 60_000;
    for (const command of listDue(s.state, s.now, [])) s.apply(command);
    assert.equal(breaker(s)?.state, 'half_open');
    assert.equal(assignPending(s.state, () => 'x').length, 1, 'one task, however many slots it has');
    assert.ok(attempt(s, 't4').includes('agent.breaker_closed'));
    assert.deepEqual(breaker(s), { state: 'closed', failures: 0 });
    assert.equal(assignPending(s.state, () => 'x').length, 1);
  });

  it('opens again when the trial fails, and closes when a person says so', () => {
    const s = world(agent('a'), ...[1, 2, 3, 4].map((n) => submit(`t${n}`)));
    for (const task of ['t1', 't2', 't3']) attempt(s, task, DIED);
    s.now += 60_000;
    s.apply({ type: 'agent/breaker', agent: 'a', to: 'half_open', by: '' });
    assert.ok(attempt(s, 't4', DIED).includes('agent.breaker_opened'));
    assert.equal(breaker(s)?.state, 'open');
    assert.deepEqual(s.apply({ type: 'agent/breaker', agent: 'a', to: 'half_open', by: '' }), [], 'not before it has rested');
    s.apply({ type: 'agent/breaker', agent: 'a', to: 'closed', by: 'me' });
    assert.equal(breaker(s)?.state, 'closed');
    assert.deepEqual(s.apply({ type: 'agent/breaker', agent: 'a', to: 'closed', by: 'me' }), []);
  });

  it('counts failures of the agent, and not what its work came to; a success in between starts anew', () => {
    const harmless: Partial<AttemptEnding>[] = [
      { status: 'failed', code: 'output_missing' },
      { status: 'failed', code: 'denied' },
      { status: 'canceled' },
      { status: 'interrupted', code: 'interrupted' },
    ];
    const s = world(
      agent('a'),
      agent('programs', 'command'),
      ...Array.from({ length: 12 }, (_, n) => submit(`t${n}`)),
      ...[0, 1, 2, 3].map((n) => submit(`p${n}`, { wants: 'programs' })),
    );
    harmless.forEach((ending, n) => attempt(s, `t${n}`, ending));
    assert.equal(breaker(s), undefined);
    attempt(s, 't4', DIED);
    attempt(s, 't5', DIED);
    attempt(s, 't6');
    assert.equal(breaker(s)?.failures, 0);
    for (const n of [0, 1, 2, 3]) attempt(s, `p${n}`, { status: 'failed', code: 'command_failed' });
    assert.equal(breaker(s, 'programs'), undefined, 'each command is another program');
  });

  it('makes a dead letter of what fails while it is open, and of the next to be chosen another agent', () => {
    const s = world(agent('a'), agent('b'), ...[1, 2, 3, 4].map((n) => submit(`t${n}`, { maxAttempts: 3 })));
    for (const task of ['t1', 't2', 't3', 't4']) s.apply({ type: 'task/assign', task, attempt: `of-${task}`, agent: 'a' });
    for (const task of ['t1', 't2', 't3', 't4'])
      s.apply({ type: 'attempt/end', attempt: `of-${task}`, token: 1, ending: { ...DIED, values: {} } });
    assert.deepEqual(
      ['t1', 't3', 't4'].map((task) => s.state.tasks.get(task)?.status),
      ['pending', 'pending', 'failed'],
    );
    assert.equal(s.state.tasks.get('t4')?.answer, 'dead_letter');
    assert.equal(chooseAgent(s.state, { select: { role: 'coder' } }), 'b');
  });
});

describe('dead letters', () => {
  it('are the failed tasks that nothing more is tried for, and are tried again as if they were new when somebody says so', () => {
    const s = world(agent('a'), submit('t', { maxAttempts: 2 }), submit('u', { critical: false }), submit('v'));
    attempt(s, 't', DIED);
    s.now += 10_000;
    s.apply({ type: 'task/wake', task: 't' });
    attempt(s, 't', DIED);
    attempt(s, 'u', { status: 'failed', code: 'output_missing' });
    attempt(s, 'v', { status: 'failed', code: 'denied' });
    const answers = ['t', 'u', 'v'].map((id) => s.state.tasks.get(id));
    assert.deepEqual(
      answers.map((task) => [task?.answer, task && isDeadLetter(task, undefined, undefined)]),
      [
        ['dead_letter', true],
        ['skip', false],
        ['escalate', true],
      ],
    );
    s.apply({ type: 'task/revive', task: 't', by: 'me' });
    assert.deepEqual(s.apply({ type: 'task/revive', task: 't', by: 'me' }), [], 'saying it again changes nothing');
    assert.throws(() => s.apply({ type: 'task/revive', task: 'u', by: 'me' }), { code: 'invalid_transition' });
    assert.deepEqual([s.state.tasks.get('t')?.failures, s.state.tasks.get('t')?.deadLetter], [0, false]);
    assert.ok(attempt(s, 't').includes('task.completed'));
  });
});

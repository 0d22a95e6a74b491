import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { listDue } from '../../../daemon/scheduler/due.ts';
import type { Action, Obligations } from '../../../shared/state/action.ts';
import { Simulation } from '../../support/engine.ts';

const MINUTE = 60_000;
const PERSON = { name: 'anna', scopes: ['observe', 'approve'] } as const;
const agentNamed = (name: string) => ({ name, scopes: ['observe', 'agent'] }) as const;
const MATRIX = [
  { level: 1, afterMs: 30 * MINUTE, to: [] },
  { level: 2, afterMs: 150 * MINUTE, to: [] },
  { level: 3, afterMs: 390 * MINUTE, to: [] },
] satisfies Obligations['escalate'];

const fetchFrom = (host: string): Action => ({
  ...{ kind: 'agent.fetch', summary: `Fetch from ${host}`, agent: 'w', run: '', stage: '', task: 't', repo: '', risk: 'medium' },
  ...{ urls: [`https://${host}/`], hosts: [host] },
});

/** An attempt of the agent `w` whose action is asked about; time passes by ticks, as for the daemon. */
class Question {
  readonly s: Simulation;
  readonly id: string;

  constructor(obligations: Obligations = {}) {
    this.s = new Simulation({ effect: ({ summary }) => (summary.includes('bad') ? 'deny' : 'require_approval'), obligations });
    for (const [agent, role] of [
      ['w', 'builder'],
      ['p', 'reviewer'],
      ['l', 'lead'],
    ] as const)
      this.s.apply({ type: 'agent/register', agent, role, capabilities: [], tags: [], adapter: 'remote', slots: 1 });
    this.s.apply({
      ...{ type: 'task/submit', task: 't', wants: 'w', action: 'do', priority: 0, timeoutMs: 1e9, maxAttempts: 3 },
      ...{ payload: {}, artifacts: {} },
    });
    this.s.apply({ type: 'task/assign', task: 't', attempt: 'a1', agent: 'w' });
    this.s.apply({ type: 'action/decide', attempt: 'a1', token: 1, proposal: this.proposal('a.test') });
    this.id = [...this.s.state.approvals.keys()][0] ?? '';
  }

  proposal(host: string) {
    return { key: 'k', action: fetchFrom(host), artifact: 'x', show: {} };
  }

  get now() {
    return this.s.state.approvals.get(this.id);
  }

  /** What the clock does at the end of so many minutes; the types of what it recorded. */
  pass(minutes: number, reminders: readonly number[] = []): string[] {
    this.s.now += minutes * MINUTE;
    return this.tick(reminders);
  }

  tick(reminders: readonly number[] = []): string[] {
    const commands = listDue(this.s.state, this.s.now, reminders);
    return commands
      .flatMap((command) => this.s.apply(command))
      .map((e) => (e.type === 'approval.escalated' ? `level ${e.data.level}` : e.type));
  }

  say(
    command:
      | Omit<Extract<Command, { type: 'approval/comment' }>, 'approval'>
      | Omit<Extract<Command, { type: 'approval/withdraw' }>, 'approval'>,
  ) {
    return this.s.apply({ ...command, approval: this.id }).map((e) => e.type);
  }

  answer(answer: 'grant' | 'deny', by: string) {
    return this.s.apply({ type: 'approval/answer', approval: this.id, answer, by, reason: `${by} says ${answer}` }).map((e) => e.type);
  }
}

describe('a question that waits', () => {
  it('is brought up again at each part of its time, once, also when the daemon was down meanwhile', () => {
    const q = new Question({ expiresMs: 100 * MINUTE });
    assert.deepEqual(q.pass(49, [0.5, 0.9]), []);
    assert.deepEqual(q.pass(1, [0.5, 0.9]), ['approval.reminded']);
    assert.deepEqual(q.tick([0.5, 0.9]), []);
    assert.deepEqual(q.pass(45, [0.5, 0.9]), ['approval.reminded']);
    assert.deepEqual([q.now?.reminders, q.pass(1, [0.5, 0.9])], [2, []]);
    const late = new Question({ expiresMs: 100 * MINUTE });
    assert.deepEqual(late.pass(95, [0.5, 0.9]), ['approval.reminded'], 'two were missed; one is enough');
    assert.deepEqual(late.tick([0.5, 0.9]), []);
    assert.deepEqual(late.pass(5, [0.5, 0.9]), ['approval.expired']);
  });

  it('goes up the matrix level by level, each raised once and never at the next tick', () => {
    const q = new Question({ escalate: MATRIX });
    assert.equal(q.now?.level, 0);
    assert.deepEqual([q.pass(29), q.pass(1), q.tick(), q.tick()], [[], ['level 1'], [], []]);
    assert.deepEqual([q.pass(119), q.pass(1), q.tick()], [[], ['level 2'], []]);
    assert.deepEqual([q.pass(240), q.tick(), q.pass(1)], [['level 3'], [], ['approval.expired']], 'a person had the whole minute');
  });

  it('raises what it missed in its order, and nothing that is behind it', () => {
    const q = new Question({ escalate: MATRIX, expiresMs: 1_000 * MINUTE });
    assert.deepEqual([q.pass(200), q.tick()], [['level 1', 'level 2'], []]);
    assert.deepEqual(q.s.apply({ type: 'approval/escalate', approval: q.id, level: 1 }), []);
  });

  it('counts no time that the machine slept', () => {
    const q = new Question({ escalate: MATRIX });
    q.s.apply({ type: 'daemon/resume', sleptMs: 60 * MINUTE });
    assert.deepEqual([q.pass(89), q.pass(1)], [[], ['level 1']]);
  });

  it('waits for a person at once where no rule says otherwise', () => {
    const q = new Question();
    assert.deepEqual([q.now?.level, q.now?.escalate], [undefined, undefined]);
  });
});

describe('what agents may do about a question', () => {
  const comment = (by: { name: string; scopes: readonly ('observe' | 'agent' | 'approve')[] }, text = 'it is safe') =>
    ({ type: 'approval/comment', by, text }) as const;
  const withdraw = (by: { name: string; scopes: readonly ('observe' | 'agent')[] }) =>
    ({ type: 'approval/withdraw', by, reason: '' }) as const;

  it('comes with the level that it has reached: its own agent always, a peer and a lead only then, nobody else ever', () => {
    const q = new Question({ escalate: MATRIX, expiresMs: 1_000 * MINUTE });
    assert.deepEqual(q.say(comment(agentNamed('w'))), ['approval.commented']);
    assert.throws(() => q.say(comment(agentNamed('p'))), { code: 'forbidden' });
    q.pass(30);
    assert.deepEqual(q.say(comment(agentNamed('agent:p'))), ['approval.commented']);
    assert.throws(() => q.say(comment({ name: 'nobody', scopes: ['observe'] })), { code: 'forbidden' });
    assert.throws(() => q.say(comment(agentNamed('unknown'))), { code: 'forbidden' });
    q.pass(120);
    assert.deepEqual(q.say(comment(agentNamed('l'))), ['approval.commented']);
    assert.deepEqual(q.say(comment(PERSON)), ['approval.commented']);
    assert.deepEqual(
      q.now?.comments?.map(({ by, level }) => [by, level]),
      [
        ['w', 0],
        ['agent:p', 1],
        ['l', 2],
        ['anna', 3],
      ],
    );
  });

  it('is to take it back, with a name in the record; saying so again changes nothing', () => {
    const q = new Question();
    assert.deepEqual(q.say(withdraw(agentNamed('w'))), ['approval.voided']);
    assert.deepEqual([q.now?.status, q.now?.by], ['voided', 'w']);
    assert.deepEqual(q.say(withdraw(agentNamed('w'))), []);
    assert.throws(() => q.say(comment(agentNamed('w'))), { code: 'approval_settled' });
  });

  it('is to ask for something else in its place: the first is withdrawn, the other decided like any', () => {
    const q = new Question();
    const change = (host: string): Command => ({
      ...{ type: 'approval/change', approval: q.id, by: agentNamed('w'), reason: 'the mirror is ours' },
      proposal: q.proposal(host),
    });
    const types = q.s.apply(change('b.test')).map((e) => e.type);
    assert.deepEqual(types, ['approval.voided', 'policy.decided', 'approval.requested']);
    const [, next] = [...q.s.state.approvals.values()];
    assert.deepEqual([next?.replaces, next?.task, next?.attempt, next?.status], [q.id, 't', 'a1', 'pending']);
    q.s.apply({ type: 'approval/answer', approval: next?.id ?? '', answer: 'grant', by: 'anna', reason: '' });
    const done = q.s.apply({ type: 'action/decide', attempt: 'a1', token: 1, proposal: { ...q.proposal('b.test'), key: 'k2' } });
    assert.deepEqual(
      done.map((e) => e.type),
      ['policy.decided', 'approval.used'],
    );
    const denied = new Question();
    const types2 = denied.s.apply({ ...change('bad.test'), approval: denied.id } as Command).map((e) => e.type);
    assert.deepEqual(types2, ['approval.voided', 'policy.decided'], 'what the policy denies is not asked');
  });

  it('is never to ask for somebody else’s action', () => {
    const q = new Question();
    const proposal = q.proposal('b.test');
    const foreign = { ...proposal, action: { ...proposal.action, agent: 'p' } };
    const change: Command = { type: 'approval/change', approval: q.id, by: agentNamed('w'), reason: '', proposal: foreign };
    assert.throws(() => q.s.apply(change), { code: 'invalid_params' });
  });
});

describe('a question that several have to grant', () => {
  it('counts principals, not yeses; the last one grants it', () => {
    const q = new Question({ quorum: 2 });
    assert.deepEqual(q.answer('grant', 'anna'), ['approval.seconded']);
    assert.deepEqual(q.answer('grant', 'anna'), []);
    assert.equal(q.now?.status, 'pending');
    assert.ok(q.s.state.asked.has(q.id));
    assert.deepEqual(q.answer('grant', 'ben'), ['approval.granted']);
    assert.deepEqual(
      q.now?.grants?.map(({ by, reason }) => [by, reason]),
      [
        ['anna', 'anna says grant'],
        ['ben', 'ben says grant'],
      ],
    );
  });

  it('is ended by one no', () => {
    const q = new Question({ quorum: 3 });
    q.answer('grant', 'anna');
    assert.deepEqual(q.answer('deny', 'ben'), ['approval.denied']);
    assert.throws(() => q.answer('grant', 'carl'), { code: 'approval_settled', message: /ben/ });
  });

  it('is granted only by those whom the rules name, and denied by anybody', () => {
    const q = new Question({ approvers: ['ben'] });
    assert.throws(() => q.answer('grant', 'anna'), { code: 'forbidden', message: /Only ben/ });
    assert.deepEqual(q.answer('grant', 'ben'), ['approval.granted']);
    assert.deepEqual(new Question({ approvers: ['ben'] }).answer('deny', 'anna'), ['approval.denied']);
    assert.throws(() => new Question({ approvers: [] }).answer('grant', 'anna'), { code: 'forbidden', message: /nobody/ });
  });
});

// What the daemon itself is about to do is put to the policy: submissions, dispatches, stages.
import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { retryHeld } from '../../../daemon/scheduler/schedule.ts';
import { loadDefinition, Simulation } from '../../support/engine.ts';
import { policiesOf, policyFile } from '../policy/fixtures.ts';

const limits = (sections: string, more: Command[] = []): Simulation => {
  const s = new Simulation({ policies: policiesOf(policyFile(`policy: limits\nversion: 1\ndefault: allow\n${sections}`)) });
  s.apply({ type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 9 });
  for (const command of more) s.apply(command);
  return s;
};
const submit = (task: string, more: Partial<Extract<Command, { type: 'task/submit' }>> = {}): Command => ({
  ...{ type: 'task/submit', task, wants: 'w', action: 'do', priority: 0, timeoutMs: 0, maxAttempts: 1, payload: {}, artifacts: {} },
  ...more,
});
const assign = (task: string): Command => ({ type: 'task/assign', task, attempt: `a-${task}`, agent: 'w' });
const end = (task: string, usage?: { tokens: number; cost: number }): Command => ({
  ...{ type: 'attempt/end', attempt: `a-${task}`, token: 1 },
  ending: { status: 'succeeded', values: {}, ...(usage && { usage: { ...usage, source: 'test' } }) },
});
const types = (events: readonly { type: string }[]) => events.map((e) => e.type);
const taskOf = (s: Simulation, id: string) => {
  const { status, waitsFor, message, code } = s.state.tasks.get(id) ?? {};
  return { status, waitsFor, message, code };
};
const ASK = 'rules: [{id: ask, on: [task.dispatch], effect: require_approval, message: Somebody should know.}]\n';
const asked = (s: Simulation) => [...s.state.asked][0] ?? '';
const answer = (s: Simulation, word: 'grant' | 'deny'): Command => ({
  ...{ type: 'approval/answer', approval: asked(s), answer: word, by: 'me', reason: 'because' },
});

describe('dispatch', () => {
  it('lets tasks go up to the limit; the next one waits for the quota and says why, once', () => {
    const s = limits('concurrency: {agent: 1}\n', [submit('t'), submit('u'), assign('t')]);
    assert.deepEqual(types(s.apply(assign('u'))), ['policy.decided', 'task.held']);
    const held = { status: 'pending', waitsFor: 'quota', message: 'The agent runs 1 task at once at most.', code: undefined };
    assert.deepEqual(taskOf(s, 'u'), held);
    for (let look = 0; look < 100; look += 1) assert.deepEqual(s.apply(assign('u')), []);
    s.apply(end('t'));
    assert.deepEqual(types(s.apply(assign('u'))), ['policy.decided', 'task.assigned', 'attempt.starting']);
    assert.deepEqual(taskOf(s, 'u'), { status: 'assigned', waitsFor: undefined, message: undefined, code: undefined });
  });

  it('records the decision with the rule, the values and how things stood', () => {
    const s = limits('concurrency: {agent: 1}\n', [submit('t'), submit('u'), assign('t')]);
    const [decided] = s.apply(assign('u'));
    assert.ok(decided?.type === 'policy.decided');
    assert.deepEqual(decided.data.decision.reasons[0]?.values, { 'context.running.agent': 1 });
    assert.equal(decided.data.context?.running.overall, 1);
    assert.equal(decided.data.action?.kind, 'task.dispatch');
  });

  it('says another reason only after a while', () => {
    const s = limits('concurrency: {agent: 1, overall: 2}\n', [submit('t'), submit('u'), submit('v'), assign('t'), assign('u')]);
    s.apply({ type: 'agent/register', agent: 'x', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 9 });
    for (const task of ['x1', 'x2']) s.apply(submit(task, { wants: 'x' }));
    s.apply({ ...assign('x1'), agent: 'x' } as Command);
    assert.deepEqual(s.apply(assign('u')), [], 'two rules hold it now, but it was told a moment ago');
    s.now += 60_000;
    assert.deepEqual(types(s.apply(assign('u'))), ['policy.decided', 'task.held']);
    assert.match(taskOf(s, 'u').message ?? '', /agent runs 1.*daemon runs 2/i);
  });

  it('fails what no time and no end of other work could let go', () => {
    const s = limits('rules: [{id: no, on: [task.dispatch], when: action.priority > 5, effect: deny, message: Too urgent.}]\n');
    s.apply(submit('t', { priority: 9 }));
    s.apply(assign('t'));
    const { status, message, code } = taskOf(s, 't');
    assert.deepEqual([status, message, code], ['failed', 'Too urgent.', 'policy_denied']);
  });

  it('of a run whose budget is used up fails, and waits where it is that of the day', () => {
    const spend = (sections: string): Simulation => {
      const s = limits(sections, [
        { type: 'run/start', run: 'r', workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: false },
      ]);
      for (const task of ['t', 'u']) s.apply(submit(task, { run: 'r', stage: 's' }));
      s.apply(assign('t'));
      s.apply(end('t', { tokens: 10, cost: 1 }));
      s.apply(assign('u'));
      return s;
    };
    assert.deepEqual(taskOf(spend('budget: {run: {cost: 1}}\n'), 'u').code, 'policy_denied');
    const s = spend('budget: {day: {cost: 1}}\n');
    assert.deepEqual(taskOf(s, 'u').waitsFor, 'quota');
    s.now += 86_400_000;
    s.apply(assign('u'));
    assert.equal(taskOf(s, 'u').status, 'assigned', 'a new day');
  });

  it('is asked about once, and goes when somebody grants it', () => {
    const s = limits(ASK, [submit('t')]);
    assert.deepEqual(types(s.apply(assign('t'))), ['policy.decided', 'approval.requested', 'task.held']);
    assert.equal(taskOf(s, 't').waitsFor, 'approval');
    assert.deepEqual(s.apply(assign('t')), []);
    assert.equal(s.state.approvals.get(asked(s))?.task, 't');
    s.apply(answer(s, 'grant'));
    assert.deepEqual(types(s.apply(assign('t'))), ['policy.decided', 'approval.used', 'task.assigned', 'attempt.starting']);
  });

  it('that somebody denies fails the task; one that is canceled withdraws its question', () => {
    const s = limits(ASK, [submit('t'), assign('t')]);
    s.apply(answer(s, 'deny'));
    s.apply(assign('t'));
    assert.deepEqual([taskOf(s, 't').status, taskOf(s, 't').message], ['failed', 'Its dispatch was not allowed: because']);
    s.apply(submit('u'));
    s.apply(assign('u'));
    s.apply({ type: 'task/cancel', task: 'u', reason: '' });
    assert.equal(s.state.asked.size, 0);
  });
});

describe('held tasks', () => {
  it('are left alone until somebody tries them again, highest priority first, a few of those that wait alike', () => {
    const s = limits('concurrency: {agent: 1}\n', [submit('t'), assign('t')]);
    for (let n = 0; n < 200; n += 1) s.apply(submit(`u${n}`, { priority: n }));
    for (let n = 0; n < 200; n += 1) s.apply(assign(`u${n}`));
    const tried = retryHeld(s.state, () => 'a', 1).map((command) => command.task);
    assert.deepEqual(tried, ['u3', 'u2', 'u1', 'u0']);
  });

  it('come to their turn also when there are many that nothing can help', () => {
    const s = limits('concurrency: {agent: 1}\n', [submit('t'), assign('t')]);
    for (let n = 0; n < 100; n += 1) {
      s.apply({ type: 'run/start', run: `r${n}`, workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: true });
      s.apply(submit(`u${n}`, { run: `r${n}`, stage: 's' }));
      s.apply(assign(`u${n}`));
    }
    const tried = new Set([0, 1, 2, 3].flatMap((turn) => retryHeld(s.state, () => 'a', turn).map((command) => command.task)));
    assert.equal(tried.size, 100);
  });
});

describe('submission', () => {
  it('gets the timeout that was said, the default or the setting, within the longest', () => {
    const timeouts = (sections: string, ...said: number[]) =>
      said.map((timeoutMs, n) => {
        const s = limits(sections, [submit(`t${n}`, { timeoutMs })]);
        return s.state.tasks.get(`t${n}`)?.timeoutMs;
      });
    assert.deepEqual(timeouts('', 0, 5), [1_000, 5]);
    assert.deepEqual(timeouts('timeout: {default: 5m, max: 2h}\n', 0, 5, 8_000_000), [300_000, 5, 7_200_000]);
    assert.deepEqual(timeouts('timeout: {max: 1s}\n', 0, 900, 2_000), [1_000, 900, 1_000]);
  });

  it('is refused to a client that the policy forbids it, with the rule', () => {
    const s = limits('rules: [{id: no, on: [task.submit], effect: deny, message: Not here.}]\n');
    assert.throws(() => s.apply(submit('t')), { code: 'policy_denied', message: 'Not here.' });
    assert.equal(s.state.tasks.size, 0);
  });

  it('sees who asks and what for', () => {
    const when = 'action.principal == "test" && action.what.contains("rm")';
    const s = limits(`rules: [{id: no, on: [task.submit], when: '${when}', effect: deny, message: No.}]\n`);
    s.apply(submit('t'));
    assert.throws(() => s.apply(submit('u', { payload: { prompt: 'Please rm it.' } })), { code: 'policy_denied' });
  });

  it('that is asked about waits for the answer, and is dispatched after it', () => {
    const rules = 'rules: [{id: ask, on: [task.submit], effect: require_approval, message: Really?}]\n';
    const s = limits(rules);
    assert.deepEqual(types(s.apply(submit('t'))), ['task.submitted', 'policy.decided', 'approval.requested', 'task.held']);
    assert.deepEqual(s.apply(assign('t')), []);
    s.apply(answer(s, 'grant'));
    assert.deepEqual(types(s.apply(assign('t'))), ['approval.used', 'task.assigned', 'attempt.starting']);
    s.apply(submit('u'));
    s.now += 120_000;
    s.apply({ type: 'approval/expire', approval: asked(s) });
    s.apply(assign('u'));
    assert.deepEqual([taskOf(s, 'u').status, taskOf(s, 'u').code], ['failed', 'policy_denied']);
  });
});

describe('a stage', () => {
  const WORKFLOW = `
workflow: three
version: 1
stages:
  - {id: one, agent: w, action: do, optional: true}
  - {id: two, agent: w, action: do, needs: [one]}
  - {id: tidy, agent: w, action: do, needs: [two], always: true}
`;
  const run = (sections: string, work: (stage: string) => 'succeeded' | 'failed') => {
    const definition = loadDefinition(WORKFLOW);
    const policies = policiesOf(policyFile(`policy: limits\nversion: 1\ndefault: allow\n${sections}`));
    const s = new Simulation({ policies, work: (stage) => ({ status: work(stage) }) });
    s.drive(definition, [
      { type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 1 },
      { type: 'run/start', run: 'r', workflow: { name: 'three', version: 1, digest: 'd' }, inputs: {}, again: false },
    ]);
    return s;
  };
  const ends = (s: Simulation) => ({
    run: s.state.runs.get('r')?.status,
    ...Object.fromEntries([...(s.state.stages.get('r')?.values() ?? [])].map((stage) => [stage.id, stage.code ?? stage.status])),
  });

  it('starts only where enough of the run succeeded; what tidies up runs all the same', () => {
    const gate = 'phaseGate: {minSuccessRate: 0.8}\n';
    const failing = (stage: string) => (stage === 'one' ? 'failed' : 'succeeded');
    assert.deepEqual(ends(run('', failing)), { run: 'success', one: 'failed', two: 'completed', tidy: 'completed' });
    assert.deepEqual(ends(run(gate, failing)), { run: 'failure', one: 'failed', two: 'policy_denied', tidy: 'completed' });
    assert.deepEqual(ends(run(gate, () => 'succeeded')), { run: 'success', one: 'completed', two: 'completed', tidy: 'completed' });
  });

  it('that a rule asks about waits for the answer', () => {
    const rule = `rules: [{id: ask, on: [stage.advance], when: action.stage == "two", effect: require_approval, message: Really?}]\n`;
    const s = run(rule, () => 'succeeded');
    assert.equal(s.state.runs.get('r')?.status, 'waiting_approval');
    const definition = loadDefinition(WORKFLOW);
    s.drive(definition, [answer(s, 'grant')]);
    assert.deepEqual(ends(s), { run: 'success', one: 'completed', two: 'completed', tidy: 'completed' });
    const t = run(rule, () => 'succeeded');
    t.drive(definition, [answer(t, 'deny')]);
    assert.deepEqual(ends(t), { run: 'failure', one: 'completed', two: 'denied', tidy: 'completed' });
  });
});

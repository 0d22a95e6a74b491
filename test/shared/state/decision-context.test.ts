import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { contextOf, DecisionContext } from '../../../shared/state/decision-context.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import { Simulation } from '../../support/engine.ts';

const AGENT = { agent: 'w', role: 'Writes code', capabilities: ['code'], tags: ['fast'], slots: 2 };
const HOUR_MS = 3_600_000;

/** A task of no run that is assigned to the agent. */
function assigned(s: Simulation, task: string, attempt: string): void {
  const what = { wants: 'w', action: 'do', priority: 0, timeoutMs: 1_000, maxAttempts: 1, payload: {}, artifacts: {} };
  s.apply({ type: 'task/submit', task, ...what });
  s.apply({ type: 'task/assign', task, attempt, agent: 'w' });
}

const ended = (attempt: string, usage?: { tokens: number; cost: number }): Command => ({
  ...{ type: 'attempt/end', attempt, token: 1 },
  ending: { status: 'succeeded', values: {}, ...(usage && { usage: { ...usage, source: 'worker' } }) },
});

describe('decision context', () => {
  const read = (s: Simulation, run = '') => contextOf(s.state, { agent: 'w', run }, s.now);
  const start = (): Simulation => {
    const s = new Simulation();
    s.apply({ type: 'agent/register', adapter: 'remote', ...AGENT });
    return s;
  };

  it('has every key also where nothing is known', () => {
    const nothing = contextOf(new Simulation().state, { agent: 'nobody', run: 'none' }, 0);
    assert.deepEqual(DecisionContext.parse(nothing), nothing);
    assert.deepEqual([nothing.agent.status, nothing.stages.rate, nothing.running.overall], ['', 1, 0]);
  });

  it('says what runs, and how the agent stands', () => {
    const s = start();
    assigned(s, 't', 'a');
    assert.deepEqual(read(s).running, { agent: 1, tenant: 1, overall: 1 });
    const { agent: _, ...about } = AGENT;
    assert.deepEqual(read(s).agent, { ...about, status: 'ready', adapter: 'remote', used: 1, enforcement: '' });
    assigned(s, 'u', 'b');
    assert.equal(read(s).agent.status, 'busy');
    assert.deepEqual(contextOf(s.state, { agent: 'daemon', run: '' }, s.now).running, { agent: 0, tenant: 2, overall: 2 });
  });

  it('counts minutes as they pass, and keeps those of what has ended', () => {
    const s = start();
    assigned(s, 't', 'a');
    s.now += 90_000;
    assigned(s, 'u', 'b');
    s.now += 30_000;
    assert.equal(read(s).usage.day.minutes, 2.5);
    s.apply(ended('a'));
    s.now += 60_000;
    assert.equal(read(s).usage.agent.minutes, 3.5);
    s.apply(ended('b'));
    s.now += 60_000;
    assert.equal(read(s).usage.agent.minutes, 3.5);
  });

  it('adds up what attempts report, by day and by agent, and begins anew with each day', () => {
    const s = start();
    assigned(s, 't', 'a');
    s.apply({ type: 'attempt/use', attempt: 'a', token: 1, usage: { tokens: 100, cost: 0.5, source: 'acp' } });
    s.apply(ended('a', { tokens: 20, cost: 0.25 }));
    assert.deepEqual(s.state.attempts.get('a')?.usage, { tokens: 120, cost: 0.75, source: 'worker' });
    assert.deepEqual(read(s).usage.agent, { tokens: 120, cost: 0.75, minutes: 0 });
    assigned(s, 'u', 'b');
    s.now += 24 * HOUR_MS;
    assert.deepEqual(read(s).usage.day, { tokens: 0, cost: 0, minutes: 1_440 }, 'a new day on which nothing was recorded yet');
    s.apply(ended('b', { tokens: 1, cost: 0 }));
    assert.deepEqual(read(s).usage.day, { tokens: 1, cost: 0, minutes: 1_440 });
    assert.throws(() => s.apply({ type: 'attempt/use', attempt: 'b', token: 1, usage: { tokens: 1, cost: 0, source: 'acp' } }), {
      code: 'stale_lease',
    });
  });

  it('counts the stages of a run and what it used, until it leaves memory', () => {
    const s = start();
    s.apply({ type: 'run/start', run: 'r', workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: false });
    s.apply({ type: 'run/begin', run: 'r' });
    for (const stage of ['one', 'two', 'three']) s.apply({ type: 'stage/start', run: 'r', stage, prepare: false });
    s.apply({ type: 'stage/complete', run: 'r', stage: 'one', values: {} });
    s.apply({ type: 'stage/fail', run: 'r', stage: 'two', code: 'failed', message: '' });
    s.apply({ type: 'stage/skip', run: 'r', stage: 'four', reason: '', cause: 'condition' });
    assert.deepEqual(read(s, 'r').stages, { completed: 1, failed: 1, skipped: 1, rate: 0.5 });
    const task = { task: 't', run: 'r', stage: 'three', wants: 'w', action: 'do', priority: 0, timeoutMs: 1_000, maxAttempts: 1 };
    s.apply({ type: 'task/submit', ...task, payload: {}, artifacts: {} });
    s.apply({ type: 'task/assign', task: 't', attempt: 'a', agent: 'w' });
    s.now += 60_000;
    assert.deepEqual(read(s, 'r').usage.run, { tokens: 0, cost: 0, minutes: 1 });
    s.apply(ended('a', { tokens: 5, cost: 1 }));
    const again = fromJson(JSON.parse(JSON.stringify(toJson(s.state))));
    assert.deepEqual(contextOf(again, { agent: 'w', run: 'r' }, s.now), read(s, 'r'));
    assert.deepEqual(read(s, 'r').usage.run, { tokens: 5, cost: 1, minutes: 1 });
    s.apply({ type: 'run/finish', run: 'r', status: 'success', code: '', summary: '' });
    s.now += HOUR_MS;
    s.apply({ type: 'archive/move', runs: ['r'], tasks: [] });
    assert.deepEqual([...s.state.usage.runs.keys()], []);
    assert.equal(read(s).usage.agent.cost, 1);
  });

  it('takes a state from before usage was counted', () => {
    const s = start();
    assigned(s, 't', 'a');
    const { usage: _, ...old } = toJson(s.state);
    const again = new Simulation({}, fromJson(old));
    again.now = s.now + 60_000;
    again.apply(ended('a'));
    assert.equal(read(again).usage.day.minutes, 0);
  });
});

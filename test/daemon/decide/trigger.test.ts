// What fires is recorded once, and what becomes of it: a run, a wait, or the reason why nothing starts.
import assert from 'node:assert/strict';
import type { Command, CommandOf } from '../../../daemon/commands.ts';
import { MAX_DEPTH, MAX_PER_MINUTE } from '../../../daemon/decide/trigger.ts';
import { listStartable } from '../../../daemon/scheduler/firings.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import { MAX_FIRED, MAX_WAITING } from '../../../shared/state/trigger.ts';
import type { TriggerDefinition } from '../../../shared/state/trigger-definition.ts';
import { Simulation } from '../../support/engine.ts';
import { policiesOf, policyFile } from '../policy/fixtures.ts';

const workflow = { name: 'w', version: 1, digest: 'd', source: 's' };
const cron = (overlap: 'skip' | 'queue' | 'allow' = 'skip'): TriggerDefinition => ({
  ...{ kind: 'cron', id: 'cron', inputs: {}, overlap, cron: '0 3 * * *', zone: 'UTC', missed: 'once' },
});
const onEvent: TriggerDefinition = { kind: 'event', id: 'event', inputs: {}, overlap: 'allow', types: ['run.failed'] };
const register = (definition: TriggerDefinition, more: Partial<CommandOf<'trigger/register'>> = {}): Command => ({
  ...{ type: 'trigger/register', trigger: 't', workflow, definition, origin: 'user', inputs: {}, by: 'me', ...more },
});
const fire = (firing: string, more: Partial<CommandOf<'trigger/fire'>> = {}): Command => ({
  ...{ type: 'trigger/fire', trigger: 't', firing, summary: `it was ${firing}`, inputs: {}, depth: 0, by: 'daemon', ...more },
});
const startOf = (s: Simulation, firing: string, depth = 0): Command => {
  const run = s.state.fired.get('t')?.get(firing) ?? '';
  const startedBy = { trigger: 't', kind: 'cron', firing, summary: '', depth } as const;
  return { type: 'run/start', run, workflow, inputs: {}, again: true, startedBy };
};
const said = (s: Simulation, command: Command) =>
  s.apply(command).map((e) => ('code' in e.data ? `${e.type} ${String(e.data.code)}` : e.type));
const startable = (s: Simulation) => listStartable(s.state).map(({ firing }) => firing.id);
const made = (definition: TriggerDefinition, scripts = {}): Simulation => {
  const s = new Simulation(scripts);
  s.apply(register(definition));
  return s;
};

describe('a firing', () => {
  it('is recorded once, with the run that it starts, also after a restart from a snapshot', () => {
    const s = made(cron());
    const [fired] = s.apply(fire('a'));
    assert.ok(fired?.type === 'trigger.fired');
    s.state = fromJson(JSON.parse(JSON.stringify(toJson(s.state))) as ReturnType<typeof toJson>);
    assert.deepEqual(s.apply(fire('a')), []);
    assert.deepEqual(startable(s), ['a']);
    s.apply(startOf(s, 'a'));
    assert.deepEqual([startable(s), s.state.runs.get(fired.data.run)?.startedBy?.firing], [[], 'a']);
    assert.deepEqual(s.apply(startOf(s, 'a')), [], 'the same run is started once');
    s.apply({ type: 'run/cancel', run: fired.data.run, reason: '' });
    s.apply({ type: 'run/finish', run: fired.data.run, status: 'canceled', code: '', summary: '' });
    assert.deepEqual([s.state.triggers.get('t')?.open, s.apply(fire('a'))], [[], []]);
  });

  const overlaps: [TriggerDefinition, string[], string[]][] = [
    [cron('skip'), ['trigger.passed overlap'], ['a']],
    [cron('queue'), ['trigger.fired'], ['a']],
    [cron('allow'), ['trigger.fired'], ['a', 'b']],
  ];
  for (const [definition, second, starts] of overlaps)
    it(`while another one is under way: ${definition.overlap}`, () => {
      const s = made(definition);
      s.apply(fire('a'));
      assert.deepEqual(said(s, fire('b')), second);
      assert.deepEqual(startable(s), starts);
      s.apply(startOf(s, 'a'));
      assert.deepEqual(startable(s), definition.overlap === 'allow' ? ['b'] : []);
      s.apply({ type: 'run/cancel', run: s.state.fired.get('t')?.get('a') ?? '', reason: '' });
      s.apply({ type: 'run/finish', run: s.state.fired.get('t')?.get('a') ?? '', status: 'canceled', code: '', summary: '' });
      assert.deepEqual(startable(s), definition.overlap === 'skip' ? [] : ['b']);
    });

  it('waits in a bounded queue', () => {
    const s = made(cron('queue'));
    for (let i = 0; i < MAX_WAITING; i += 1) s.apply(fire(`f${i}`));
    assert.deepEqual(said(s, fire('more')), ['trigger.passed queue_full']);
    assert.deepEqual(said(s, fire('by hand', { byHand: true })), ['trigger.fired']);
  });

  it('of runs that start one another ends: too deep, or too often', () => {
    const s = made(onEvent);
    assert.deepEqual(said(s, fire('deep', { depth: MAX_DEPTH + 1 })), ['trigger.passed too_deep']);
    for (let i = 0; i < MAX_PER_MINUTE; i += 1) assert.deepEqual(said(s, fire(`f${i}`, { depth: 1 })), ['trigger.fired']);
    assert.deepEqual(said(s, fire('often', { depth: 1 })), ['trigger.passed too_often']);
    s.now += 60_000;
    assert.deepEqual(said(s, fire('later', { depth: 1 })), ['trigger.fired']);
  });

  it('remembers a bounded number of ids, the newest, also those that started nothing', () => {
    const s = made(onEvent);
    for (let i = 0; i < MAX_FIRED + 5; i += 1) s.apply(fire(`f${i}`, { depth: MAX_DEPTH + 1 }));
    const ids = [...(s.state.fired.get('t')?.keys() ?? [])];
    assert.deepEqual([ids.length, ids[0]], [MAX_FIRED, 'f5']);
    assert.deepEqual(s.apply(fire('f5')), []);
  });

  it('of a paused trigger is refused, but by hand; resumed, it goes on from then', () => {
    const s = made(cron());
    s.apply({ type: 'trigger/pause', trigger: 't', by: 'me', reason: '' });
    assert.throws(() => s.apply(fire('a')), { code: 'trigger_paused' });
    assert.deepEqual(said(s, fire('b', { byHand: true })), ['trigger.fired']);
    assert.deepEqual(startable(s), ['b']);
    s.now += 3_600_000;
    s.apply({ type: 'trigger/resume', trigger: 't', by: 'me' });
    assert.equal(s.state.triggers.get('t')?.after, new Date(s.now).toISOString());
  });

  it('that cannot be started is recorded with the reason, and is over', () => {
    const s = made(cron());
    s.apply(fire('a'));
    const failing: Command = { type: 'trigger/fail', trigger: 't', firing: 'a', code: 'not_trusted', message: 'Look at it.' };
    assert.deepEqual(said(s, failing), ['trigger.failed not_trusted']);
    assert.deepEqual([s.apply(failing), startable(s), s.state.triggers.get('t')?.last?.message], [[], [], 'Look at it.']);
  });
});

describe('a trigger', () => {
  it('registered again as it is changes nothing; with another schedule it begins anew, and keeps what is under way', () => {
    const s = made(cron());
    assert.deepEqual(s.apply(register(cron())), []);
    s.apply(fire('2026-01-01T03:00:00.000Z', { due: '2026-01-01T03:00:00.000Z' }));
    s.now += 1_000;
    s.apply(register({ ...cron(), missed: 'all' } as TriggerDefinition));
    assert.equal(s.state.triggers.get('t')?.after, '2026-01-01T03:00:00.000Z');
    s.apply(register({ ...cron(), cron: '0 4 * * *' } as TriggerDefinition));
    assert.deepEqual([s.state.triggers.get('t')?.after, startable(s).length], [new Date(s.now).toISOString(), 1]);
    assert.throws(() => s.apply(register(cron(), { origin: 'repository' })), { code: 'id_taken' });
  });

  it('removed and registered again does not fire again for what it fired for', () => {
    const s = made(cron());
    s.apply(fire('a'));
    s.apply({ type: 'trigger/remove', trigger: 't', by: 'me', reason: '' });
    assert.throws(() => s.apply(fire('b')), { code: 'not_found' });
    s.apply(register(cron()));
    assert.deepEqual(s.apply(fire('a')), []);
  });
});

describe('the start of a run by a trigger', () => {
  const rule = (effect: string) =>
    `policy: p\nversion: 1\ndefault: allow\nrules: [{id: r, on: [run.start], when: action.trigger == "cron", effect: ${effect}, message: Not at night.}]\n`;
  const governed = (effect: string) => {
    const s = made(cron(), { policies: policiesOf(policyFile(rule(effect))) });
    s.apply(fire('a'));
    return s;
  };

  it('that the policy denies is no run, and the record says why', () => {
    const s = governed('deny');
    assert.deepEqual(said(s, startOf(s, 'a')), ['policy.decided', 'trigger.failed policy_denied']);
    assert.deepEqual([s.state.runs.size, s.state.triggers.get('t')?.last?.message], [0, 'Not at night.']);
  });

  it('that is asked about begins with a yes, and fails with a no', () => {
    for (const answer of ['grant', 'deny'] as const) {
      const s = governed('require_approval');
      assert.deepEqual(said(s, startOf(s, 'a')), ['run.submitted', 'policy.decided', 'approval.requested']);
      const run = [...s.state.runs.keys()][0] ?? '';
      assert.deepEqual(said(s, { type: 'run/begin', run }), []);
      s.apply({ type: 'approval/answer', approval: [...s.state.asked][0] ?? '', answer, by: 'me', reason: 'because' });
      assert.deepEqual(
        said(s, { type: 'run/begin', run }),
        answer === 'grant' ? ['approval.used', 'run.started'] : ['run.failed policy_denied'],
      );
      assert.deepEqual(s.state.triggers.get('t')?.open.length, answer === 'grant' ? 1 : 0);
    }
  });

  it('by hand is no matter of these rules', () => {
    const s = governed('deny');
    assert.deepEqual(said(s, { type: 'run/start', run: 'r', workflow, inputs: {}, again: false }), ['run.submitted']);
  });
});

import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { loadExtension } from '../../../daemon/workflow/load-extension.ts';
import type { Effect } from '../../../shared/state/action.ts';
import { loadDefinition, Simulation } from '../../support/engine.ts';
import { policiesOf, policyFile } from '../policy/fixtures.ts';

const definition = loadDefinition(`
workflow: test
version: 1
inputs: { names: { type: list, default: [] } }
stages:
  - { id: a, agent: worker, action: do, outputs: [a.md] }
  - { id: b, agent: worker, action: do, needs: [a] }
  - { id: ship, agent: worker, action: do, needs: [b] }
`);
const read = (stages: string, begun: string[] = []) =>
  loadExtension({ file: 'more.yaml', text: `stages:\n${stages}` }, definition, new Set(begun));
const MORE = '  - { id: docs, agent: worker, action: do, needs: [a], inputs: [a.md], next: ship }\n';

describe('stages that are added to a run', () => {
  it('take their place in the graph: after what they need, before what they name', () => {
    const extension = read(MORE);
    assert.ok(extension.ok);
    assert.deepEqual(
      extension.definition.stages.map(({ id, needs }) => [id, needs]),
      [
        ['a', []],
        ['b', ['a']],
        ['ship', ['b', 'docs']],
        ['docs', ['a']],
      ],
    );
    assert.deepEqual([extension.added.map(({ id }) => id), extension.before], [['docs'], ['ship']]);
  });

  it('change nothing when they are there already', () => {
    const first = read(MORE);
    assert.ok(first.ok);
    const again = loadExtension({ file: 'more.yaml', text: `stages:\n${MORE}` }, first.definition, new Set(['ship']));
    assert.ok(again.ok && again.existing);
    assert.equal(again.definition, first.definition);
  });

  const wrong: [string, string, RegExp, string[]?][] = [
    ['an id that is taken', '  - { id: b, agent: worker, action: do }\n', /^2:11 duplicate-stage/],
    ['a stage that there is not', '  - { id: c, agent: worker, action: do, needs: [bb] }\n', /^2:49 unknown-stage .*`b`/],
    ['a place before what has begun', MORE, /^2:.* begun-already .*`ship`/, ['a', 'b', 'ship']],
    ['a cycle', '  - { id: c, agent: worker, action: do, needs: [ship], next: b }\n', /cycle .*(b -> c|c -> b|c -> ship)/],
    ['an output that another makes', '  - { id: c, agent: worker, action: do, outputs: [a.md] }\n', /^2:.* duplicate-output/],
    ['an artifact of a stage that it does not wait for', '  - { id: c, agent: worker, action: do, inputs: [a.md] }\n', /^2:.* not-needed/],
    ['nobody who does it', '  - { id: c, needs: [a] }\n', /no-work/],
  ];
  for (const [what, stages, expected, begun] of wrong)
    it(`are refused with ${what}, at its place`, () => {
      const extension = read(stages, begun);
      assert.ok(!extension.ok);
      const [first] = extension.problems;
      assert.match(`${first?.line}:${first?.column} ${first?.code} ${first?.message} ${first?.hint ?? ''}`, expected);
    });
});

describe('run/extend', () => {
  const agent: Command = {
    type: 'agent/register',
    ...{ agent: 'worker', role: '', capabilities: [], tags: [], adapter: 'command', slots: 4 },
  };
  const start: Command = {
    type: 'run/start',
    ...{ run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: {}, again: false },
  };
  const extend: Command = {
    type: 'run/extend',
    run: 'run-1',
    from: 'd',
    digest: 'e',
    added: ['docs'],
    agents: ['worker'],
    before: ['ship'],
    change: 'c',
    by: 'anna',
  };
  const begun = (effect: Effect): Simulation => {
    const rule = `policy: mine\nversion: 1\ndefault: allow\nrules:\n  - { id: more, on: [run.extend], effect: ${effect}, message: Look first. }\n`;
    const s = new Simulation({ policies: policiesOf(policyFile(rule)) });
    for (const command of [agent, start, { type: 'run/begin', run: 'run-1' } as Command]) s.apply(command);
    return s;
  };
  const digest = (s: Simulation) => s.state.runs.get('run-1')?.workflow.digest;

  it('is decided by the policy, and recorded with who asked for it', () => {
    const s = begun('allow');
    s.apply(extend);
    assert.equal(digest(s), 'e');
    assert.deepEqual(s.events.findLast(({ type }) => type === 'run.extended')?.data, { digest: 'e', added: ['docs'], by: 'anna' });
  });

  it('is refused where the policy says no, before what has begun, and when the run is over', () => {
    assert.throws(() => begun('deny').apply(extend), /Look first/);
    const s = begun('allow');
    s.apply({ type: 'stage/skip', run: 'run-1', stage: 'ship', reason: 'r', cause: 'person' });
    assert.throws(() => s.apply(extend), /ship has begun already/);
    s.apply({ type: 'run/cancel', run: 'run-1', reason: 'enough' });
    assert.throws(() => s.apply(extend), { code: 'run_ended' });
  });

  it('asks a person where the policy wants that, and uses the grant when the same is asked for again', () => {
    const s = begun('require_approval');
    s.apply(extend);
    const [asked] = [...s.state.approvals.values()];
    assert.deepEqual([digest(s), asked?.kind, asked?.status], ['d', 'run.extend', 'pending']);
    assert.deepEqual(s.apply(extend), []);
    s.apply({ type: 'approval/answer', approval: asked?.id ?? '', answer: 'grant', by: 'anna', reason: '' });
    s.apply(extend);
    assert.deepEqual([digest(s), s.state.approvals.get(asked?.id ?? '')?.status], ['e', 'used']);
  });

  it('changes nothing when the definition has changed since it was checked', () => {
    const s = begun('allow');
    assert.deepEqual(s.apply({ ...extend, from: 'other' }), []);
  });
});

import assert from 'node:assert/strict';
import type { Action } from '../../../shared/state/action.ts';
import { Simulation } from '../../support/engine.ts';

const TEXT = `policy: this-run\nversion: 1\nrules:\n  - id: allow-1\n    on: [stage.advance]\n    when: action.stage == "s1"\n    effect: allow\n    message: m\n`;
const advance = (run: string, stage: string): Action => ({
  ...{ kind: 'stage.advance', summary: 'go', agent: '', run, stage, task: '', repo: '', risk: 'low' },
  ...{ workflow: 'w', base: '', always: false },
});

/** Two runs whose every action is asked about by the rule `test/r`. */
class Runs {
  readonly s = new Simulation({ effect: () => 'require_approval' });
  #keys = 0;

  constructor() {
    for (const run of ['r1', 'r2']) {
      this.s.apply({ type: 'run/start', run, workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: true });
      for (const stage of ['s1', 's2']) this.s.apply({ type: 'stage/start', run, stage, prepare: true });
    }
  }

  /** Puts an action to the policy; what was decided and why. */
  propose(run: string, stage: string) {
    const proposal = { key: `k${++this.#keys}`, action: advance(run, stage), artifact: 'x', show: {} };
    const events = this.s.apply({ type: 'stage/propose', run, stage, round: 1, proposals: [proposal], done: false, facts: {} });
    const [decided, asked] = events;
    assert.ok(decided?.type === 'policy.decided');
    return { ...decided.data.decision, approval: asked?.type === 'approval.requested' ? asked.data.approval : undefined };
  }

  allow(approval: string | undefined, excepts = ['test/r']) {
    const remember = { rule: 'allow-1', text: TEXT, excepts, says: 'the stage s1' };
    return this.s
      .apply({ type: 'approval/answer', approval: approval ?? '', answer: 'grant', by: 'anna', reason: '', remember })
      .map((e) => e.type);
  }
}

describe('a yes for the rest of a run', () => {
  it('is recorded as a rule, answers the same from then on in that run only, and says so in each decision', () => {
    const runs = new Runs();
    const { approval } = runs.propose('r1', 's1');
    assert.deepEqual(runs.allow(approval), ['approval.granted', 'approval.remembered']);
    const { effect, reasons } = runs.propose('r1', 's1');
    assert.equal(effect, 'allow');
    assert.deepEqual([reasons[0]?.policy, reasons[0]?.rule], ['run', 'allow-1']);
    assert.match(reasons[0]?.message ?? '', /anna allowed the stage s1 for the rest of this run/);
    assert.equal(runs.propose('r1', 's2').effect, 'require_approval', 'another action');
    assert.equal(runs.propose('r2', 's1').effect, 'require_approval', 'another run');
  });

  it('answers the rules that asked then, and no other', () => {
    const runs = new Runs();
    runs.allow(runs.propose('r1', 's1').approval, ['another/rule']);
    assert.equal(runs.propose('r1', 's1').effect, 'require_approval');
  });

  it('is gone once it was taken back, also after the grant was used', () => {
    const runs = new Runs();
    const { approval = '' } = runs.propose('r1', 's1');
    runs.allow(approval);
    const revoke = { type: 'approval/revoke', approval, by: 'ben', reason: 'no' } as const;
    assert.deepEqual(
      runs.s.apply(revoke).map((e) => e.type),
      ['approval.revoked', 'approval.forgotten'],
    );
    assert.deepEqual(runs.s.apply(revoke), []);
    assert.equal(runs.propose('r1', 's1').effect, 'require_approval');
  });
});

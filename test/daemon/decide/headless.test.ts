import assert from 'node:assert/strict';
import type { Action, Obligations } from '../../../shared/state/action.ts';
import type { Command } from '../../../daemon/commands.ts';
import { Simulation } from '../../support/engine.ts';

const ABOUT = { summary: 'go', agent: '', run: 'r', stage: 's', task: '', repo: '', risk: 'low' } as const;
const ADVANCE: Action = { kind: 'stage.advance', ...ABOUT, workflow: 'w', base: '', always: false };
const CONFIGURE: Action = { kind: 'daemon.configure', ...ABOUT, what: 'w', files: [] };

/** The first question of a run that was started so, and what it stands at. */
function asked(
  answering: Extract<Command, { type: 'run/start' }>['answering'],
  { action = ADVANCE, obligations = {} }: { action?: Action; obligations?: Obligations } = {},
) {
  const s = new Simulation({ effect: () => 'require_approval', obligations });
  const workflow = { name: 'w', version: 1, digest: 'd' };
  s.apply({ type: 'run/start', run: 'r', workflow, inputs: {}, again: false, ...(answering ? { answering } : {}) });
  s.apply({ type: 'stage/start', run: 'r', stage: 's', prepare: true });
  const proposals = [{ key: 'k', action, artifact: 'x', show: {} }];
  s.apply({ type: 'stage/propose', run: 'r', stage: 's', round: 1, proposals, done: true, facts: {} });
  const [approval] = [...s.state.approvals.values()];
  assert.ok(approval);
  return { ...approval, asked: s.state.asked.size, start: s.now };
}

const yes: Obligations = { headless: 'grant' };

describe('a run that was started with an answer beforehand', () => {
  it('waits for a person where it says so, or says nothing', () => {
    for (const answering of [undefined, { mode: 'ask' } as const]) assert.equal(asked(answering).status, 'pending');
  });

  it('denies at once what it is asked, in the name of whoever started it, and says why', () => {
    const { status, by, reason, asked: open } = asked({ mode: 'deny' });
    assert.deepEqual([status, by, reason, open], ['denied', 'test', 'The run was started with --approve=deny.', 0]);
  });

  const table: [string, Parameters<typeof asked>[1], string][] = [
    ['is a no where no policy says otherwise', {}, 'denied'],
    ['is a yes where every policy that asks says so', { obligations: yes }, 'granted'],
    ['never is a yes to configuration', { obligations: yes, action: CONFIGURE }, 'denied'],
    ['never is a yes in place of several', { obligations: { ...yes, quorum: 2 } }, 'denied'],
    ['never is a yes in place of those who are named', { obligations: { ...yes, approvers: ['anna'] } }, 'denied'],
  ];
  for (const [what, given, status] of table)
    it(`--approve=policy ${what}`, () => assert.equal(asked({ mode: 'policy' }, given).status, status));

  it('asks no longer than its deadline, nor longer than the rule allows', () => {
    const end = (deadlineMs: number, expiresMs: number) => {
      const { expiresAt, start } = asked({ mode: 'ask', deadlineMs }, { obligations: { expiresMs } });
      return Date.parse(expiresAt) - start;
    };
    assert.deepEqual([end(1_000, 5_000), end(5_000, 1_000)], [1_000, 1_000]);
  });
});

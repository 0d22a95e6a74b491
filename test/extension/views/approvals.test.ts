import assert from 'node:assert/strict';
import type { NewEvent } from '../../../shared/events/envelope.ts';
import { emptyState, evolve, type State } from '../../../shared/state/evolve.ts';
import { canRevoke, describeApproval, sayQuestion } from '../../../extension/views/describeApproval.ts';
import { READER } from '../reader.ts';

let seq = 0;
function record(state: State, ...events: NewEvent[]): void {
  seq += 1;
  const recorded = events.map((event, index) => ({ ...event, id: `e-${seq}.${index}`, tenant: 'local' }));
  evolve(state, { seq, at: '2026-01-02T03:00:00.000Z', principal: 'user', events: recorded });
}

const about = { v: 1 as const, stream: 'run/run1', run: 'run1', repo: '/home/a/shop' };

/** A run with one question. */
function begin(more: Partial<Extract<NewEvent, { type: 'approval.requested' }>['data']> = {}): State {
  const state = emptyState();
  const workflow = { name: 'checkup', version: 1, digest: 'x' };
  record(state, { ...about, type: 'run.submitted', data: { workflow, inputs: {} } }, { ...about, type: 'run.started', data: {} });
  const data = { approval: 'ap2', key: 'command', kind: 'agent.execute', summary: 'Run npm test', risk: 'medium' as const, digest: 'd' };
  const asked = { why: ['It runs code.'], expiresAt: '2026-01-02T04:00:00.000Z', show: {} };
  record(state, { ...about, type: 'approval.requested', stage: 'test', data: { ...data, ...asked, ...more } });
  return state;
}

describe('what a row tells about a question', () => {
  it('tells how far a question is: who said yes, whom it has come to, what was said', () => {
    const state = begin({ quorum: 2, escalate: [{ level: 1, afterMs: 1, to: [] }] });
    record(state, { ...about, type: 'approval.seconded', data: { approval: 'ap2', by: 'anna', reason: '' } });
    record(state, { ...about, type: 'approval.escalated', data: { approval: 'ap2', level: 1, to: [] } });
    record(state, { ...about, type: 'approval.commented', data: { approval: 'ap2', by: 'bot', level: 1, text: 'fine' } });
    const approval = state.approvals.get('ap2');
    assert.ok(approval);
    const view = { approval, state, definition: undefined, named: false };
    const row = describeApproval(view, READER);
    assert.match(row.description ?? '', /1 of 2, by anna · with a peer agent · 1 comment$/);
    assert.ok(row.tooltip?.some((line) => 'value' in line && line.name === 'bot (a peer agent) says' && line.value === 'fine'));
    assert.doesNotMatch(row.context, /remember/, 'several have to agree each time');
    assert.match(sayQuestion(view, 0, READER), /\(1 of 2, by anna, with a peer agent, 1 comment\)/);
  });

  it('offers to take back what nothing has used, and a rule of a run that goes on', () => {
    const state = begin();
    const now = () => {
      const approval = state.approvals.get('ap2');
      assert.ok(approval);
      return canRevoke(approval, state);
    };
    assert.equal(now(), false);
    record(state, { ...about, type: 'approval.granted', data: { approval: 'ap2', by: 'anna', reason: '' } });
    assert.equal(now(), true);
    record(state, { ...about, type: 'approval.used', data: { approval: 'ap2' } });
    assert.equal(now(), false);
    const rule = { rule: 'r', text: '', excepts: [], says: 'it', by: 'anna' };
    record(state, { ...about, type: 'approval.remembered', data: { approval: 'ap2', ...rule } });
    assert.equal(now(), true);
    record(state, { ...about, type: 'run.canceled', data: { summary: '' } });
    assert.equal(now(), false);
  });
});

import assert from 'node:assert/strict';
import {
  NOTHING_ASKED,
  passQuestion,
  placeOf,
  READING_MS,
  readKey,
  reopenQuestions,
  updateAsking,
} from '../../../../daemon/cli/watch/asking.ts';
import type { Approval } from '../../../../shared/state/approval.ts';

const question = (id: string, status: Approval['status'] = 'pending'): Approval => ({
  ...{ id, status, stage: 's', key: id, kind: 'agent.edit', summary: id, risk: 'low', digest: '', why: [], show: {} },
  requestedAt: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-01-02T00:00:00.000Z',
});
const readable = () => true;

describe('asking a person', () => {
  it('takes one question at a time, and the next one when it is gone', () => {
    let asking = updateAsking(NOTHING_ASKED, [question('a'), question('b')], 0, readable);
    assert.equal(asking.current, 'a');
    asking = updateAsking(asking, [question('b')], 5_000, readable);
    assert.deepEqual([asking.current, asking.since], ['b', 5_000], 'answered elsewhere: the next one begins to be read');
    assert.equal(updateAsking(asking, [], 6_000, readable).current, undefined);
  });

  it('ignores what was typed before the question could be read', () => {
    const asking = updateAsking(NOTHING_ASKED, [question('a')], 1_000, readable);
    assert.equal(readKey(asking, 'a', 1_000 + READING_MS - 1), undefined);
    assert.deepEqual(readKey(asking, 'a', 1_000 + READING_MS), { do: 'grant', approval: 'a' });
    assert.deepEqual(readKey(asking, 'd', 9_000), { do: 'deny', approval: 'a' });
    assert.equal(readKey(asking, 'y', 9_000), undefined, 'no other key is a yes');
    assert.equal(readKey(asking, '\r', 9_000), undefined);
  });

  it('does not ask before there is something to read', () => {
    assert.equal(updateAsking(NOTHING_ASKED, [question('a')], 0, () => false).current, undefined);
  });

  it('does not ask again what was put off, until it is told to', () => {
    let asking = updateAsking(NOTHING_ASKED, [question('a')], 0, readable);
    asking = updateAsking(passQuestion(asking, 'a'), [question('a')], 1, readable);
    assert.equal(asking.current, undefined);
    assert.equal(updateAsking(reopenQuestions(asking), [question('a')], 2, readable).current, 'a');
  });

  it('can always be left or interrupted', () => {
    assert.deepEqual(readKey(NOTHING_ASKED, 'q', 0), { do: 'quit' });
    assert.deepEqual(readKey(NOTHING_ASKED, '\u0003', 0), { do: 'interrupt' });
  });

  it('counts on while the questions of a stage are answered', () => {
    const first = updateAsking(NOTHING_ASKED, [question('a'), question('b')], 0, readable);
    assert.deepEqual(placeOf(first, [question('a'), question('b')]), { index: 1, total: 2 });
    const second = updateAsking(passQuestion(first, 'a'), [question('b')], 1, readable);
    assert.deepEqual(placeOf(second, [question('a', 'granted'), question('b')]), { index: 2, total: 2 });
  });
});

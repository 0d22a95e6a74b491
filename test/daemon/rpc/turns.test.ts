import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTurns } from '../../../daemon/rpc/turns.ts';

describe('rpc turns', () => {
  it('gives one frame to each in turn, and goes on in the next turn of the event loop when the time is used up', async () => {
    let time = 0;
    const turns = createTurns({ budgetMs: 10, now: () => (time += 1) });
    const reads: string[] = [];
    const reader = (name: string, frames: number) => (): boolean => {
      reads.push(name);
      return (frames -= 1) > 0;
    };
    turns.add(reader('flood', 1_000));
    turns.add(reader('legitimate', 2));
    await nextTurn();
    await nextTurn();
    assert.deepEqual(reads.slice(0, 5), ['flood', 'legitimate', 'flood', 'legitimate', 'flood']);
    assert.ok(reads.length < 50, `${reads.length} frames were read without a pause`);
    while (reads.length < 1_002) await nextTurn();
  });

  it('lets what follows a frame run before the next is read, and takes the same work once', async () => {
    const turns = createTurns({ budgetMs: 10, now: () => 0 });
    const seen: string[] = [];
    let left = 2;
    const work = (): boolean => {
      seen.push('read');
      void Promise.resolve()
        .then(() => {})
        .then(() => seen.push('answered'));
      return (left -= 1) > 0;
    };
    turns.add(work);
    turns.add(work);
    await nextTurn();
    await nextTurn();
    assert.deepEqual(seen, ['read', 'answered', 'read', 'answered']);
  });
});

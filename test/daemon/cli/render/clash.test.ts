import assert from 'node:assert/strict';
import { describeClash, summariseClashes } from '../../../../daemon/cli/render/clash.ts';
import type { WorktreeClash } from '../../../../shared/protocol/views.ts';

const clash = (first: string, second: string, files: string[]): WorktreeClash => ({ attempts: [first, second], files });

describe('worktrees that will conflict', () => {
  it('are named with at most five files, and nothing in a name can write elsewhere on the terminal', () => {
    assert.equal(describeClash(clash('attempt-a', 'attempt-b', ['one.txt'])), 'attempt-a and attempt-b will conflict in one.txt.');
    const many = describeClash(clash('a', 'b', ['1', '2', '3', '4', '5', '6', '7']));
    assert.equal(many, 'a and b will conflict in 1, 2, 3, 4, 5 and 2 more.');
    assert.ok(!describeClash(clash('a', 'b', ['x\u001b[2J'])).includes('\u001b'));
  });

  it('are one line, however many pairs there are', () => {
    const pair = clash('a', 'b', ['x']);
    assert.deepEqual([[], [pair], [pair, pair], [pair, pair, pair]].map(summariseClashes), [
      '',
      'a and b will conflict in x.',
      'a and b will conflict in x. So will 1 more pair: signalbox worktrees',
      'a and b will conflict in x. So will 2 more pairs: signalbox worktrees',
    ]);
  });
});

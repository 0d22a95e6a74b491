import assert from 'node:assert/strict';
import { sayProblems } from '../../../extension/views/sayProblems.ts';
import { READER } from '../reader.ts';

describe('what keeps policies from being in force', () => {
  const problem = { file: '/home/me/policies/guard.yaml', line: 3, column: 5, message: 'There is no effect `alow`.' };

  it('is said with its place, once for all of it', () => {
    assert.equal(sayProblems([], READER.t), undefined);
    assert.match(
      sayProblems([problem], READER.t) ?? '',
      /last good one stays in force. \/home\/me\/policies\/guard.yaml:3:5: There is no effect/,
    );
    assert.match(sayProblems([problem, { ...problem, line: 9 }], READER.t) ?? '', /has 2 problems.*guard.yaml:3:5/);
  });
});

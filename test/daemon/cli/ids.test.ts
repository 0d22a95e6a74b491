import assert from 'node:assert/strict';
import { CliFailure } from '../../../daemon/cli/failure.ts';
import { matchIds, pickOne, shortId } from '../../../daemon/cli/ids.ts';

const A = '01a1fc68-d0ff-7b16-b802-1eaa5b393178';
const B = '01a1fc68-d0ff-7b16-b802-1eaa5b39aaaa';
const C = '01a1fc70-0000-7b16-b802-000000000001';

describe('shortened ids', () => {
  it('are the random end of a UUID, and what follows it', () => {
    assert.equal(shortId(A), '5b393178');
    assert.equal(shortId(`${A}.3`), '5b393178.3');
    assert.equal(shortId('my-own-id'), 'my-own-id');
  });

  it('are found by either form, and by the beginning of either', () => {
    assert.deepEqual(matchIds('5b393178', [A, B, C]), [A]);
    assert.deepEqual(matchIds('5b393', [A, B, C]), [A]);
    assert.deepEqual(matchIds(A, [A, B, C]), [A]);
    assert.deepEqual(matchIds('01a1fc70', [A, B, C]), [C]);
    assert.deepEqual(matchIds('01a1fc68', [A, B, C]), [A, B]);
    assert.deepEqual(matchIds('zz', [A, B, C]), []);
  });

  it('mean the exact id even where it begins another one', () => {
    assert.deepEqual(matchIds('run', ['run', 'run-2']), ['run']);
  });

  it('are refused with a list when they could be several', () => {
    const entries = [{ id: A }, { id: B }];
    assert.equal(pickOne('5b393178', entries, 'run', () => '').id, A);
    assert.throws(
      () => pickOne('5b39', entries, 'run', () => 'checkup'),
      (error) =>
        error instanceof CliFailure && error.exit === 2 && error.details.length === 2 && /5b39aaaa {2}checkup/.test(error.details[1] ?? ''),
    );
    assert.throws(
      () => pickOne('nope', entries, 'run', () => ''),
      (error) => error instanceof CliFailure && error.exit === 1 && error.code === 'not_found',
    );
  });
});

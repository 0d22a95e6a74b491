import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isLarge, writeInSteps } from '../../../daemon/rpc/large-json.ts';

describe('large answers', () => {
  it('are the text that JSON.stringify gives', async () => {
    const list = fc.oneof(
      fc.constant([]),
      fc.array(fc.jsonValue(), { maxLength: 5 }).map((some) => Array.from({ length: 700 }, (_, n) => some[n % 7])),
    );
    const members = fc.dictionary(fc.string(), fc.oneof(list, fc.jsonValue(), fc.constant(undefined)));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.oneof(members, list, fc.jsonValue())), async (value) => {
        assert.equal(await writeInSteps({ jsonrpc: '2.0', result: value }), JSON.stringify({ jsonrpc: '2.0', result: value }));
      }),
      { numRuns: 100 },
    );
  });

  it('are told from small ones, however small their lists’ entries are', () => {
    const long = Array.from({ length: 100 }, (_, n) => n);
    for (const [value, large] of [
      [{ result: { snapshot: { tasks: long } } }, false],
      [{ snapshot: { tasks: long } }, true],
      [{ tasks: long }, true],
      [long, true],
      [{ tasks: long.slice(0, 64) }, false],
      ['x'.repeat(10_000), false],
      [undefined, false],
    ] as const)
      assert.equal(isLarge(value), large, JSON.stringify(value)?.slice(0, 60));
  });

  it('let everything else have its turn while they are made', async () => {
    const snapshot = { tasks: Array.from({ length: 10_000 }, (_, id) => ({ id })) };
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const text = await writeInSteps({ id: 1, result: { snapshot } });
    done = true;
    assert.ok(turns >= 10_000 / 256, `${turns} turns`);
    assert.deepEqual(JSON.parse(text), { id: 1, result: { snapshot } });
  });
});

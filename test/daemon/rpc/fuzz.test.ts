import assert from 'node:assert/strict';
import fc from 'fast-check';
import { METHODS } from '../../../shared/protocol/methods.ts';
import { openGreeted, type RawSocket, startTestServer, type TestServer } from '../../support/rpc.ts';

interface Answer {
  id?: unknown;
  error?: { code: number; data: { code: string } };
}

const END = 'the-end';

describe('rpc fuzz', function () {
  this.timeout(30_000);
  let test: TestServer;
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);

  before(async () => {
    process.on('unhandledRejection', note);
    test = await startTestServer();
  });
  after(async () => {
    process.off('unhandledRejection', note);
    await test.server.close('test');
  });

  /** Sends frames and gives all answers. No handler here waits, so after a further exchange (and one more, as answers may overtake) all have come. */
  async function exchange(raw: RawSocket, texts: readonly string[]): Promise<Answer[]> {
    for (const text of texts) raw.ws.send(text);
    const answers: Answer[] = [];
    let ends = 0;
    const sendEnd = (): void => raw.ws.send(JSON.stringify({ jsonrpc: '2.0', id: END, method: 'task/list' }));
    sendEnd();
    for (let next = 1; ends < 2; next += 1) {
      await raw.untilFrames(next + 1);
      const frame = JSON.parse(raw.frames[next] ?? '') as Answer | Answer[];
      if (Array.isArray(frame) || frame.id !== END) answers.push(...(Array.isArray(frame) ? frame : [frame]));
      else if ((ends += 1) < 2) sendEnd();
    }
    return answers;
  }

  const id = fc.oneof(fc.string({ maxLength: 200, unit: 'binary' }), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const method = fc.oneof(
    fc.constantFrom(...Object.keys(METHODS)),
    fc.constantFrom('__proto__', 'toString', 'constructor', ''),
    fc.string(),
  );
  const params = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record({ run: fc.string(), limit: fc.integer() }, { requiredKeys: [] }),
  );
  const request = fc.record({ jsonrpc: fc.constantFrom('2.0', '2.0', '1.0'), id, method, params }, { requiredKeys: ['id'] });

  it('answers every request that has a valid id, exactly once, whatever else is in the frame', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(request, fc.array(fc.oneof(request, fc.jsonValue()), { minLength: 1, maxLength: 20 })), {
          minLength: 1,
          maxLength: 12,
        }),
        async (frames) => {
          const raw = await openGreeted(test.endpoint);
          try {
            const texts = frames.map((frame) => JSON.stringify(frame));
            const sent = texts.flatMap((text) => JSON.parse(text) as unknown).map((message) => idOf(message));
            const answers = await exchange(raw, texts);
            const wanted = sent
              .filter((one) => one !== undefined)
              .map(String)
              .sort();
            const got = answers
              .filter((answer) => answer.id !== null)
              .map((answer) => String(answer.id))
              .sort();
            assert.deepEqual(got, wanted);
            for (const { error } of answers) if (error) assert.equal(typeof error.data.code, 'string');
            assert.ok(answers.every(({ error }) => error?.data.code !== 'internal'));
          } finally {
            raw.ws.terminate();
          }
        },
      ),
      { numRuns: 150 },
    );
    assert.deepEqual(unhandled, []);
  });

  it('goes on after any text', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.json(),
      fc.tuple(fc.json(), fc.nat()).map(([json, cut]) => json.slice(0, cut % (json.length + 1))),
      fc.nat({ max: 3_000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 16 }), async (texts) => {
        const raw = await openGreeted(test.endpoint);
        try {
          await exchange(raw, texts);
        } finally {
          raw.ws.terminate();
        }
      }),
      { numRuns: 150 },
    );
    assert.deepEqual(unhandled, []);
    assert.ok(test.logged.every(({ event }) => event !== 'rpc.incident'));
  });
});

/** The id that the daemon has to answer with, or undefined. */
function idOf(message: unknown): string | number | undefined {
  if (typeof message !== 'object' || message === null || Array.isArray(message) || !Object.hasOwn(message, 'id')) return undefined;
  const { id } = message as { id: unknown };
  return (typeof id === 'string' && id.length <= 200) || typeof id === 'number' ? id : undefined;
}

import assert from 'node:assert/strict';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { LIMITS, PROTOCOL } from '../../../shared/protocol/version.ts';
import { connectTest, helloRequest, openGreeted, openRaw, type RawSocket, startTestServer, type TestServer } from '../../support/rpc.ts';

interface Answer {
  id: unknown;
  result?: unknown;
  error?: { code: number; message: string; data: Record<string, unknown> & { code: string } };
}

const status = (id: unknown, more: object = {}): object => ({ jsonrpc: '2.0', id, method: 'task/list', params: {}, ...more });

describe('rpc server', () => {
  let test: TestServer;
  let raw: RawSocket;
  const ask = async (message: unknown): Promise<Answer> => (await raw.ask(message)) as Answer;
  const codeOf = async (message: unknown): Promise<string | undefined> => (await ask(message)).error?.data.code;

  before(async () => {
    test = await startTestServer({
      handlers: {
        'daemon/status': () => {
          throw new Error('a secret of the daemon');
        },
        'agent/list': () => ({ agents: [10n as never] }),
        'run/list': async ({ limit }) => {
          // A later call of the same frame ends first.
          await new Promise((resolve) => setTimeout(resolve, limit));
          return { runs: [limit as never] };
        },
        'run/cancel': ({ run }) => {
          throw new SignalboxError({ code: 'run_ended', message: 'The run has ended already.', facts: { run } });
        },
        'events/subscribe': (_params, connection) => {
          for (let i = 0; i < 300; i += 1) connection.notify('daemon/stopping', { reason: String(i) });
          return { subscription: 's', cursor: '0' };
        },
        'approval/list': () => new Promise(() => {}),
      },
    });
  });
  after(() => test.server.close('test', 10));
  beforeEach(async () => {
    raw = await openGreeted(test.endpoint);
  });
  afterEach(() => raw.ws.terminate());

  it('greets, and answers our own client', async () => {
    const client = await connectTest(test.endpoint);
    assert.deepEqual(client.hello, {
      protocol: PROTOCOL.max,
      version: '0.0.0',
      epoch: 'e',
      pid: process.pid,
      principal: 'user',
      scopes: ['observe', 'submit', 'approve', 'configure'],
    });
    const many = await Promise.all(Array.from({ length: 600 }, () => client.call('task/list', {})));
    assert.equal(many.length, 600);
    client.close();
    assert.match(await client.ended, /1000|1005/);
    await assert.rejects(client.call('task/list', {}), { code: 'disconnected' });
  });

  it('wants hello first, also within a batch, and only once', async () => {
    const fresh = await openRaw(test.endpoint);
    assert.equal(((await fresh.ask(status(1))) as Answer).error?.data.code, 'hello_first');
    assert.equal(((await fresh.ask({ ...status(2), method: 'no/such' })) as Answer).error?.data.code, 'hello_first');
    const batch = (await fresh.ask([status(3), helloRequest(4), status(5), helloRequest(6)])) as Answer[];
    assert.deepEqual(
      batch.map(({ id, error }) => [id, error?.data.code]),
      [
        [3, 'hello_first'],
        [4, undefined],
        [5, undefined],
        [6, 'invalid_transition'],
      ],
    );
    fresh.ws.terminate();
  });

  it('says its own range to a client without a common version', async () => {
    const fresh = await openRaw(test.endpoint);
    const params = { protocol: { min: 7, max: 9 }, client: { name: 'new', version: '9' } };
    const { error } = (await fresh.ask({ ...helloRequest(), params })) as Answer;
    assert.equal(error?.data.code, 'protocol_mismatch');
    assert.deepEqual(error?.data['daemon'], PROTOCOL);
    assert.equal(((await fresh.ask(status(1))) as Answer).error?.data.code, 'hello_first');
    assert.equal(
      ((await fresh.ask({ ...helloRequest(), params: { ...params, protocol: { min: 1, max: 9 } } })) as Answer).error,
      undefined,
    );
    fresh.ws.terminate();
  });

  it('refuses what the scopes of the token do not cover', async () => {
    const { token } = test.principals.issue({ name: 'watcher', scopes: ['observe'], ttlMs: 60_000 });
    const watcher = await connectTest(test.endpoint, token);
    assert.deepEqual(await watcher.call('task/list', {}), { tasks: [] });
    await assert.rejects(watcher.call('run/cancel', { run: 'r' }), {
      code: 'forbidden',
      facts: { method: 'run/cancel', scope: 'submit', scopes: ['observe'] },
    });
    await assert.rejects(watcher.call('daemon/stop', {}), { code: 'forbidden' });
    watcher.close();
  });

  it('ends a connection when its token expires', async () => {
    const { token } = test.principals.issue({ name: 'brief', scopes: ['observe'], ttlMs: 300 });
    const brief = await connectTest(test.endpoint, token);
    assert.match(await brief.ended, /1008, The token has expired/);
  });

  it('knows no method that is not declared', async () => {
    for (const method of ['no/such', '__proto__', 'toString', 'constructor', 'hasOwnProperty', 'valueOf']) {
      const { id, error } = await ask({ ...status('m'), method });
      assert.deepEqual([id, error?.code, error?.data.code], ['m', -32601, 'unknown_method'], method);
    }
  });

  it('refuses envelopes of another form, with the id where it is one', async () => {
    for (const more of [
      { params: 5 },
      { params: 'x' },
      { params: null },
      { params: [] },
      { method: 5 },
      { method: undefined },
      { method: 'x'.repeat(101) },
      { jsonrpc: '1.0' },
      { result: 1 },
    ]) {
      const { id, error } = await ask(status('e', more));
      assert.deepEqual([id, error?.code, error?.data.code], ['e', -32600, 'invalid_request'], JSON.stringify(more));
    }
  });

  it('refuses ids that are no string, number or null, and takes null', async () => {
    for (const id of [{}, [], true, { toString: 1 }, 'x'.repeat(201)]) {
      const answer = await ask(status(id));
      assert.deepEqual([answer.id, answer.error?.data.code], [null, 'invalid_request']);
    }
    assert.deepEqual(await ask(status(null)), { jsonrpc: '2.0', id: null, result: { tasks: [] } });
    assert.deepEqual((await ask('{"jsonrpc":"2.0","id":1e999,"method":"task/list"}')).id, null);
  });

  it('names the parameters that are wrong', async () => {
    const { error } = await ask({ ...status(1), method: 'task/list', params: { limit: 'many', nonsense: 1 } });
    assert.equal(error?.code, -32602);
    assert.equal(error?.data.code, 'invalid_params');
    const issues = error?.data['issues'] as { path: string; message: string }[];
    assert.ok(issues.some(({ path }) => path === 'limit'));
    assert.match(error?.message ?? '', /task\/list.*limit: /);
    assert.equal(await codeOf({ ...status(1), method: 'run/get' }), 'invalid_params');
  });

  it('keeps prototypes out of parameters', async () => {
    const text = JSON.stringify({
      ...status(1),
      method: 'task/submit',
      params: { id: 't', agent: 'a', action: 'x', payload: { PROTO: { polluted: true } } },
    }).replace('PROTO', '__proto__');
    assert.equal(await codeOf(text), 'not_found');
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    assert.equal(await codeOf('{"jsonrpc":"2.0","id":1,"method":"task/list","params":{"__proto__":{"limit":1}}}'), 'invalid_params');
  });

  it('answers a refusal with its code, sentence and facts, and a bug only with its incident', async () => {
    const refused = await ask({ ...status(1), method: 'run/cancel', params: { run: 'r1' } });
    assert.deepEqual(refused.error, { code: -32031, message: 'The run has ended already.', data: { run: 'r1', code: 'run_ended' } });
    for (const method of ['daemon/status', 'agent/list']) {
      const { error } = await ask({ ...status(2), method });
      assert.deepEqual([error?.code, error?.data.code], [-32603, 'internal']);
      assert.ok(!JSON.stringify(error).includes('secret'));
      const entry = test.logged.find(({ facts }) => facts['incident'] === error?.data['incident']);
      assert.match(String(entry?.facts['error']), method === 'daemon/status' ? /a secret of the daemon/ : /BigInt/);
    }
  });

  it('answers the calls of one frame in one frame and in their order', async () => {
    const slow = { ...status('slow'), method: 'run/list', params: { limit: 40 } };
    const batch = (await ask([
      slow,
      status(1),
      7,
      { ...status(2), method: 'no/such' },
      { jsonrpc: '2.0', method: 'task/list' },
      status(3),
    ])) as unknown as Answer[];
    assert.deepEqual(
      batch.map(({ id, error }) => [id, error?.data.code]),
      [
        ['slow', undefined],
        [1, undefined],
        [null, 'invalid_request'],
        [2, 'unknown_method'],
        [3, undefined],
      ],
    );
    const single = await ask([status('only')]);
    assert.ok(Array.isArray(single) && single.length === 1);
  });

  it('says nothing to a request without an id', async () => {
    raw.ws.send(JSON.stringify({ jsonrpc: '2.0', method: 'task/list' }));
    raw.ws.send(
      JSON.stringify([
        { jsonrpc: '2.0', method: 'daemon/status' },
        { jsonrpc: '2.0', method: 'no/such' },
      ]),
    );
    assert.deepEqual((await ask(status('after'))).id, 'after');
  });

  it('refuses an empty batch, one of 257, and what is no JSON, each with one answer', async () => {
    assert.equal(await codeOf([]), 'invalid_request');
    const { id, error } = await ask(Array.from({ length: LIMITS.batch + 1 }, (_, i) => status(i)));
    assert.deepEqual([id, error?.data.code, error?.data['limit'], error?.data['sent']], [null, 'too_many', 256, 257]);
    assert.equal(((await ask(Array.from({ length: LIMITS.batch }, (_, i) => status(i)))) as unknown as Answer[]).length, 256);
    for (const text of ['', '{', '[1,', 'nonsense', '{"jsonrpc":"2.0","id":1,']) assert.equal(await codeOf(text), 'parse_error');
    for (const text of ['null', '5', '"x"', 'true', '{}', '[[]]'.slice(1, 3)]) assert.equal(await codeOf(text), 'invalid_request', text);
    assert.equal(await codeOf(`${'['.repeat(200_000)}${']'.repeat(200_000)}`), 'invalid_request');
  });

  it('closes after too many bad frames, and at a binary one', async () => {
    for (let i = 0; i < LIMITS.badFrames; i += 1) assert.equal(await codeOf('x'), 'parse_error');
    assert.equal((await ask(status('still'))).id, 'still');
    raw.ws.send('x');
    assert.equal((await raw.closed).code, 1008);
    const binary = await openGreeted(test.endpoint);
    binary.ws.send(Buffer.from(JSON.stringify(status(1))), { binary: true });
    assert.equal((await binary.closed).code, 1003);
  });

  it('refuses more calls in flight than the bound', async () => {
    const hanging = Array.from({ length: LIMITS.inFlight }, (_, i) => ({ ...status(`h${i}`), method: 'approval/list' }));
    for (let i = 0; i < hanging.length; i += LIMITS.batch) raw.ws.send(JSON.stringify(hanging.slice(i, i + LIMITS.batch)));
    assert.equal(await codeOf(status('more')), 'too_many');
  });

  it('sends the notifications of one turn in few frames, in order, around the answers', async () => {
    raw.frames.length = 0;
    raw.ws.send(JSON.stringify({ ...status('s'), method: 'events/subscribe', params: { scope: { kind: 'all' } } }));
    await raw.untilFrames(3);
    const frames = raw.frames.map((text) => JSON.parse(text) as { params: { reason: string } }[]);
    assert.deepEqual(
      frames.map((frame) => (Array.isArray(frame) ? frame.length : 'answer')),
      [256, 44, 'answer'],
    );
    assert.deepEqual(
      frames.slice(0, 2).flatMap((frame) => frame.map(({ params }) => Number(params.reason))),
      Array.from({ length: 300 }, (_, i) => i),
    );
  });

  it('tells the peer of a connection and when it ends', async () => {
    const connection = test.connections.at(-1);
    assert.equal(connection?.peer.address, '127.0.0.1');
    assert.ok((connection?.peer.port ?? 0) > 0);
    const over = new Promise<void>((resolve) => connection?.onClose(resolve));
    raw.ws.terminate();
    await over;
    connection?.notify('daemon/stopping', { reason: 'nobody hears it' });
    let late = false;
    connection?.onClose(() => (late = true));
    assert.ok(late);
  });
});

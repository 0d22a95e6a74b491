import assert from 'node:assert/strict';
import { createClient, type Client } from '../../../shared/client/client.ts';
import type { SignalboxError } from '../../../shared/protocol/errors.ts';

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: SignalboxError) => error.code,
  );

describe('the client', () => {
  let sent: string[];
  let client: Client;
  beforeEach(() => {
    sent = [];
    client = createClient({ send: (text) => void sent.push(text), close: () => undefined }, { timeoutMs: 50 });
  });
  const requests = (): { id: number }[] => sent.flatMap((text) => JSON.parse(text) as { id: number }[]);
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('sends what is called in one turn in one frame, and gives each its own answer', async () => {
    const calls = [client.call('agent/list', {}), client.call('run/get', { run: 'r' })];
    await turn();
    assert.equal(sent.length, 1);
    const [first, second] = requests();
    const error = { code: -32020, message: 'There is no run r.', data: { code: 'not_found', run: 'r' } };
    client.receive(
      JSON.stringify([
        { jsonrpc: '2.0', id: second?.id, error },
        { jsonrpc: '2.0', id: first?.id, result: { agents: [] } },
      ]),
    );
    assert.deepEqual(await calls[0], { agents: [] });
    await assert.rejects(calls[1] ?? Promise.resolve(), { code: 'not_found', message: 'There is no run r.', facts: { run: 'r' } });
  });

  it('ends every call: in time, or with the connection', async () => {
    assert.equal(await codeOf(client.call('agent/list', {})), 'timeout');
    const waiting = codeOf(client.call('agent/list', {}, { timeoutMs: 10_000 }));
    await turn();
    client.closed('gone');
    assert.equal(await waiting, 'disconnected');
    assert.equal(await codeOf(client.call('agent/list', {})), 'disconnected');
  });

  it('tells listeners of a notification, until they stop listening', () => {
    const heard: string[] = [];
    const stop = client.on('daemon/stopping', ({ reason }) => heard.push(reason));
    const say = (reason: string) => client.receive(JSON.stringify([{ jsonrpc: '2.0', method: 'daemon/stopping', params: { reason } }]));
    say('one');
    stop();
    say('two');
    assert.deepEqual(heard, ['one']);
  });
});

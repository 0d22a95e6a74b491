// What the metering proxy reads and passes on, in the four wires of the scripted model.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { speak, speakAtOnce, type Reply } from '../../../../daemon/agents/acp/canary/answers.ts';
import type { ModelRequest, Wire } from '../../../../daemon/agents/acp/canary/wires.ts';
import { type Meter, openMeter } from '../../../../daemon/agents/acp/meter.ts';
import { readUsage } from '../../../../daemon/agents/acp/metered-usage.ts';
import type { AttemptEvent } from '../../../../daemon/agents/agent.ts';
import { listenOnLoopback } from '../../../../daemon/platform/mcp/door.ts';

const reply: Reply = {
  id: 1,
  model: 'scripted',
  calls: [],
  async *texts() {
    yield* ['one ', 'two "usage": {"output_tokens": 99999} '];
  },
};
const WIRES: readonly Wire[] = ['anthropic', 'chat', 'responses', 'gemini'];
const requestOf = (wire: Wire): ModelRequest => ({ wire, model: 'scripted', stream: true, json: false, tools: [], said: [] });

async function streamOf(wire: Wire): Promise<string> {
  let text = '';
  for await (const [name, data] of speak(requestOf(wire), reply))
    text += `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
  return text;
}
const EXPECTED = { model: 'scripted', inputTokens: 1_200, outputTokens: 37, cachedTokens: 200 };

describe('agents: the metering proxy', () => {
  for (const wire of WIRES)
    it(`counts what an answer used: ${wire}, as events in any pieces and as a document`, async () => {
      const text = await streamOf(wire);
      for (const size of [1, 7, 100, text.length]) {
        const reader = readUsage('text/event-stream; charset=utf-8');
        for (let at = 0; at < text.length; at += size) reader.take(text.slice(at, at + size));
        assert.deepEqual(reader.end(), EXPECTED, `${size}`);
      }
      const document = readUsage('application/json');
      document.take(JSON.stringify(await speakAtOnce(requestOf(wire), reply)));
      assert.deepEqual(document.end(), EXPECTED);
    });

  it('makes nothing of what is no answer, or is too long', () => {
    for (const [type, text] of [
      ['text/html', '<p>"usage"</p>'],
      ['application/json', '{"usage":{"input_tokens":-5}}'],
      ['application/json', '{"usage":'],
      ['text/event-stream', 'data: {"usage": nonsense\n\ndata: [DONE]\n'],
      ['text/event-stream', `data: {"usage":{"input_tokens":5},"x":"${'y'.repeat(1_100_000)}"`],
    ] as const) {
      const reader = readUsage(type);
      reader.take(text);
      assert.equal(reader.end(), undefined, text.slice(0, 60));
    }
  });

  describe('passing on', () => {
    const used: AttemptEvent[] = [];
    const seen: { url: string; key: string; host: string; body: string }[] = [];
    const host = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { headers, url = '' } = request;
        seen.push({ url, key: String(headers['x-api-key']), host: headers.host ?? '', body });
        if (url.includes('hang')) return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(hanging);
        void streamOf('anthropic').then((text) =>
          response.writeHead(200, { 'content-type': 'text/event-stream', 'x-own': 'kept' }).end(text),
        );
      });
    });
    const hanging = 'data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":11,"output_tokens":1}}}\n\n';
    let meter: Meter;
    let url: string;
    let close: () => void;

    before(async () => {
      host.listen(0, '127.0.0.1');
      await once(host, 'listening');
      const to = `http://127.0.0.1:${(host.address() as AddressInfo).port}/base/`;
      const prices = { date: '2026-01-31', models: { scripted: { input: 10, output: 100, cached: 1 } } };
      meter = openMeter({ meter: { to, env: {} }, prices, emit: (event) => used.push(event) });
      const listening = await listenOnLoopback({ request: meter.request, upgrade: (_request, socket) => socket.destroy() });
      ({ close } = listening);
      url = `http://127.0.0.1:${listening.port}${meter.path}`;
    });
    after(() => {
      close();
      host.closeAllConnections();
      host.close();
    });

    it('gives question and key to the one host, its answer back as it is, and tells what it used, with a price where there is one', async () => {
      const answer = await fetch(`${url}/v1/messages?beta=true`, { method: 'POST', headers: { 'x-api-key': 'secret' }, body: '{"q":1}' });
      assert.equal(answer.headers.get('x-own'), 'kept');
      assert.equal(await answer.text(), await streamOf('anthropic'));
      const [{ url: path, key, body, host: named } = { url: '', key: '', body: '', host: '' }] = seen;
      assert.deepEqual([path, key, body], ['/base/v1/messages?beta=true', 'secret', '{"q":1}']);
      assert.match(named, /^127\.0\.0\.1:\d+$/);
      while (used.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const cost = (1_200 * 10 + 37 * 100 + 200 * 1) / 1e6;
      assert.deepEqual(used, [{ type: 'used', tokens: 1_437, cost, source: 'metered, price-table 2026-01-31' }]);
    });

    it('leads nowhere else, tells at its end what a broken answer used, and ends with its attempt', async () => {
      const other = url.replace(/\/model\/.*/, '/model/guess/v1/messages');
      assert.equal((await fetch(other)).status, 404);
      const hangs = await fetch(`${url}/hang`);
      const reader = hangs.body?.getReader();
      await reader?.read();
      meter.close();
      await assert.rejects(async () => reader?.read());
      assert.deepEqual(used.at(-1), { type: 'used', tokens: 12, cost: 0, source: 'metered' });
      assert.equal((await fetch(`${url}/v1/messages`)).status, 404);
    });
  });
});

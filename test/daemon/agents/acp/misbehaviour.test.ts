import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { openWire, type WireFault, WIRE_BOUNDS } from '../../../../daemon/agents/acp/wire.ts';
import { removeTempFolders } from '../../../support/repos.ts';
import { drive, type Driven } from './scripted.ts';

type Options = Parameters<typeof drive>[1];

const FAULTS: { name: string; script: unknown[]; options?: Options; code: string; says: RegExp }[] = [
  {
    name: 'crashes',
    script: [{ stderr: 'out of tokens\n' }, { crash: 7 }],
    code: 'agent_exited',
    says: /exit code 7 before it was done\. Its last words: out of tokens/,
  },
  { name: 'ends at the start', script: [], options: { setup: { crashAtStart: 3 } }, code: 'agent_exited', says: /exit code 3/ },
  { name: 'prints garbage without end', script: [{ garbage: 300 }, { hang: true }], code: 'agent_garbage', says: /more than 200 lines/ },
  {
    name: 'floods',
    script: [{ flood: 40_000 }],
    options: { options: { bounds: { burst: 2_000, perSecond: 10 } } },
    code: 'agent_flood',
    says: /messages a second/,
  },
  {
    name: 'sends a message of 100 MB',
    script: [{ huge: 100_000_000 }, { hang: true }],
    code: 'agent_frame',
    says: /more than 16777216 bytes/,
  },
  {
    name: 'sends too much in all',
    script: [{ flood: 4_000 }],
    options: { options: { bounds: { totalBytes: 100_000 } } },
    code: 'agent_output',
    says: /100000 bytes in all/,
  },
  { name: 'answers twice', script: [{ answerTwice: true }, { hang: true }], code: 'agent_protocol', says: /answered twice/ },
  { name: 'answers what nobody asked', script: [{ answerDead: true }, { hang: true }], code: 'agent_protocol', says: /nobody asked/ },
  {
    name: 'does not get ready',
    script: [],
    options: { setup: { hangAt: 'initialize' }, profile: { startSeconds: 1 } },
    code: 'agent_start',
    says: /not ready within 1 s/,
  },
  {
    name: 'does not open a session',
    script: [],
    options: { setup: { hangAt: 'session/new' }, profile: { startSeconds: 1 } },
    code: 'agent_start',
    says: /doctor scripted/,
  },
  {
    name: 'wants a login',
    script: [],
    options: { setup: { errorAt: 'session/new', code: -32_000 } },
    code: 'agent_login',
    says: /wants a login/,
  },
  { name: 'answers the prompt with an error', script: [{ error: 'model gone' }], code: 'agent_error', says: /model gone/ },
  { name: 'speaks another version', script: [], options: { setup: { version: 9 } }, code: 'agent_protocol', says: /version 9/ },
  {
    name: 'lacks the mode that asks',
    script: [],
    options: { setup: { modes: ['yolo'] } },
    code: 'agent_mode',
    says: /no mode `default`.*yolo/,
  },
  { name: 'stops early', script: [{ stop: 'max_tokens' }], code: 'agent_stopped', says: /max_tokens/ },
  {
    name: 'is not there',
    script: [],
    options: { profile: { program: 'no-such-agent-anywhere' } },
    code: 'agent_missing',
    says: /was not found/,
  },
  { name: 'is unknown', script: [], options: { spec: { agent: 'stranger' } }, code: 'agent_unknown', says: /no profile/ },
  { name: 'is asked for nothing', script: [], options: { spec: { prompt: ' ' } }, code: 'prompt_missing', says: /`prompt`/ },
];

describe('agents: acp misbehaviour', function () {
  this.timeout(20_000);
  after(removeTempFolders);

  // All at once: most of their time is waiting.
  const attempts = new Map<string, Driven>();
  before(() => {
    for (const { name, script, options } of FAULTS) attempts.set(name, drive(script, options));
  });

  for (const { name, code, says } of FAULTS)
    it(`fails the attempt, and only that, when the agent ${name}`, async () => {
      const attempt = attempts.get(name);
      assert.ok(attempt);
      const outcome = await attempt.ended;
      assert.equal(outcome.error?.code, code, outcome.error?.message);
      assert.match(outcome.error?.message ?? '', says);
      assert.equal(outcome.status, 'failed');
      assert.equal(await attempt.leftovers(), 0);
      assert.equal(attempt.events.at(-1)?.type, 'ended');
    });

  it('takes the end of output that nobody reads any more as no fault', async () => {
    const input = new PassThrough();
    const faults: WireFault[] = [];
    let tell = (): void => {};
    const told = new Promise<void>((resolve) => (tell = resolve));
    const parts = {
      output: new PassThrough(),
      bounds: WIRE_BOUNDS,
      now: () => 0,
      onLine: () => tell(),
      onFault: (fault: WireFault) => faults.push(fault),
    };
    const reader = openWire({ input, ...parts }).readable.getReader();
    const read = reader.read();
    await new Promise(setImmediate);
    await reader.cancel();
    input.end('{"method":"x"}\n');
    assert.equal((await read).done, true);
    await told;
    await new Promise(setImmediate);
    assert.deepEqual(faults, []);
  });

  it('lets a few stray lines pass as noise', async () => {
    const attempt = drive([{ garbage: 3 }, { say: 'fine' }]);
    assert.equal((await attempt.ended).status, 'succeeded');
    assert.equal(attempt.output('stderr'), 'this is no message\n'.repeat(3));
  });

  it('ends an agent that hangs at the timeout, one that ignores SIGTERM and cancel too, and what it left behind', async function () {
    if (process.platform !== 'linux') this.skip();
    const attempt = drive([{ child: true }, { say: 'up' }, { hang: true }], {
      setup: { ignoreTerm: true, ignoreCancel: true },
      options: { cancelMs: 100 },
      spec: { timeoutMs: 1_500 },
    });
    const outcome = await attempt.ended;
    assert.equal(outcome.status, 'timeout');
    assert.equal(outcome.error?.code, 'task_timeout');
    assert.equal(await attempt.leftovers(), 0);
  });

  it('ends the children of an agent that is done', async function () {
    if (process.platform !== 'linux') this.skip();
    const attempt = drive([{ child: true }, { say: 'done' }]);
    assert.equal((await attempt.ended).status, 'succeeded');
    assert.equal(await attempt.leftovers(), 0);
  });
});

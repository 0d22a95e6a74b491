import assert from 'node:assert/strict';
import type { Permission } from '../../../daemon/agents/agent.ts';
import { openCallbacks } from '../../../daemon/coordinator/callbacks.ts';
import type { EffectContext } from '../../../daemon/coordinator/reactor.ts';
import { sha256 } from '../../../daemon/platform/digest.ts';
import type { AgentCall } from '../../../shared/protocol/agent-tools.ts';
import { Simulation } from '../../support/engine.ts';

/** Callbacks whose permissions the test gives, one after the other. */
function open(waitMs: number) {
  const asked: { key: string; give(permission: Permission): void }[] = [];
  const told: string[] = [];
  const context = {
    state: new Simulation({}).state,
    ports: { hash: sha256, mask: (text: string) => Promise.resolve(text), progress: () => undefined },
    tell: (command: { type: string }) => {
      told.push(command.type);
      return Promise.resolve({ ok: true, commit: undefined });
    },
  };
  const permissions = {
    ask: (_asker: unknown, { key }: { key: string }) => new Promise<Permission>((give) => asked.push({ key, give })),
    note: () => undefined,
    leave: () => undefined,
  };
  const caller = { task: { id: 't', token: 1, agent: 'w' }, attempt: 'a', cause: 'test', run: undefined, def: undefined };
  const callbacks = openCallbacks(context as unknown as EffectContext, permissions, caller as never, waitMs);
  return { answer: (call: AgentCall, allowed = false) => callbacks.answer(call, allowed), asked, told };
}

const approval = (id: string, question = 'May I?'): AgentCall => ({ tool: 'request_approval', input: { id, question, details: '' } });
const progress: AgentCall = { tool: 'report_progress', input: { text: 'on it' } };
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('calls of an agent', () => {
  it('that wait for a person are pending, asked once, and hear the answer later', async () => {
    const { answer, asked } = open(0);
    assert.deepEqual((await answer(approval('a'))).data, { status: 'pending', id: 'a' });
    assert.equal((await answer(approval('a'))).data['status'], 'pending');
    assert.deepEqual(
      asked.map(({ key }) => key),
      ['request_approval:a'],
    );
    asked[0]?.give({ allowed: true });
    await settled();
    assert.equal((await answer(approval('a'))).data['status'], 'granted');
    assert.equal((await answer(approval('a'))).data['status'], 'granted');
    assert.equal(asked.length, 1);
    assert.equal((await answer(approval('a', 'Something else?'))).data['code'], 'id_taken');
  });

  it('without an id are done each time, and not asked about again where the agent was told yes before', async () => {
    const { answer, asked, told } = open(60_000);
    const first = answer(progress);
    await settled();
    asked[0]?.give({ allowed: true });
    assert.equal((await first).ok, true);
    assert.equal((await answer(progress, true)).ok, true);
    assert.equal(asked.length, 1);
    assert.deepEqual(told, ['attempt/call', 'attempt/call']);
    const denied = answer(progress);
    await settled();
    asked[1]?.give({ allowed: false, reason: 'Not today.' });
    assert.match((await denied).text, /^Denied: Not today\./);
  });

  it('are so many at most', async () => {
    const { answer } = open(60_000);
    for (let i = 0; i < 500; i += 1) await answer(progress, true);
    assert.equal((await answer(progress, true)).data['code'], 'too_many');
  });
});

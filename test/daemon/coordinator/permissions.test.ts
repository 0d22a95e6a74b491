import assert from 'node:assert/strict';
import type { Permission } from '../../../daemon/agents/agent.ts';
import type { Command, CommandResult } from '../../../daemon/commands.ts';
import { createPermissions, type Asker } from '../../../daemon/coordinator/permissions.ts';
import type { EffectContext } from '../../../daemon/coordinator/reactor.ts';
import { sha256 } from '../../../daemon/platform/digest.ts';
import type { Action, Effect } from '../../../shared/state/action.ts';
import type { Commit } from '../../../shared/events/envelope.ts';
import { Simulation } from '../../support/engine.ts';

const fetchFrom = (host: string): Action => ({
  ...{ kind: 'agent.fetch', summary: `Fetch from ${host}`, agent: 'w', run: '', stage: '', task: 't', repo: '', risk: 'medium' },
  ...{ urls: [`https://${host}/`], hosts: [host] },
});

/** An attempt that runs, and what it asks; answers are commands, as they are for the daemon. */
class Scene {
  readonly s: Simulation;
  readonly stored = new Map<string, string>();
  readonly permissions: ReturnType<typeof createPermissions>;
  #attempt = 1;

  constructor(effect: (action: Action) => Effect = () => 'require_approval') {
    this.s = new Simulation({ effect });
    this.s.apply({ type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'command', slots: 1 });
    this.s.apply({
      ...{ type: 'task/submit', task: 't', wants: 'w', action: 'do', priority: 0, timeoutMs: 1_000, maxAttempts: 3 },
      ...{ payload: {}, artifacts: {} },
    });
    this.s.apply({ type: 'task/assign', task: 't', attempt: 'a1', agent: 'w' });
    this.s.apply({ type: 'attempt/run', attempt: 'a1', token: 1 });
    const ports = {
      artifacts: {
        putText: async (text: string) => {
          this.stored.set(sha256(text), text);
          return { digest: sha256(text), size: text.length };
        },
      },
    };
    const context = { state: this.s.state, ports, settings: { taskTimeoutMs: 1 }, tell: async (command: Command) => this.tell(command) };
    this.permissions = createPermissions(context as unknown as EffectContext);
  }

  tell(command: Command): CommandResult {
    try {
      const events = this.s.apply(command);
      for (const event of events)
        if (event.type.startsWith('approval.')) this.permissions.note((event.data as { approval: string }).approval);
      return { ok: true, commit: events.length === 0 ? undefined : ({ events } as unknown as Commit) };
    } catch (error) {
      const { code, message } = error as Error & { code: 'stale_lease' };
      return { ok: false, refusal: { code, message } };
    }
  }

  ask(action: Action, key = 'call-1'): Promise<Permission> {
    const asker: Asker = { attempt: `a${this.#attempt}`, task: 't', token: this.#attempt, cause: 'test' };
    return this.permissions.ask(asker, { key, action, show: { input: 'what it is about' } });
  }

  /** The newest question, once it is there. */
  async question(): Promise<string> {
    await new Promise((resolve) => setImmediate(resolve));
    return [...this.s.state.approvals.keys()].at(-1) ?? '';
  }

  async answer(answer: 'grant' | 'deny', reason = ''): Promise<void> {
    this.tell({ type: 'approval/answer', approval: await this.question(), answer, by: 'anna', reason });
  }

  /** The daemon died: the attempt was cut off and the task has a new one. */
  again(): void {
    this.permissions.leave(`a${this.#attempt}`);
    this.tell({ type: 'attempt/end', attempt: `a${this.#attempt}`, token: this.#attempt, ending: { status: 'interrupted', values: {} } });
    this.#attempt += 1;
    this.tell({ type: 'task/assign', task: 't', attempt: `a${this.#attempt}`, agent: 'w' });
    this.tell({ type: 'attempt/run', attempt: `a${this.#attempt}`, token: this.#attempt });
  }

  statuses(): string[] {
    return [...this.s.state.approvals.values()].map((a) => a.status);
  }
}

describe('permissions of a running attempt', () => {
  it('are the policy’s decision where nobody is asked, and each is recorded with its action', async () => {
    const scene = new Scene(({ summary }) => (summary.includes('good') ? 'allow' : 'deny'));
    assert.deepEqual(await scene.ask(fetchFrom('good.test')), { allowed: true });
    assert.deepEqual(await scene.ask(fetchFrom('bad.test')), { allowed: false, reason: 'test says deny' });
    const decided = scene.s.events.filter((e) => e.type === 'policy.decided');
    assert.deepEqual(
      decided.map((e) => [e.attempt, e.task, JSON.parse(scene.stored.get(e.artifact ?? '') ?? '{}').hosts]),
      [
        ['a1', 't', ['good.test']],
        ['a1', 't', ['bad.test']],
      ],
    );
  });

  it('wait for a person, and the grant is used before the adapter hears of it', async () => {
    const scene = new Scene();
    const asked = scene.ask(fetchFrom('a.test'));
    const id = await scene.question();
    const { show, task, attempt, agent } = scene.s.state.approvals.get(id) ?? {};
    assert.deepEqual([task, attempt, agent, scene.stored.get(show?.['input'] ?? '')], ['t', 'a1', 'w', 'what it is about']);
    await scene.answer('grant');
    assert.deepEqual(await asked, { allowed: true });
    assert.deepEqual(scene.statuses(), ['used']);
  });

  it('say who denied and why, and the same action is not asked again in the same task', async () => {
    const scene = new Scene();
    const asked = scene.ask(fetchFrom('a.test'));
    await scene.answer('deny', 'not from there');
    const no = { allowed: false, reason: 'Denied by anna: not from there' };
    assert.deepEqual(await asked, no);
    assert.deepEqual(await scene.ask(fetchFrom('a.test'), 'call-2'), no);
    assert.equal(scene.s.state.approvals.size, 1);
  });

  it('are asked anew for anything else, however little it differs', async () => {
    const scene = new Scene();
    const asked = scene.ask(fetchFrom('a.test'));
    await scene.answer('grant');
    await asked;
    void scene.ask({ ...fetchFrom('a.test'), urls: ['https://a.test/other'] } as Action, 'call-2');
    await scene.question();
    assert.deepEqual(scene.statuses(), ['used', 'pending']);
  });

  it('are used once: the same action a second time is a question again', async () => {
    const scene = new Scene();
    const both = [scene.ask(fetchFrom('a.test')), scene.ask(fetchFrom('a.test'), 'call-2')];
    await scene.question();
    assert.deepEqual(scene.statuses(), ['pending'], 'one question for both');
    await scene.answer('grant');
    assert.deepEqual(await Promise.race(both), { allowed: true });
    await scene.question();
    assert.deepEqual(scene.statuses(), ['used', 'pending']);
    await scene.answer('grant');
    assert.deepEqual(await Promise.all(both), [{ allowed: true }, { allowed: true }]);
  });

  it('are found again by the next attempt, whether the answer came before the daemon died or after', async () => {
    for (const when of ['before', 'after']) {
      const scene = new Scene();
      const lost = scene.ask(fetchFrom('a.test'));
      await scene.question();
      scene.again();
      assert.deepEqual(await lost, { allowed: false, reason: 'The attempt has ended.' });
      if (when === 'before') await scene.answer('grant');
      const asked = scene.ask(fetchFrom('a.test'), 'call-9');
      if (when === 'after') await scene.answer('grant');
      assert.deepEqual(await asked, { allowed: true }, when);
      assert.deepEqual(scene.statuses(), ['used'], when);
    }
  });

  it('of an attempt that was given up allow nothing', async () => {
    const scene = new Scene();
    const late: Asker = { attempt: 'a1', task: 't', token: 1, cause: 'test' };
    scene.again();
    const said = await scene.permissions.ask(late, { key: 'k', action: fetchFrom('a.test') });
    assert.equal(said.allowed, false);
    assert.equal(scene.s.state.approvals.size, 0);
  });

  it('lapse or are withdrawn when the task ends, and a changed request withdraws the question of the same key', async () => {
    const scene = new Scene();
    void scene.ask(fetchFrom('a.test'));
    await scene.question();
    void scene.ask(fetchFrom('b.test'));
    await scene.question();
    assert.deepEqual(scene.statuses(), ['voided', 'pending']);
    scene.tell({ type: 'attempt/end', attempt: 'a1', token: 1, ending: { status: 'succeeded', values: {} } });
    assert.deepEqual(scene.statuses(), ['voided', 'voided']);
  });

  it('give the attempt the time back that it waited for a person', async () => {
    const scene = new Scene();
    void scene.ask(fetchFrom('a.test'));
    await scene.question();
    const before = Date.parse(scene.s.state.attempts.get('a1')?.leaseFrom ?? '');
    scene.s.now += 5_000;
    await scene.answer('grant');
    assert.equal(Date.parse(scene.s.state.attempts.get('a1')?.leaseFrom ?? ''), before + 5_000);
  });
});

// The Decisions API on a real daemon, and the explanation of what it recorded.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { CLI, environmentOf } from '../../support/programs.ts';

const POLICY = `policy: mine
version: 1
rules:
  - { id: no-tracker, on: [agent.mcp], effect: deny, message: Not that one., when: action.server == "tracker" }
  - { id: busy, on: [agent.other], effect: deny, message: Too much runs., when: context.running.overall > 0 }
  - { id: reads, on: [agent.read, agent.other], effect: allow, message: Reading is fine. }
`;

describe('policy/evaluate', function () {
  this.timeout(30_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Awaited<ReturnType<DaemonProcess['connect']>>;

  before(async () => {
    home = await makeHome();
    await mkdir(join(home, 'config', 'policies'), { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'config', 'policies', 'mine.yaml'), POLICY);
    daemon = await startDaemon({ home });
    client = await daemon.connect();
  });
  after(async () => {
    client?.close();
    await daemon?.end('SIGKILL');
    await removeHome(home);
  });

  const recorded = async () =>
    (await client.call('events/read', {})).events.filter(({ type }) => type === 'dev.signalbox.policy.decided.v1');
  const denied = { id: 'a', action: { kind: 'agent.mcp', server: 'tracker' } };
  const allowed = { id: 'b.2', action: { kind: 'agent.read', paths: ['src/a.ts'] } };

  it('decides as things stand, gives the ids back, and records nothing', async () => {
    const before = (await client.call('daemon/status', {})).seq;
    const { decisions, recorded: wrote } = await client.call('policy/evaluate', {
      actions: [denied, allowed, { id: 'c', action: { kind: 'agent.other', tool: 'think' } }],
    });
    assert.deepEqual(
      decisions.map(({ id, decision }) => [id, decision.effect]),
      [
        ['a', 'deny'],
        ['b.2', 'allow'],
        ['c', 'allow'],
      ],
    );
    assert.equal(decisions[0]?.decision.reasons[0]?.rule, 'no-tracker');
    assert.deepEqual([wrote, (await client.call('daemon/status', {})).seq], [false, before]);
  });

  it('records when it is asked to, and the record can be explained', async () => {
    const many = Array.from({ length: 30 }, (_, i) => ({ ...denied, id: `many-${i}` }));
    const { decisions, recorded: wrote } = await client.call('policy/evaluate', { actions: [...many, allowed], record: true });
    assert.ok(wrote);
    assert.deepEqual(
      decisions.map(({ id }) => id),
      [...many.map(({ id }) => id), 'b.2'],
    );
    const events = await recorded();
    assert.deepEqual(
      events.map(({ data }) => data['key']),
      decisions.map(({ id }) => id),
    );
    const env = { ...environmentOf(home), NO_COLOR: '1' };
    const explain = (id: string, ...more: string[]) =>
      spawnSync(process.execPath, [CLI, 'policy', 'explain', '--event', id, ...more], { cwd: home, env, encoding: 'utf8' });
    const last = explain(events.at(-1)?.id ?? '');
    assert.equal(last.status, 0, last.stderr);
    assert.match(last.stdout, /^Recorded .*: allow, by mine\/reads \([0-9a-f]{12}\).*\nNow it is the same:\n\nallow {2}agent\.read/);
    const whole = JSON.parse(explain(events[0]?.sequence.replace(/^0+/, '') ?? '', '--json').stdout) as {
      decisions: { recorded: { decision: { effect: string } }; now: { matched: { rule: string }[] } }[];
    };
    assert.deepEqual([whole.decisions.length, whole.decisions[0]?.recorded.decision.effect], [12, 'deny']);
    assert.equal(whole.decisions[0]?.now.matched[0]?.rule, 'no-tracker');
  });

  it('says what is wrong with an action, and where', async () => {
    const wrong = { id: 'x', action: { kind: 'agent.mcp', servr: 'tracker' } };
    await assert.rejects(client.call('policy/evaluate', { actions: [denied, wrong] }), /actions\.1\.action.*servr|Did you mean `server`/);
    await assert.rejects(client.call('policy/evaluate', { actions: [denied, denied] }), /Two actions have the id a/);
    await assert.rejects(client.call('policy/evaluate', { actions: [denied], repo: home }), /repository/);
  });

  it('needs the scope submit only to record', async () => {
    const { token } = await client.call('token/issue', { name: 'looker', scopes: ['observe'] });
    const looker = await daemon.connect(token);
    assert.equal((await looker.call('policy/evaluate', { actions: [denied] })).decisions[0]?.decision.effect, 'deny');
    await assert.rejects(looker.call('policy/evaluate', { actions: [denied], record: true }), /needs the scope submit/);
    looker.close();
  });
});

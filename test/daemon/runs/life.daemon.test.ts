import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { evolve } from '../../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import { finishRun, makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { makeRepo, git, removeTempFolders } from '../../support/repos.ts';
import { DAEMON, environmentOf } from '../../support/programs.ts';

let ids = 0;
const workflow = (stages: string) => ({ file: 'test.yaml', text: `workflow: test\nversion: 1\nstages:\n${stages}\n` });

describe('the life of a daemon', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;

  beforeEach(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home, env: { SIGNALBOX_DRAIN_TIMEOUT: '1' } });
    client = await daemon.connect();
  });
  afterEach(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
  });
  after(removeTempFolders);

  const start = async (stages: string, repo = makeRepo()): Promise<string> => {
    const id = `run-${++ids}`;
    await client.call('run/start', { id, workflow: workflow(stages), repo });
    return id;
  };
  const grantAll = async (run: string) => {
    for (let open = 0; open === 0; await new Promise((resolve) => setTimeout(resolve, 25))) {
      const { approvals } = await client.call('approval/list', { run });
      for (const { id } of approvals) await client.call('approval/answer', { approval: id, answer: 'grant' });
      open = approvals.length;
    }
  };
  const stageIs = async (run: string, status: string) => {
    for (;;) {
      const detail = await client.call('run/get', { run });
      if (detail.attempts.some((a) => a.status === status)) return detail;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };

  it('is one for each user: a second start says where the first one is, and changes nothing', async () => {
    const second = spawnSync(process.execPath, [DAEMON], {
      env: environmentOf(home),
      encoding: 'utf8',
    });
    assert.equal(second.status, 75);
    assert.match(second.stderr, new RegExp(`process ${daemon.child.pid}, on 127\\.0\\.0\\.1:${daemon.endpoint.port}`));
    assert.equal((await client.call('daemon/status', {})).pid, daemon.child.pid);
  });

  it('keeps its folder and its token to the user', () => {
    assert.equal(statSync(home).mode & 0o077, 0);
    assert.equal(statSync(join(home, 'endpoint.json')).mode & 0o777, 0o600);
    assert.doesNotMatch(daemon.output(), new RegExp(daemon.endpoint.token));
  });

  it('lets a short attempt end when it is asked to stop, and removes its endpoint file', async () => {
    const run = await start('  - { id: a, agent: command, command: [sleep, "0.3"] }');
    await grantAll(run);
    await stageIs(run, 'running');
    assert.equal(await daemon.end('SIGTERM'), 0);
    assert.throws(() => readFileSync(join(home, 'endpoint.json')), { code: 'ENOENT' });
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    const detail = await finishRun(client, run);
    assert.deepEqual([detail.run.status, detail.attempts.map((a) => a.status)], ['success', ['succeeded']]);
  });

  it('interrupts a long attempt after a bounded time, leaves nothing running, and does it again without a new question', async () => {
    const mark = `31.${process.pid}`;
    const run = await start(`  - { id: a, agent: command, command: [sleep, "${mark}"] }`);
    await grantAll(run);
    await stageIs(run, 'running');
    assert.equal(await daemon.end('SIGTERM'), 0);
    assert.equal(spawnSync('pgrep', ['-f', `sleep ${mark}`]).status, 1, 'the command still runs');
    daemon = await startDaemon({ home, env: { SIGNALBOX_DRAIN_TIMEOUT: '1' } });
    client = await daemon.connect();
    const detail = await stageIs(run, 'running');
    assert.deepEqual(
      detail.attempts.map((a) => a.status),
      ['interrupted', 'running'],
    );
    assert.equal(detail.approvals.length, 1);
    await client.call('run/cancel', { run });
    assert.equal((await finishRun(client, run)).run.status, 'canceled');
    assert.equal(spawnSync('pgrep', ['-f', `sleep ${mark}`]).status, 1, 'cancel left it running');
  });

  it('runs a workflow of commands: edits are committed, passed on, and a failure stops what is behind it', async () => {
    const repo = makeRepo();
    const run = await start(
      [
        '  - { id: write, agent: command, command: [sh, -c, "echo made > made.txt; echo said"] }',
        '  - { id: read, agent: command, command: [cat, made.txt], needs: [write], worktree: { from: write } }',
        '  - { id: fail, agent: command, command: [sh, -c, "echo broken >&2; exit 3"], needs: [read] }',
        '  - { id: behind, agent: command, command: [touch, never], needs: [fail] }',
      ].join('\n'),
      repo,
    );
    const detail = await finishRun(client, run);
    assert.deepEqual(
      detail.stages.map((s) => [s.id, s.status]),
      [
        ['write', 'completed'],
        ['read', 'completed'],
        ['fail', 'failed'],
        ['behind', 'skipped'],
      ],
    );
    assert.equal(detail.run.status, 'failure');
    assert.match(detail.run.summary, /3/);
    const spoolOf = async (stage: string) =>
      (await client.call('spool/read', { attempt: detail.attempts.find((a) => a.stage === stage)?.id ?? '' })).text;
    assert.deepEqual([await spoolOf('write'), await spoolOf('read'), await spoolOf('fail')], ['said\n', 'made\n', 'broken\n']);
    assert.equal(git(repo, 'status', '--porcelain'), '');
  });

  it('refuses a workflow with problems before anything starts, with every place', async () => {
    const refused = client.call('run/start', {
      id: 'bad',
      workflow: workflow('  - { id: a, agnet: command }\n  - { id: b, agent: x, needs: [c] }'),
    });
    await assert.rejects(refused, (error: { code?: string; facts?: { problems?: { line: number; column: number }[] } }) => {
      assert.equal(error.code, 'invalid_workflow');
      assert.deepEqual(
        error.facts?.problems?.map((p) => p.line),
        [4, 5],
      );
      return true;
    });
    assert.deepEqual((await client.call('run/list', {})).runs, []);
  });

  it('gives a subscriber that comes back exactly what it missed', async () => {
    const subscribed = await client.call('events/subscribe', { scope: { kind: 'all' } });
    assert.ok(subscribed.snapshot);
    const replica = fromJson(subscribed.snapshot);
    const repo = makePlantedRepo();
    await client.call('run/start', { id: 'a', workflow: { name: 'checkup' }, repo, into: 'main' });
    await finishRun(client, 'a');
    const back = await client.call('events/subscribe', { scope: { kind: 'all' }, cursor: subscribed.cursor });
    assert.ok(back.commits, 'served from what is in memory');
    for (const commit of back.commits) evolve(replica, commit);
    const whole = await client.call('events/subscribe', { scope: { kind: 'all' } });
    assert.deepEqual(toJson(replica), whole.snapshot);
  });

  it('hands a remote worker its tasks, and gives them to the next one when it goes', async () => {
    const { token } = await client.call('token/issue', { name: 'ci', scopes: ['worker'] });
    const first = await daemon.connect(token);
    const taken = new Promise<{ task: string }>((resolve) => first.on('worker/assign', ({ assignments: [a] }) => a && resolve(a)));
    await first.call('worker/attach', { id: 'ci', slots: 1 });
    await client.call('task/submit', { id: 'work', agent: 'ci', action: 'build' });
    assert.equal((await taken).task, 'work');
    first.close();
    const second = await daemon.connect(token);
    const again = new Promise<{ attempt: string; token: number }>((resolve) =>
      second.on('worker/assign', ({ assignments: [a] }) => a && resolve(a)),
    );
    for (;;) {
      const agent = (await client.call('agent/list', {})).agents.find((a) => a.id === 'ci');
      if (agent?.status === 'offline') break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await second.call('worker/attach', { id: 'ci', slots: 1 });
    const { attempt, token: lease } = await again;
    assert.equal(lease, 2);
    const late = await second.call('worker/report', { reports: [{ task: 'work', attempt, token: 1, status: 'succeeded' }] });
    assert.equal(late.refused[0]?.code, 'stale_lease');
    await second.call('worker/report', {
      reports: [{ task: 'work', attempt, token: lease, status: 'succeeded', values: { built: true } }],
    });
    const { task } = await client.call('task/get', { task: 'work' });
    assert.deepEqual([task.status, task.values], ['completed', { built: true }]);
    second.close();
  });
});

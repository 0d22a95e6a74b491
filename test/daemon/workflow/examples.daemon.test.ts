// The examples that are workflows of programs, run by the real daemon with programs that write the files.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keptIn, readCommits } from '../../../daemon/cli/policy/record.ts';
import { replayRun } from '../../../daemon/cli/replay/replay.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { Transcript } from '../../../shared/artifacts/deliberation.ts';
import { emptyState } from '../../../shared/state/evolve.ts';
import { stageOf } from '../../../shared/state/select.ts';
import type { Command } from '../../../daemon/commands.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';
import { commitFiles, git, makeRepo } from '../../support/repos.ts';

const place = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const source = (path: string) => ({ file: place(path), text: readFileSync(place(path), 'utf8') });
const ROLES = [
  ...['development', 'implement', 'unit-tests', 'documents', 'build', 'deploy', 'monitor', 'summary'],
  ...['author', 'reader', 'tester', 'attacker', 'defender', 'publish'],
];

describe('the examples, run by scripted agents', () => {
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let agents: string;

  before(async function () {
    this.timeout(60_000);
    home = await makeHome();
    // No repository: what worktrees add is proved by the workflows of examples/aos, and costs most of the time.
    agents = join(home, 'agents');
    mkdirSync(agents);
    const agent = readFileSync(place('test/fixtures/examples/agent.mjs'), 'utf8');
    writeFileSync(join(agents, 'agent.mjs'), agent);
    for (const role of ROLES) writeFileSync(join(agents, `${role}.mjs`), `import './agent.mjs';\n`);
    mkdirSync(join(home, 'config', 'policies'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'config', 'policies', 'phase-gate.yaml'), source('examples/phases/phase-gate.yaml').text);
    daemon = await startDaemon({ home, env: { SIGNALBOX_SANDBOX: 'off' } });
    client = await daemon.connect();
  });
  after(async () => {
    await daemon.end();
    await removeHome(home);
  });

  const start = async (path: string, inputs: Record<string, string>) => {
    const id = `run-${Math.random().toString(36).slice(2)}`;
    const { file, text } = source(path);
    await client.call('run/start', { id, workflow: { file, text: text.replaceAll('agents/', `${agents}/`) }, inputs, again: true });
    return finishRun(client, id);
  };
  type Detail = Awaited<ReturnType<typeof start>>;
  const textOf = async ({ artifacts }: Detail, name: string) => {
    const digest = artifacts.find((artifact) => artifact.name === name)?.digest ?? '';
    return (await client.call('artifact/read', { digest })).text;
  };
  const countTasks = ({ tasks }: Detail, stage: string) => tasks.filter((task) => task.stage === stage).length;

  it('deliberate in a chain: the second takes what the first agreed on, and a member that dies has said nothing', async function () {
    this.timeout(60_000);
    const detail = await start('examples/deliberation/review-chain.yaml', { code: 'x = 1' });
    const { run, stages } = detail;
    assert.equal(run.status, 'success', run.summary);
    const review = stages.find(({ id }) => id === 'review');
    assert.deepEqual(review?.values, { leader: 'reader', consensus: 0.8, votes: 3, rounds: 3 });
    assert.match(review?.deliberation?.rounds[0]?.[2]?.problem ?? '', /did not answer \(failed\)/);
    const transcript = Transcript.parse(JSON.parse(await textOf(detail, 'review.transcript.json')));
    assert.match(transcript.topic, /^Review: x = 1\n/);
    assert.deepEqual(
      transcript.rounds.map(({ said }) => said.map(({ member, vote }) => `${member}: ${vote?.for ?? 'no vote'}`)),
      [
        ['author: no vote', 'reader: no vote', 'tester: no vote'],
        ['author: author', 'reader: reader', 'tester: reader'],
        ['author: reader', 'reader: reader', 'tester: reader'],
      ],
    );
    assert.match(transcript.outcome ?? '', /agreed on the proposal of reader, with a consensus of 0\.8/);
    const asked = detail.tasks.find(({ stage, payload }) => stage === 'security' && payload['deliberation'] !== undefined);
    assert.equal(asked?.payload['template'], true);
    const audit = Transcript.parse(JSON.parse(await textOf(detail, 'security.transcript.json')));
    assert.deepEqual(
      audit.rounds[0]?.said.map(({ proposal }) => proposal),
      ['attacker: nothing', 'defender: nothing'],
    );
    assert.match(await textOf(detail, 'verdict.md'), /^reader: x is never read\nattacker: nothing\n0\.9\n$/);
    const replayed = await replayRun(run.id, { start: emptyState(), commits: readCommits(home), kept: keptIn(home) });
    assert.deepEqual(replayed.differences, []);
    assert.ok(replayed.steps > 10);
  });

  it('go through the phases: what monitoring finds goes back to development, and is mended', async function () {
    this.timeout(60_000);
    const detail = await start('examples/phases/phases.yaml', { goal: 'faster' });
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.deepEqual(
      detail.run.returns?.map(({ from, to, code }) => `${from} -> ${to}: ${code}`),
      ['monitor -> development: gate_failed'],
    );
    assert.match(await textOf(detail, 'plan.md'), /Mends: This does not hold:\nerror_rate <= 1%: `error_rate` is 5\./);
    assert.deepEqual(
      ['development', 'monitor', 'summary'].map((stage) => countTasks(detail, stage)),
      [2, 2, 1],
    );
  });

  it('leave a dead letter of a task that failed for good, which is tried again when somebody says so', async function () {
    this.timeout(60_000);
    const id = `task-${Math.random().toString(36).slice(2)}`;
    const dead = async () => (await client.call('task/list', { dead: true })).tasks.map((task) => task.id);
    const ended = async (attempts: number) => {
      for (;;) {
        const { task } = await client.call('task/get', { task: id });
        if (task.token === attempts && task.endedAt !== undefined) return task;
        await delay(20);
      }
    };
    await client.call('task/submit', { id, agent: 'command', action: 'run', payload: { argv: ['false'] }, maxAttempts: 1 });
    assert.equal((await ended(1)).answer, 'dead_letter');
    assert.deepEqual(await dead(), [id]);
    assert.equal((await client.call('daemon/status', {})).deadLetters, 1);
    assert.deepEqual(await client.call('task/requeue', { task: id }), { task: id });
    assert.equal((await ended(2)).answer, 'dead_letter');
    await assert.rejects(client.call('task/requeue', { task: 'no-such-task' }), { code: 'not_found' });
    assert.deepEqual(await client.call('agent/reset', { agent: 'command' }), { agent: 'command', existing: true });
  });

  it('stop at the gate of a phase when too much of the one before failed; the summary is written all the same', async function () {
    this.timeout(60_000);
    const detail = await start('examples/phases/phases.yaml', { goal: 'hurry' });
    assert.equal(detail.run.status, 'failure');
    const how = Object.fromEntries(detail.stages.map(({ id, status, code }) => [id, code === undefined ? status : `${status} ${code}`]));
    assert.deepEqual(how, {
      development: 'completed',
      implement: 'completed',
      'unit-tests': 'failed command_failed',
      documents: 'failed command_failed',
      build: 'failed policy_denied',
      deploy: 'skipped',
      monitor: 'skipped',
      summary: 'completed',
    });
  });

  describe('that are a plan', () => {
    let repo: string;
    before(() => {
      repo = makeRepo();
      cpSync(place('examples/plan/agents'), join(repo, 'agents'), { recursive: true });
      commitFiles(repo, {}, 'agents');
    });
    const carryOut = async (wrong: string) => {
      const id = `run-${Math.random().toString(36).slice(2)}`;
      git(repo, 'branch', id, 'main');
      await client.call('run/start', { id, workflow: source('examples/plan/plan.yaml'), repo, into: id, inputs: { wrong } });
      const detail = await finishRun(client, id);
      const files = git(repo, 'ls-tree', '-r', '--name-only', id, 'shop', 'points').split('\n');
      return { detail, files: files.map((file) => file.replace(/\.(mjs|sha256)$/, '')), merged: git(repo, 'rev-parse', id) };
    };

    it('merges all of it when each task verifies, and the rollback point alone when one after it fails for good', async function () {
      this.timeout(120_000);
      const [whole, back] = await Promise.all([carryOut('none'), carryOut('report')]);
      assert.equal(whole.detail.run.status, 'success', whole.detail.run.summary);
      const all = ['discount', 'invoice', 'money', 'report', 'tax'].map((name) => `shop/${name}`);
      assert.deepEqual(whole.files, ['points/foundation', 'points/whole', ...all]);
      assert.equal(whole.detail.stages.find(({ id }) => id === 'roll-back')?.status, 'skipped');

      const { detail, files, merged } = back;
      assert.equal(detail.run.status, 'failure');
      assert.match(detail.run.summary ?? '', /^report failed: .*verified/s);
      assert.deepEqual(files, ['points/foundation', 'shop/discount', 'shop/money', 'shop/tax']);
      assert.deepEqual(Object.fromEntries(detail.stages.map(({ id, status }) => [id, status])), {
        ...{ money: 'completed', tax: 'completed', discount: 'completed', foundation: 'completed' },
        // It verified, and is left out all the same: it came after the point.
        invoice: 'completed',
        ...{ report: 'failed', whole: 'skipped', merge: 'skipped', 'roll-back': 'completed' },
      });
      assert.equal(countTasks(detail, 'report'), 4, 'done twice, and verified twice');
      const point = detail.stages.find(({ id }) => id === 'foundation')?.commit ?? '';
      assert.equal(git(repo, 'diff', point, merged), '', 'exactly what the point holds');
    });
  });
});

describe('the example of a plan', () => {
  it('merges nothing when a task before its rollback point fails', () => {
    const work: Scripts['work'] = (stage, _, task) =>
      stage === 'tax' && task?.part === 'check' ? { status: 'failed', code: 'command_failed' } : { values: { verified: true } };
    const s = new Simulation({ work });
    const command: Command = {
      type: 'agent/register',
      agent: 'command',
      role: '',
      capabilities: [],
      tags: [],
      adapter: 'command',
      slots: 4,
    };
    const workflow = { name: 'plan', version: 1, digest: 'd' };
    const repository = { repo: '/r', gitDir: '/r/.git', commonDir: '/r/.git', base: 'b', into: 'main' };
    s.drive(loadDefinition(source('examples/plan/plan.yaml').text), [
      command,
      { type: 'run/start', run: 'run', workflow, inputs: { wrong: 'tax' }, repository, again: false },
    ]);
    assert.equal(s.state.runs.get('run')?.status, 'failure');
    assert.equal(stageOf(s.state, 'run', 'discount')?.status, 'completed');
    const { status, reason } = stageOf(s.state, 'run', 'roll-back') ?? {};
    assert.deepEqual([status, reason], ['skipped', 'No rollback point was reached, so nothing is merged.']);
  });
});

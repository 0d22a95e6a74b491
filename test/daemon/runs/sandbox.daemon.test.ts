// What the daemon makes of a sandbox; everything here must hold without one too, but for what says `enforced`.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspectMachine } from '../../../daemon/platform/sandbox/machine.ts';
import { findTagged } from '../../../daemon/platform/process.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { commitFiles, git, makeRepo, removeTempFolders } from '../../support/repos.ts';

const POLICY = `policy: default
version: 1
default: allow
rules:
  - id: pipelines
    on: [agent.edit]
    when: action.paths.exists(p, glob(p.relative, ".github/**"))
    effect: deny
    message: Pipelines are not for agents.
  - id: asked
    on: [workspace.merge]
    when: action.into == "asked"
    effect: require_approval
    message: The branch moves.
  - id: nothing
    on: [daemon.configure]
    effect: require_approval
    message: Asked.
`;

const workflow = (script: string): string => `workflow: work
version: 1
stages:
  - id: make
    agent: command
    command: [sh, -c, ${JSON.stringify(script)}]
  - id: into
    needs: [make]
    merge: { from: make }
`;

describe('attempts in a sandbox', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let level: string;
  let ids = 0;

  before(async () => {
    home = await makeHome();
    mkdirSync(join(home, 'config/policies'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'config/policies/default.yaml'), POLICY);
    const { enforcement } = await inspectMachine('auto');
    ({ level } = enforcement);
    if (level !== 'enforced') console.log(`    (attempts are advisory on this machine: ${enforcement.why})`);
    daemon = await startDaemon({ home });
    client = await daemon.connect();
  });
  after(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  const run = async (script: string, into?: string): Promise<{ repo: string; detail: RunDetail }> => {
    const repo = makeRepo({ 'a.txt': 'a\n' });
    const id = `run-${++ids}`;
    const flow = { file: 'work.yaml', text: workflow(script) };
    await client.call('run/start', { id, workflow: flow, repo, ...(into === undefined ? {} : { into }) });
    return { repo, detail: await finishRun(client, id) };
  };

  it('say how they were started, on the agent and on the attempt', async () => {
    const { agents } = await client.call('agent/list', {});
    assert.equal(agents.find(({ id }) => id === 'command')?.enforcement?.level, level);
    assert.equal(agents.find(({ id }) => id === 'data-plane')?.enforcement, undefined);
    const { detail } = await run('echo b > b.txt');
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.equal(detail.attempts[0]?.enforcement?.level, level);
  });

  it('bring their own commits and what they left uncommitted onto the branch, in order', async () => {
    const { repo, detail } = await run(
      'echo b > b.txt && git add b.txt && git -c user.name=a -c user.email=a@b commit -qm own && echo c > c.txt',
      'main',
    );
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.deepEqual(
      detail.attempts[0]?.commits.map(({ key }) => key),
      ['own', 'work'],
    );
    assert.equal(git(repo, 'log', '--format=%s', '--no-merges', 'main'), 'make\nown\nfirst');
    assert.equal(git(repo, 'status', '--porcelain'), '');
    assert.deepEqual(readdirSync(join(home, 'worktrees')), []);
    if (level === 'enforced') assert.deepEqual(readdirSync(join(home, 'lent')), []);
  });

  it('keep the work of one that failed on its branch, and off the record', async () => {
    const { repo, detail } = await run('echo b > b.txt && git add b.txt && git -c user.name=a -c user.email=a@b commit -qm own && exit 3');
    assert.equal(detail.run.status, 'failure');
    const [attempt] = detail.attempts;
    assert.deepEqual(attempt?.commits, []);
    assert.equal(git(repo, 'log', '-1', '--format=%s', attempt?.workspace?.branch ?? ''), 'own');
  });

  it('are stopped when they changed what the policy denies, and nothing of it is merged', async () => {
    const { repo, detail } = await run('mkdir .github && echo x > .github/ci.yml && echo b > b.txt', 'main');
    assert.equal(detail.run.status, 'failure');
    const [attempt] = detail.attempts;
    assert.equal(attempt?.code, 'rogue_edit');
    assert.match(attempt?.message ?? '', /2 files were changed without being asked for: .*\.github\/ci\.yml.*Pipelines are not for agents/);
    assert.deepEqual(
      attempt?.findings?.map(({ kind, acted, paths }) => [kind, acted, paths]),
      [['edit', 'stopped', ['.github/ci.yml', 'b.txt']]],
    );
    assert.equal(git(repo, 'log', '--format=%s', 'main'), 'first');
    assert.ok(existsSync(join(attempt?.workspace?.path ?? '', 'b.txt')), 'the work is kept for a person');
  });

  it('leave a worktree with work in it, which can be removed to the trash and restored', async () => {
    const { repo, detail } = await run('echo b > b.txt && exit 3');
    const attempt = detail.attempts[0]?.id ?? '';
    const find = async () => (await client.call('worktree/list', {})).worktrees.find((one) => one.attempt === attempt);
    const kept = await find();
    assert.deepEqual([kept?.state, kept?.changed, kept?.untracked, kept?.repo, kept?.stage], ['kept', 0, 1, repo, 'make']);
    const { worktree } = await client.call('worktree/remove', { attempt });
    assert.equal(worktree.state, 'trash');
    assert.equal(existsSync(worktree.path), false);
    assert.equal((await find())?.state, 'trash');
    await client.call('worktree/restore', { attempt });
    assert.deepEqual([(await find())?.state, existsSync(join(worktree.path, 'b.txt'))], ['kept', true]);
    const pruned = await client.call('worktree/prune', {});
    assert.ok(!pruned.removed.some((one) => one.attempt === attempt), 'what holds work is not pruned');
    writeFileSync(join(worktree.path, '..', 'stray'), '');
    assert.match((await client.call('worktree/list', {})).worktrees.find((one) => one.attempt === 'stray')?.problem ?? '', /./);
    await assert.rejects(client.call('worktree/remove', { attempt: 'nobody' }), { code: 'not_found' });
  });

  it('are stopped when they made a repository inside', async () => {
    const { detail } = await run('mkdir sub && cd sub && git init -q && touch x');
    assert.deepEqual([detail.run.status, detail.attempts[0]?.code], ['failure', 'worktree_tampered']);
    assert.deepEqual(detail.attempts[0]?.findings?.[0]?.paths, ['sub']);
  });

  it('merge into one branch one after the other: each is asked about once, with what the branch then is', async () => {
    const repo = makeRepo({ 'a.txt': 'a\n' });
    git(repo, 'branch', 'asked');
    const start = async (script: string): Promise<string> => {
      const id = `run-${++ids}`;
      await client.call('run/start', { id, workflow: { file: 'work.yaml', text: workflow(script) }, repo, into: 'asked', again: true });
      return id;
    };
    const first = await start('echo 1 > one.txt');
    const questions = async (run: string) => (await client.call('approval/list', { run, pending: false })).approvals;
    while ((await questions(first)).length === 0) await delay(20);
    const [second, third] = [await start('echo 2 > two.txt'), await start('echo 3 > one.txt')];
    const isMade = async (run: string) =>
      (await client.call('run/get', { run })).stages.some((s) => s.id === 'make' && s.status === 'completed');
    while (!(await isMade(second)) || !(await isMade(third))) await delay(20);
    assert.deepEqual([(await questions(second)).length, (await questions(third)).length], [0, 0], 'they wait for their turn');
    const ended = [await finishRun(client, first), await finishRun(client, second), await finishRun(client, third)];
    assert.deepEqual(
      ended.map(({ run: { status }, approvals }) => [status, approvals.length]),
      [
        ['success', 1],
        ['success', 1],
        ['failure', 0],
      ],
    );
    assert.match(ended[2]?.run.summary ?? '', /conflicts in one\.txt \(there: \w+ make, of run run-\d+: work; here: \w+ make\)/);
    assert.equal(git(repo, 'ls-tree', '--name-only', 'asked'), 'a.txt\none.txt\ntwo.txt');
    const later = await start('echo more >> one.txt && echo x > two.txt');
    await finishRun(client, later);
    git(repo, 'switch', '--quiet', 'asked');
    const byHand = commitFiles(repo, { 'two.txt': 'by hand\n', 'other.txt': 'x\n' }).trim();
    const tip = git(repo, 'rev-parse', 'asked');
    const preview = await client.call('run/undo', { run: second, preview: true });
    assert.deepEqual(preview.dependents, [{ run: later, files: ['two.txt'] }]);
    assert.deepEqual(
      preview.others.map(({ commit, files }) => [commit, files]),
      [[byHand, ['two.txt']]],
    );
    assert.deepEqual([preview.commit, git(repo, 'rev-parse', 'asked')], ['', tip], 'a preview changes nothing');
    git(repo, 'reset', '--quiet', '--hard', 'HEAD~1');
    await assert.rejects(client.call('run/undo', { run: second }), (error: SignalboxError) => {
      assert.deepEqual([error.facts['reason'], error.facts['dependents']], ['undo_conflicts', [{ run: later, files: ['two.txt'] }]]);
      return true;
    });
    assert.deepEqual((await client.call('run/undo', { run: later })).dependents, []);
    await assert.rejects(client.call('run/undo', { run: later, preview: true }), { code: 'nothing_to_undo' });
    const { dependents, others } = await client.call('run/undo', { run: first });
    assert.deepEqual([dependents, others], [[], []], 'one that was taken back depends on nothing');
  });

  it('find the worktree set up as a trusted repository wants it, and not before it is trusted', async () => {
    const repo = makeRepo({
      '.gitignore': '.env\nready\n',
      '.signalbox/worktree.yaml': 'copy: [.env]\nsetup: [sh, -c, "cp .env ready"]\n',
    });
    writeFileSync(join(repo, '.env'), 'TOKEN=x\n');
    const start = async (): Promise<RunDetail> => {
      const id = `run-${++ids}`;
      const script = 'test -f ready && cat ready';
      await client.call('run/start', { id, workflow: { file: 'work.yaml', text: workflow(script) }, repo });
      return finishRun(client, id);
    };
    assert.equal((await start()).run.status, 'failure', 'nothing of it is done for a stranger');
    const { digest } = await client.call('trust/show', { repo });
    await client.call('trust/grant', { repo, digest });
    const detail = await start();
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const { text } = await client.call('spool/read', { attempt: detail.attempts[0]?.id ?? '' });
    assert.match(text, /Copied into the worktree: \.env[^]*Sets the worktree up: sh -c cp \.env ready[^]*TOKEN=x/);

    writeFileSync(join(repo, '.signalbox/worktree.yaml'), 'copy: [../secret]\nsetups: []\n');
    await client.call('trust/grant', { repo, digest: (await client.call('trust/show', { repo })).digest });
    const wrong = await start();
    assert.equal(wrong.attempts[0]?.code, 'worktree_setup_invalid');
    assert.match(wrong.attempts[0]?.message ?? '', /worktree\.yaml:1:8: .*never leads out of it[^]*worktree\.yaml:2:1/);
  });

  it('end with the daemon, also when it is killed', async function () {
    if (level !== 'enforced') this.skip();
    const repo = makeRepo();
    const id = `run-${++ids}`;
    const script = 'setsid env -i sh -c "trap \'\' TERM; sleep 1000; sleep 1000" & touch ready; sleep 1000';
    await client.call('run/start', { id, workflow: { file: 'work.yaml', text: workflow(script) }, repo });
    const attempt = await waitForAttempt(client, id);
    const ready = join(home, 'worktrees', attempt, 'ready');
    while (!existsSync(ready)) await delay(20);
    assert.ok((await findTagged(attempt)).length >= 3);
    client.close();
    await daemon.end('SIGKILL');
    // Nobody sweeps: the kernel ends the namespace with its first process.
    while ((await findTagged(attempt)).length > 0) await delay(20);
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    const { attempts } = await client.call('run/get', { run: id });
    assert.equal(attempts.find((a) => a.id === attempt)?.status, 'interrupted');
    await client.call('run/cancel', { run: id });
    await finishRun(client, id);
  });
});

async function waitForAttempt(client: Connected, run: string): Promise<string> {
  for (;;) {
    const { attempts } = await client.call('run/get', { run });
    const running = attempts.find(({ status }) => status === 'running');
    if (running) return running.id;
    await delay(20);
  }
}

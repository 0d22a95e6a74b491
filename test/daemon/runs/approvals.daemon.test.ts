import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { finishRun, makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { commitFiles, git, removeTempFolders } from '../../support/repos.ts';

describe('approvals, merges and undo', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let ids = 0;

  before(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home });
    client = await daemon.connect();
  });
  after(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  const start = async (repo: string, into?: string): Promise<string> => {
    const id = `run-${++ids}`;
    await client.call('run/start', { id, workflow: { name: 'checkup' }, repo, ...(into === undefined ? {} : { into }) });
    return id;
  };
  const firstQuestion = async (run: string) => {
    for (;;) {
      const [approval] = (await client.call('approval/list', { run })).approvals;
      if (approval) return approval;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };

  it('does what was granted and leaves what was denied, and says both in the report', async () => {
    const repo = makePlantedRepo();
    const run = await start(repo, 'main');
    const detail = await finishRun(client, run, { answer: ({ key }) => (key === 'untrack-logs' ? 'deny' : 'grant') });
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const files = git(repo, 'ls-tree', '-r', '--name-only', 'main');
    assert.match(files, /debug\.log/);
    assert.doesNotMatch(files, /node_modules/);
    const digest = detail.artifacts.find((a) => a.name === 'report.md')?.digest ?? '';
    const { text } = await client.call('artifact/read', { digest });
    assert.match(text, /denied by user/);
  });

  it('takes a merge back with a commit of its own, once, and the tree is as it was', async () => {
    const repo = makePlantedRepo();
    const before = git(repo, 'rev-parse', 'main^{tree}');
    const run = await start(repo, 'main');
    await finishRun(client, run);
    assert.notEqual(git(repo, 'rev-parse', 'main^{tree}'), before);
    const undone = await client.call('run/undo', { run });
    assert.equal(undone.branch, 'main');
    assert.equal(git(repo, 'rev-parse', 'main^{tree}'), before);
    assert.equal(git(repo, 'rev-parse', 'main'), undone.commit);
    assert.equal(git(repo, 'status', '--porcelain'), '');
    assert.ok(existsSync(join(repo, 'debug.log')));
    await assert.rejects(client.call('run/undo', { run }), { code: 'nothing_to_undo' });
  });

  it('refuses to undo over later work that conflicts, and changes nothing', async () => {
    const repo = makePlantedRepo();
    const run = await start(repo, 'main');
    await finishRun(client, run);
    const tip = commitFiles(repo, { '.gitignore': 'something else\n' });
    await assert.rejects(
      client.call('run/undo', { run }),
      (e: unknown) => e instanceof SignalboxError && e.facts['reason'] === 'undo_conflicts',
    );
    assert.equal(git(repo, 'rev-parse', 'main'), tip.trim());
  });

  it('leaves the work on its own branch when no target was named, and says how to merge it', async () => {
    const repo = makePlantedRepo();
    const detail = await finishRun(client, await start(repo));
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const digest = detail.artifacts.find((a) => a.name === 'report.md')?.digest ?? '';
    const { text } = await client.call('artifact/read', { digest });
    const branch = /git merge (signalbox\/\S+?)[`\s]/.exec(text)?.[1] ?? '';
    assert.ok(branch, `the report names the branch:\n${text}`);
    assert.equal(git(repo, 'log', '--format=%s', `main..${branch}`).trim().split('\n').length, 3);
  });

  it('asks anew when the branch moved while the merge was decided', async () => {
    const repo = makePlantedRepo();
    const run = await start(repo, 'main');
    let moved = false;
    const detail = await finishRun(client, run, {
      answer: ({ kind }) => {
        if (kind === 'workspace.merge' && !moved) {
          moved = true;
          commitFiles(repo, { 'meanwhile.txt': 'by somebody else\n' });
        }
        return 'grant';
      },
    });
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.equal(detail.approvals.filter((a) => a.kind === 'workspace.merge').length, 2);
    assert.match(git(repo, 'ls-tree', '--name-only', 'main'), /meanwhile\.txt/);
  });

  it('refuses and records an answer that comes out of an attempt', async function () {
    if (process.platform !== 'linux') this.skip();
    const run = await start(makePlantedRepo(), 'main');
    const { id } = await firstQuestion(run);
    const script = `
      import { connectTo } from ${JSON.stringify(new URL('../../../daemon/rpc/connect.ts', import.meta.url).href)};
      const client = await connectTo(${JSON.stringify(daemon.endpoint)}, { name: 'agent', version: '0' });
      const said = await client.call('approval/answer', { approval: ${JSON.stringify(id)}, answer: 'grant' }).catch((error) => error);
      console.log(said.code);
      client.close();`;
    const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
      env: { ...process.env, SIGNALBOX_ATTEMPT: 'attempt-of-somebody' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await once(child, 'close');
    assert.equal(said.trim(), 'attempt_may_not_answer');
    assert.equal((await client.call('approval/list', { run })).approvals.find((a) => a.id === id)?.status, 'pending');
    const { events } = await client.call('events/read', { limit: 1_000 });
    assert.ok(
      events.some((e) => e.type === 'dev.signalbox.principal.refused.v1' && String(e.data['what']).includes('attempt-of-somebody')),
    );
    await client.call('run/cancel', { run });
    assert.equal((await finishRun(client, run)).run.status, 'canceled');
  });

  it('lets a principal answer only with the scope for it', async () => {
    const run = await start(makePlantedRepo(), 'main');
    const { id } = await firstQuestion(run);
    const { token } = await client.call('token/issue', { name: 'watcher', scopes: ['observe'] });
    const watcher = await daemon.connect(token);
    await assert.rejects(watcher.call('approval/answer', { approval: id, answer: 'grant' }), { code: 'forbidden' });
    await assert.rejects(watcher.call('run/cancel', { run }), { code: 'forbidden' });
    const { token: demo } = await client.call('token/issue', { name: 'demo', scopes: ['observe', 'approve'] });
    const second = await daemon.connect(demo);
    assert.equal((await second.call('approval/answer', { approval: id, answer: 'grant' })).approval.by, 'demo');
    watcher.close();
    second.close();
    await client.call('run/cancel', { run });
    await finishRun(client, run);
  });
});

import assert from 'node:assert/strict';
import { uuidv7 } from 'uuidv7';
import { git } from '../../support/repos.ts';
import { grantUntilMerge, listPending, openScene, type Scene, TEST_MS } from './shared.ts';
import { until } from './window.ts';

/** A scene whose check-up waits for its first two answers. */
async function openAskingScene(): Promise<Scene> {
  const scene = await openScene();
  const client = await scene.vscode.client();
  await client.call('run/start', { id: uuidv7(), workflow: { name: 'checkup' }, repo: scene.repo, into: 'main' });
  await scene.window.follow('(1 of 2)', 'Show Repair');
  return scene;
}

describe('approvals in VS Code', function () {
  this.timeout(TEST_MS);
  let scene: Scene;
  beforeEach(async () => {
    scene = await openAskingScene();
  });
  afterEach(() => scene.window.close());

  it('are still there after the window was reloaded', async () => {
    const { window } = scene;
    await window.reload();
    await window.showViews();
    await window.untilRow('Approvals', /^Stop tracking log files: Repair/);
    await window.untilRow('Runs', /^Repair: waits for you since /);
    await window.notice.filter({ hasText: '(1 of 2)' }).waitFor();
  });

  it('are not answered by closing the notification', async () => {
    const { window, vscode, repo } = scene;
    await window.notice.getByRole('button', { name: 'Later' }).click();
    await window.notice.waitFor({ state: 'detached' });
    assert.equal((await window.readRows('Approvals')).length, 2);
    assert.equal((await listPending(await vscode.client(), repo)).length, 2);
  });

  it('that are answered in one window disappear in the other', async () => {
    const { window, vscode, repo } = scene;
    const other = await vscode.openWindow(repo);
    await other.notice.filter({ hasText: '(1 of 2)' }).waitFor();
    await other.follow('Stop tracking log files', 'Approve');
    for (const each of [window, other]) {
      await until('one question is left', async () => (await each.readRows('Approvals')).length === 1);
      await each.notice.filter({ hasText: 'Stop tracking installed dependencies' }).waitFor();
    }
    await other.close();
  });

  it('and the run go on when the daemon is killed, without a doubled row', async () => {
    const { window, vscode, repo, before } = scene;
    const killed = await until('a daemon runs', () => vscode.endpoint());
    const rows = await window.readRows('Runs');
    process.kill(killed.pid, 'SIGKILL');
    await until('the window started another daemon', async () => {
      const endpoint = await vscode.endpoint();
      return endpoint !== undefined && endpoint.pid !== killed.pid;
    });
    await window.follow('Stop tracking log files', 'Approve');
    await window.follow('Stop tracking installed dependencies', 'Approve');
    await grantUntilMerge(await vscode.client(), repo);
    await window.follow('Merge', 'Approve');
    await window.untilRow('Runs', /^Check-up: merged into main, /);
    const names = (all: string[]): string[] => all.map((row) => row.split(': ')[0] ?? '').filter((name) => !name.startsWith('Attempt'));
    assert.deepEqual(names(await window.readRows('Runs')), names(rows));
    assert.equal(git(repo, 'rev-parse', 'main^1'), before);
  });

  it('that are denied end the run and leave the branch where it was', async () => {
    const { window, vscode, repo, before } = scene;
    await grantUntilMerge(await vscode.client(), repo);
    await window.follow('Merge', 'Deny');
    await window.answer('Deny: Merge', 'not on a Friday');
    await window.untilRow('Runs', /^Merge the repairs: .*denied/i);
    await window.untilRow('Runs', /^Check-up: (?!running|waits)/);
    assert.equal(git(repo, 'rev-parse', 'main'), before);
    assert.deepEqual(await listPending(await vscode.client(), repo), []);
  });
});

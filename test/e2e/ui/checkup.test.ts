import assert from 'node:assert/strict';
import { git } from '../../support/repos.ts';
import { openScene, type Scene, TEST_MS } from './shared.ts';
import { until } from './window.ts';

describe('a check-up in VS Code, from the palette to the merge', function () {
  this.timeout(TEST_MS);
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(() => scene?.window.close());

  it('starts from the palette, for the branch that the person chooses', async () => {
    const { window } = scene;
    await window.run('Signalbox: Run Check-up');
    await window.choose('main');
    await window.untilRow('Runs', /^Check-up: /);
    await window.untilRow('Runs', /^Plan the repairs: done in /);
  });

  it('shows each repair and the test command, and goes on when Approve is clicked on the notification', async () => {
    const { window, repo, before } = scene;
    await window.untilRow('Runs', /^Check-up: waits for you since /);
    for (const [question, link] of [
      ['Stop tracking log files', 'Show Repair'],
      ['Stop tracking installed dependencies', 'Show Repair'],
      ['Run npm test', 'Show Details'],
    ] as const) {
      await window.follow(question, link);
      await window.webview().getByRole('heading', { name: 'Why you are asked' }).waitFor();
      await window.webview().getByRole('heading', { level: 1 }).filter({ hasText: question }).waitFor();
      assert.equal(git(repo, 'rev-parse', 'main'), before);
      await window.follow(question, 'Approve');
    }
    await window.untilRow('Runs', /^Run the repository's own tests: done in /);
  });

  it('merges when Approve is clicked after a look at the multi-file diff', async () => {
    const { window, repo, before } = scene;
    await window.follow('Merge', 'Show Diff');
    const files = await until('the diff names its files', async () => {
      const seen = await window.readDiffFiles();
      return seen.some((file) => file.includes('debug.log')) && seen;
    });
    assert.ok(
      files.some((file) => file.includes('.gitignore')),
      files.join(', '),
    );
    assert.equal(git(repo, 'rev-parse', 'main'), before);
    await window.follow('Merge', 'Approve');
    await window.untilRow('Runs', /^Check-up: merged into main, /);
    assert.equal(git(repo, 'rev-parse', 'main^1'), before);
    assert.match(git(repo, 'log', '-1', '--format=%B', 'main'), /Signalbox-Effect: /);
    assert.deepEqual(git(repo, 'ls-tree', '-r', '--name-only', 'main').split('\n'), ['.gitignore', 'package.json', 'sum.test.js']);
    await window.notice.waitFor({ state: 'detached' });
  });

  it('shows what happened on the timeline, as a drawing and as a table', async () => {
    const { window } = scene;
    await window.run('Signalbox: Show Timeline');
    await window.choose('Check-up');
    const page = window.webview();
    const box = await page.locator('.main canvas').first().boundingBox();
    assert.ok(box && box.width > 300 && box.height > 100, JSON.stringify(box));
    await page.getByRole('toolbar').getByRole('button', { name: /table/i }).click();
    for (const stage of ['Look at the repository', 'Repair', 'Merge the repairs', 'Report']) {
      await page.getByRole('row').filter({ hasText: stage }).first().waitFor();
    }
  });

  it('opens the report of the run', async () => {
    const { window } = scene;
    await window.closeEditors();
    await window.row('Runs', 'Check-up').hover();
    await window.row('Runs', 'Check-up').getByRole('button', { name: 'Show Report' }).click();
    await window.tab('report.md').waitFor();
    await window
      .webview()
      .getByRole('heading', { name: /^Check-up of / })
      .waitFor();
    await window.webview().getByText('Stop tracking log files').first().waitFor();
  });
});

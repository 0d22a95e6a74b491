import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { makePlantedRepo } from '../../support/checkup.ts';
import { InstalledVscode } from './installed.ts';
import { TEST_MS } from './shared.ts';
import { until } from './window.ts';

describe('a folder that the person does not trust', function () {
  this.timeout(TEST_MS);
  let vscode: InstalledVscode;
  before(async () => {
    vscode = await InstalledVscode.open({ workspace: makePlantedRepo(), workspaceTrust: 'restricted' });
  });
  after(() => vscode?.close());

  it('gets a sentence instead of a daemon, until it is trusted', async () => {
    const { first: window } = vscode;
    await window.showViews();
    for (const view of ['Runs', 'Approvals'] as const)
      await window.view(view).getByText('Signalbox starts nothing in a folder that you do not trust').waitFor();
    // The extension has looked at the window by now: its views are drawn by it, and the command that needs it is there to refuse.
    await window.page.locator('.part.statusbar', { hasText: 'Restricted Mode' }).waitFor();
    assert.equal(existsSync(vscode.home), false);
    await window.view('Runs').getByRole('button', { name: 'Manage Workspace Trust' }).click();
    assert.equal(existsSync(vscode.home), false);
    await window.page.getByRole('button', { name: 'Trust', exact: true }).click();
    await until('a daemon runs', () => vscode.endpoint());
    await window.view('Runs').getByText('Nothing has run here yet').waitFor();
    vscode.assertOnlyLoopback();
  });
});

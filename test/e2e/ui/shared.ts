// One VS Code for the tests of a trusted folder: they differ in their windows and repositories, not in their installation.
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import { makePlantedRepo } from '../../support/checkup.ts';
import { git, removeTempFolders } from '../../support/repos.ts';
import { InstalledVscode } from './installed.ts';
import { until, type VscodeWindow } from './window.ts';

/** For each test: far more than it needs, so that only what hangs is ended. */
export const TEST_MS = 240_000;

let opened: Promise<InstalledVscode> | undefined;

/** The VS Code that all share; opened when the first test asks for it. */
export function shareVscode(): Promise<InstalledVscode> {
  opened ??= InstalledVscode.open({ workspaceTrust: 'off' });
  return opened;
}

/** A window on a new repository with planted problems, connected to the daemon. */
export interface Scene {
  readonly vscode: InstalledVscode;
  readonly repo: string;
  readonly window: VscodeWindow;
  /** Where main was before anything ran. */
  readonly before: string;
}

export async function openScene(): Promise<Scene> {
  const vscode = await shareVscode();
  const repo = makePlantedRepo();
  const window = await vscode.openWindow(repo);
  await window.view('Runs').getByText('Nothing has run here yet').waitFor();
  return { vscode, repo, window, before: git(repo, 'rev-parse', 'main') };
}

/** The questions of a repository that nobody has answered. */
export async function listPending(client: Connected, repo: string): Promise<Approval[]> {
  const { approvals } = await client.call('approval/list', { pending: true, limit: 100 });
  return approvals.filter((approval) => approval.repo === repo);
}

/** Answers yes, as a client beside the window, until the run asks for its merge; returns that question. */
export async function grantUntilMerge(client: Connected, repo: string): Promise<Approval> {
  return until('the run asks for its merge', async () => {
    const pending = await listPending(client, repo);
    for (const approval of pending) {
      if (approval.kind !== 'workspace.merge') await client.call('approval/answer', { approval: approval.id, answer: 'grant', reason: '' });
    }
    return pending.find((approval) => approval.kind === 'workspace.merge');
  });
}

afterEach(async function () {
  const vscode = await opened;
  if (this.currentTest?.state === 'failed')
    for (const file of (await vscode?.takePictures(this.currentTest.title)) ?? []) console.error(`picture: ${file}`);
  vscode?.assertOnlyLoopback();
});

after(async function () {
  this.timeout(TEST_MS);
  await (await opened)?.close();
  removeTempFolders();
});

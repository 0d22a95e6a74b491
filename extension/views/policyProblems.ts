/**
 * Says once that a changed policy file does not load, and where: until it is mended the last good one is in force, which
 * nobody would notice otherwise. It is asked for while somebody looks at the window; nothing of it is recorded, so no event tells.
 */
import * as vscode from 'vscode';
import type { StatusResult } from '../../shared/protocol/views.ts';
import type { Services } from '../services.ts';
import { sayProblems } from './sayProblems.ts';

type Problems = NonNullable<StatusResult['problems']>;

const LOOK_MS = 15_000;

/** Looks now and then while the window has the focus and a daemon is connected. */
export function registerPolicyProblems(services: Services): vscode.Disposable {
  let told: string | undefined;
  const look = async (): Promise<void> => {
    if (!vscode.window.state.focused || services.obstacle() !== undefined || services.link.status.kind !== 'connected') return;
    // A daemon from before they were told has none.
    const { problems = [] } = await (await services.client()).call('daemon/status', {});
    const said = sayProblems(problems, vscode.l10n.t);
    if (said === told) return;
    told = said;
    if (said !== undefined) await warn(said, problems);
  };
  const lookSafely = (): void =>
    void look().catch((error: unknown) => services.log.debug(`The policies could not be looked at: ${String(error)}`));
  const timer = setInterval(lookSafely, LOOK_MS);
  const focus = vscode.window.onDidChangeWindowState(lookSafely);
  return vscode.Disposable.from(focus, { dispose: () => clearInterval(timer) });
}

async function warn(said: string, [first]: Problems): Promise<void> {
  const open = vscode.l10n.t('Open File');
  if ((await vscode.window.showWarningMessage(said, open)) !== open || !first) return;
  const at = new vscode.Position(first.line - 1, first.column - 1);
  await vscode.window.showTextDocument(vscode.Uri.file(first.file), { selection: new vscode.Range(at, at) });
}

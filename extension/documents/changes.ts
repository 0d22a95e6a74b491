import * as vscode from 'vscode';
import type { ChangedFile } from '../../shared/protocol/views.ts';
import type { Services } from '../services.ts';
import { documentUri } from './provider.ts';

/** Opens what a run's merge, or one of its commits, changes in the editor's own multi-file diff. Rejects with a SignalboxError. */
export async function openChanges(services: Services, run: string, title: string, commit?: string): Promise<void> {
  const client = await services.client();
  const { base, head, files, truncated } = await client.call('run/changes', { run, ...(commit === undefined ? {} : { commit }) });
  if (files.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Nothing is changed there.'));
    return;
  }
  const repo = services.fleet.findRun(run)?.run.repo ?? '/';
  const at = (revision: string, path: string): vscode.Uri => documentUri({ kind: 'file', run, revision, path });
  const triples = files.map((file): [vscode.Uri, vscode.Uri | undefined, vscode.Uri | undefined] => [
    vscode.Uri.joinPath(vscode.Uri.file(repo), file.path),
    wasThere(file) ? at(base, file.oldPath ?? file.path) : undefined,
    file.status === 'D' ? undefined : at(head, file.path),
  ]);
  await vscode.commands.executeCommand('vscode.changes', title, triples);
  if (truncated) void vscode.window.showInformationMessage(vscode.l10n.t('Only the first {0} files are shown.', files.length));
}

const wasThere = ({ status }: ChangedFile): boolean => status !== 'A' && status !== 'C';

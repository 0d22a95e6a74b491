import * as vscode from 'vscode';
import type { Run } from '../../shared/state/run.ts';
import type { Command } from './command.ts';
import { pickRun } from './pick.ts';

const UNDO_MS = 70_000;

const isUndoable = ({ merge }: Run): boolean => merge?.state === 'merged' || merge?.state === 'undo_failed';

/** Takes back what a run merged, after the person confirmed it. */
export const undoRun: Command = {
  id: 'signalbox.undoRun',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const run = await pickRun(services, argument, t('Undo which run?'), isUndoable);
    if (!run) return;
    const undo = t('Undo');
    const detail = t(
      'A new commit on {0} takes the merge {1} back. The branch keeps its history.',
      run.merge?.into ?? '',
      run.merge?.commit?.slice(0, 8) ?? '',
    );
    const chosen = await vscode.window.showWarningMessage(t('Undo what run {0} merged?', run.id.slice(-8)), { modal: true, detail }, undo);
    if (chosen !== undo) return;
    const client = await services.client();
    const { branch, commit } = await client.call('run/undo', { run: run.id }, { timeoutMs: UNDO_MS });
    void vscode.window.showInformationMessage(t('Taken back on {0} by {1}.', branch, commit.slice(0, 8)));
  },
};

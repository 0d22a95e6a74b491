import * as vscode from 'vscode';
import type { Run } from '../../shared/state/run.ts';
import type { Command } from './command.ts';
import { pickRun } from './pick.ts';

const UNDO_MS = 70_000;

/** Lines of a dialog that cannot be scrolled, and files of each. */
const MAX_SHOWN = 8;
const MAX_FILES = 3;

const nameFiles = (files: readonly string[]): string => `${files.slice(0, MAX_FILES).join(', ')}${files.length > MAX_FILES ? ', …' : ''}`;

const isUndoable = ({ merge }: Run): boolean => merge?.state === 'merged' || merge?.state === 'undo_failed';

/** Takes back what a run merged, after the person confirmed it. */
export const undoRun: Command = {
  id: 'signalbox.undoRun',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const run = await pickRun(services, argument, t('Undo which run?'), isUndoable);
    if (!run) return;
    const undo = t('Undo');
    const client = await services.client();
    const { dependents, others } = await client.call('run/undo', { run: run.id, preview: true }, { timeoutMs: UNDO_MS });
    const taken = t(
      'A new commit on {0} takes the merge {1} back. The branch keeps its history.',
      run.merge?.into ?? '',
      run.merge?.commit?.slice(0, 8) ?? '',
    );
    const later = [
      ...dependents.map((one) => t('Run {0} merged later: {1}', one.run.slice(-8), nameFiles(one.files))),
      ...others.map((one) => t('{0} of {1} came later: {2}', one.commit.slice(0, 8), one.author, nameFiles(one.files))),
    ];
    const detail = [
      taken,
      ...(later.length === 0 ? [] : ['', t('These touch the same files:'), ...later.slice(0, MAX_SHOWN)]),
      ...(later.length > MAX_SHOWN ? [t('and {0} more', later.length - MAX_SHOWN)] : []),
    ].join('\n');
    const chosen = await vscode.window.showWarningMessage(t('Undo what run {0} merged?', run.id.slice(-8)), { modal: true, detail }, undo);
    if (chosen !== undo) return;
    const { branch, commit } = await client.call('run/undo', { run: run.id }, { timeoutMs: UNDO_MS });
    void vscode.window.showInformationMessage(t('Taken back on {0} by {1}.', branch, commit.slice(0, 8)));
  },
};

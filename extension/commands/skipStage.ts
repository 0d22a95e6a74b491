import * as vscode from 'vscode';
import { runEnded } from '../../shared/state/run.ts';
import type { Command } from './command.ts';
import { pickStage } from './pickStage.ts';

const MAX_REASON = 500;

/** Leaves out a stage that has not begun, with a reason if the person gives one; Escape does nothing. */
export const skipStage: Command = {
  id: 'signalbox.skipStage',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const chosen = await pickStage(services, argument, {
      runTitle: t('Skip a stage of which run?'),
      stageTitle: t('Skip which stage?'),
      isRun: (run) => !runEnded(run),
      isStage: (stage) => stage === undefined,
    });
    if (!chosen) return;
    const reason = await vscode.window.showInputBox({
      title: t('Skip {0}', chosen.label),
      prompt: t('Why? The stages behind it count it as done.'),
      placeHolder: t('Reason (optional)'),
      ignoreFocusOut: true,
      validateInput: (text) => (text.length > MAX_REASON ? t('At most {0} characters.', MAX_REASON) : undefined),
    });
    if (reason !== undefined) await (await services.client()).call('run/skip', { run: chosen.run, stage: chosen.stage, reason });
  },
};

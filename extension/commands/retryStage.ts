import * as vscode from 'vscode';
import type { Command } from './command.ts';
import { pickStage } from './pickStage.ts';

const MAX_FEEDBACK = 4_000;

/** Does a stage again, and all that depends on it; Escape does nothing. */
export const retryStage: Command = {
  id: 'signalbox.retryStage',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const chosen = await pickStage(services, argument, {
      runTitle: t('Do a stage of which run again?'),
      stageTitle: t('Do which stage again?'),
      isRun: ({ status, merge }) => status !== 'success' && status !== 'canceled' && (merge === undefined || merge.state === 'failed'),
      isStage: (stage) => stage !== undefined,
    });
    if (!chosen) return;
    const feedback = await vscode.window.showInputBox({
      title: t('Do {0} again, and what depends on it', chosen.label),
      prompt: t('What was wrong? Whoever does it again is told.'),
      placeHolder: t('Feedback (optional)'),
      ignoreFocusOut: true,
      validateInput: (text) => (text.length > MAX_FEEDBACK ? t('At most {0} characters.', MAX_FEEDBACK) : undefined),
    });
    if (feedback === undefined) return;
    const { stages } = await (await services.client()).call('run/retry', { run: chosen.run, stage: chosen.stage, feedback });
    const message = stages.length === 1 ? t('1 stage is done again.') : t('{0} stages are done again.', stages.length);
    void vscode.window.showInformationMessage(message);
  },
};

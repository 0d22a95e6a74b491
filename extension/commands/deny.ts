import * as vscode from 'vscode';
import { answerApproval, isStillOpen } from './answer.ts';
import type { Command } from './command.ts';
import { pickApproval } from './pick.ts';

const MAX_REASON = 2_000;

/** Says no to one question, with a reason if the person gives one; Escape says nothing. */
export const deny: Command = {
  id: 'signalbox.deny',
  async run(services, argument) {
    const approval = await pickApproval(services, argument, vscode.l10n.t('Deny what?'));
    if (!approval || !isStillOpen(approval)) return;
    const reason = await vscode.window.showInputBox({
      title: vscode.l10n.t('Deny: {0}', approval.summary),
      prompt: vscode.l10n.t('Why? A denial needs no reason.'),
      placeHolder: vscode.l10n.t('Reason (optional)'),
      ignoreFocusOut: true,
      validateInput: (text) => (text.length > MAX_REASON ? vscode.l10n.t('At most {0} characters.', MAX_REASON) : undefined),
    });
    if (reason !== undefined) await answerApproval(services, approval, 'deny', { reason });
  },
};

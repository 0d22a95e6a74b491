import * as vscode from 'vscode';
import { answerApproval, isStillOpen } from './answer.ts';
import type { Command } from './command.ts';
import { pickApproval } from './pick.ts';

/** Says yes to one question. */
export const approve: Command = {
  id: 'signalbox.approve',
  async run(services, argument) {
    const approval = await pickApproval(services, argument, vscode.l10n.t('Approve what?'));
    if (approval && isStillOpen(approval)) await answerApproval(services, approval, 'grant');
  },
};

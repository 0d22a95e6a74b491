import * as vscode from 'vscode';
import { answerApproval, isStillOpen } from './answer.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { Command } from './command.ts';
import { pickApproval } from './pick.ts';

/** Says yes to one question. */
export const approve: Command = {
  id: 'signalbox.approve',
  async run(services, argument) {
    const approval = await pickApproval(services, argument, vscode.l10n.t('Approve what?'));
    if (!approval || !isStillOpen(approval)) return;
    const more = approval.choices ? await askWhat(approval) : {};
    if (more) await answerApproval(services, approval, 'grant', more);
  },
};

/** What the yes means, where it may mean several things, and the word that goes with it; undefined when the person leaves it open. */
async function askWhat({ summary, choices = [] }: Approval): Promise<{ choice: string; reason: string } | undefined> {
  const { t } = vscode.l10n;
  const labels: Readonly<Record<string, string>> = { retry: t('Try again'), skip: t('Leave the stage out') };
  const items = choices.map((choice) => ({ label: labels[choice] ?? choice, choice }));
  const chosen = await vscode.window.showQuickPick(items, { title: summary, ignoreFocusOut: true });
  if (!chosen) return undefined;
  const prompt = chosen.choice === 'retry' ? t('A word to whoever does it again') : t('Why?');
  const reason = await vscode.window.showInputBox({ title: chosen.label, prompt, ignoreFocusOut: true });
  return reason === undefined ? undefined : { choice: chosen.choice, reason: reason.slice(0, 2_000) };
}

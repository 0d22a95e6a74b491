import * as vscode from 'vscode';
import type { RuleProposal } from '../../shared/protocol/views.ts';
import { documentUri } from '../documents/provider.ts';
import type { Services } from '../services.ts';
import { answerApproval, isStillOpen } from './answer.ts';
import type { Command } from './command.ts';
import { pickApproval } from './pick.ts';

/** Says yes, and allows the same for the rest of the run. */
export const approveForRun: Command = {
  id: 'signalbox.approveForRun',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const approval = await pickApproval(services, argument, t('Approve what for the rest of its run?'));
    if (!approval || !isStillOpen(approval)) return;
    const proposal = await (await services.client()).call('approval/rule', { approval: approval.id, for: 'run' });
    const yes = t('Approve for This Run');
    const question = t('Allow {0} for the rest of this run?', proposal.rule.says);
    if ((await vscode.window.showWarningMessage(clean(question), { modal: true, detail: sayDenied(proposal) }, yes)) !== yes) return;
    await answerApproval(services, approval, 'grant', { remember: { for: 'run' } });
  },
};

/** Says yes, and writes a rule that allows the same from now on, once the person has seen it as a diff. */
export const alwaysAllow: Command = {
  id: 'signalbox.alwaysAllow',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const approval = await pickApproval(services, argument, t('Always allow what?'));
    if (!approval || !isStillOpen(approval)) return;
    const proposal = await (await services.client()).call('approval/rule', { approval: approval.id, for: 'always' });
    await showProposal(services, approval.id, proposal);
    const yes = t('Write the Rule and Approve');
    // Not modal: the diff can be read while the question stands.
    const question = t('Always allow {0}? The rule is shown as a diff.', proposal.rule.says);
    if ((await vscode.window.showWarningMessage(clean([question, sayDenied(proposal)].join(' ')), yes, t('Cancel'))) !== yes) return;
    await answerApproval(services, approval, 'grant', { remember: { for: 'always', after: proposal.digest } });
  },
};

async function showProposal(services: Services, approval: string, proposal: RuleProposal): Promise<void> {
  const { t } = vscode.l10n;
  const side = (name: 'before' | 'after') =>
    documentUri({ kind: 'rule', approval, side: name, digest: proposal.digest, name: 'remembered.yaml' });
  services.proposals.set(proposal.digest, proposal);
  await vscode.commands.executeCommand('vscode.diff', side('before'), side('after'), t('The rule that would be written'), {
    preview: true,
  });
}

function sayDenied({ denied }: RuleProposal): string {
  if (denied.length === 0) return '';
  return vscode.l10n.t(
    'It would also allow what was denied before: {0}.',
    denied.map(({ summary, by }) => `${summary} (${by})`).join('; '),
  );
}

/** A foreign text makes no link. */
const clean = (text: string): string => text.trim().replaceAll('](', '] (');

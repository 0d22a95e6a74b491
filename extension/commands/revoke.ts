import * as vscode from 'vscode';
import type { Approval } from '../../shared/state/approval.ts';
import { parseRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { canRevoke } from '../views/describeApproval.ts';
import type { Command } from './command.ts';

/** Takes a yes back that nothing has used, or the rule for the rest of a run that it was made into. */
export const revoke: Command = {
  id: 'signalbox.revoke',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const approval = await pickRevocable(services, argument);
    if (!approval) return;
    const reason = await vscode.window.showInputBox({
      title: t('Revoke: {0}', approval.summary),
      prompt: t('Why? It goes into the record.'),
      placeHolder: t('Reason (optional)'),
      ignoreFocusOut: true,
    });
    if (reason === undefined) return;
    await (await services.client()).call('approval/revoke', { approval: approval.id, reason: reason.slice(0, 2_000) });
  },
};

async function pickRevocable(services: Services, argument: unknown): Promise<Approval | undefined> {
  const { t } = vscode.l10n;
  const ref = parseRef(argument);
  await services.client();
  const all = services.fleet.states().flatMap((state) => [...state.approvals.values()].filter((each) => canRevoke(each, state)));
  const fitting = ref?.kind === 'approval' ? all.filter((each) => each.id === ref.approval) : all;
  if (fitting.length === 0) void vscode.window.showInformationMessage(t('There is no yes that could be taken back.'));
  if (fitting.length <= 1 && ref?.kind === 'approval') return fitting[0];
  const items = fitting.map((value) => ({
    label: value.summary,
    description: value.by ?? '',
    detail:
      value.remembered && !value.remembered.forgotten ? t('For the rest of the run: {0}', value.remembered.says) : (value.reason ?? ''),
    value,
  }));
  const chosen =
    items.length === 0 ? undefined : await vscode.window.showQuickPick(items, { title: t('Revoke what?'), matchOnDetail: true });
  return chosen?.value;
}

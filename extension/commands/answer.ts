import * as vscode from 'vscode';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ParamsOf } from '../../shared/protocol/methods.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { Services } from '../services.ts';
import { sayAnswer } from '../views/describeApproval.ts';

/** Gives the answer; when somebody else was quicker, says who and what. */
export async function answerApproval(
  services: Services,
  approval: Approval,
  answer: 'grant' | 'deny',
  more: Partial<ParamsOf<'approval/answer'>> = {},
): Promise<void> {
  const client = await services.client();
  try {
    await client.call('approval/answer', { approval: approval.id, answer, ...more });
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'approval_settled') throw error;
    const now = services.fleet.findApproval(approval.id)?.approval;
    const said = now && now.status !== 'pending' ? sayAnswer(now, { t: vscode.l10n.t }) : error.message;
    void vscode.window.showInformationMessage(said);
  }
}

/** Says so when the question is no longer open; a person may come too late. */
export function isStillOpen(approval: Approval): boolean {
  if (approval.status === 'pending') return true;
  void vscode.window.showInformationMessage(sayAnswer(approval, { t: vscode.l10n.t }));
  return false;
}

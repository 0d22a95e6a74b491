import * as vscode from 'vscode';
import type { Approval } from '../../shared/state/approval.ts';
import { openChanges } from '../documents/changes.ts';
import { documentUri } from '../documents/provider.ts';
import { parseRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { whatToShow } from '../views/describeApproval.ts';
import type { Command } from './command.ts';
import { pickApproval, pickRun } from './pick.ts';

/** Shows what an approval is about, or what a run changed: a diff where there is one, else a page to read. */
export const showDiff: Command = {
  id: 'signalbox.showDiff',
  async run(services, argument) {
    const ref = parseRef(argument);
    if (ref?.kind === 'run') {
      const run = await pickRun(services, argument, '', () => true);
      if (run) await openChanges(services, run.id, vscode.l10n.t('Changes of run {0}', run.id.slice(-8)));
      return;
    }
    const approval = await pickApproval(services, argument, vscode.l10n.t('Show what?'));
    if (approval) await showSubject(services, approval);
  },
};

/** Shows what a question is about. */
export async function showSubject(services: Services, approval: Approval): Promise<void> {
  if (whatToShow(approval) === 'diff' && approval.run !== undefined) return openChanges(services, approval.run, approval.summary);
  const name = `${approval.key || approval.kind}.md`;
  await vscode.commands.executeCommand('markdown.showPreview', documentUri({ kind: 'approval', approval: approval.id, name }));
}

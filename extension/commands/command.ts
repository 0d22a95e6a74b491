import * as vscode from 'vscode';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { Services } from '../services.ts';

/** A command of the manifest. `argument` is what a tree row, a link or a keybinding passes: the text of a Ref, or nothing. */
export interface Command {
  readonly id: string;
  run(services: Services, argument: unknown): Promise<void>;
}

/** Registers a command; what it refuses is shown as a sentence with what can be done about it. */
export function registerCommand(services: Services, command: Command): vscode.Disposable {
  return vscode.commands.registerCommand(command.id, async (argument: unknown) => {
    try {
      await command.run(services, argument);
    } catch (error) {
      await showRefusal(services, command.id, error);
    }
  });
}

async function showRefusal({ log }: Services, id: string, error: unknown): Promise<void> {
  const refusal = error instanceof SignalboxError ? error : undefined;
  log.error(
    `${id}: ${error instanceof Error ? (refusal ? `${refusal.code}: ${refusal.message}` : (error.stack ?? error.message)) : String(error)}`,
  );
  const { t } = vscode.l10n;
  const repair = repairFor(refusal?.code);
  const message = error instanceof Error ? error.message : String(error);
  const chosen = await vscode.window.showErrorMessage(
    message.replaceAll('](', '] ('),
    repair.label,
    ...(repair.command === 'signalbox.showOutput' ? [] : [t('Show Output')]),
  );
  if (chosen === repair.label) await vscode.commands.executeCommand(repair.command);
  else if (chosen !== undefined) log.show();
}

/** The command that is most likely to help. */
function repairFor(code: string | undefined): { label: string; command: string } {
  const { t } = vscode.l10n;
  switch (code) {
    case 'protocol_mismatch':
      return { label: t('Restart Daemon'), command: 'signalbox.restartDaemon' };
    case 'daemon_stopped':
      return { label: t('Start Daemon'), command: 'signalbox.restartDaemon' };
    case 'not_trusted':
      return { label: t('Look at the Configuration'), command: 'signalbox.trustRepository' };
    case 'workspace_untrusted':
      return { label: t('Manage Workspace Trust'), command: 'workbench.trust.manage' };
    default:
      return { label: t('Show Output'), command: 'signalbox.showOutput' };
  }
}

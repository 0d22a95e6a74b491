import * as vscode from 'vscode';
import type { Command } from './command.ts';

/** Stops the daemon that runs, if one does, and starts another; what runs is taken up again. */
export const restartDaemon: Command = {
  id: 'signalbox.restartDaemon',
  async run(services) {
    const obstacle = services.obstacle();
    if (obstacle !== undefined) await services.client();
    const title = vscode.l10n.t('Signalbox: restarting the daemon');
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => services.link.restart());
  },
};

import * as vscode from 'vscode';
import type { Command } from './command.ts';
import { isActive, pickRun } from './pick.ts';

/** Ends a run; its branch and its record stay. */
export const cancelRun: Command = {
  id: 'signalbox.cancelRun',
  async run(services, argument) {
    const run = await pickRun(services, argument, vscode.l10n.t('Cancel which run?'), isActive);
    if (run) await (await services.client()).call('run/cancel', { run: run.id, reason: 'canceled from VS Code' });
  },
};

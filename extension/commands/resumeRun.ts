import * as vscode from 'vscode';
import type { Command } from './command.ts';
import { pickRun } from './pick.ts';

/** Lets a paused run go on. */
export const resumeRun: Command = {
  id: 'signalbox.resumeRun',
  async run(services, argument) {
    const run = await pickRun(services, argument, vscode.l10n.t('Resume which run?'), ({ status }) => status === 'paused');
    if (run) await (await services.client()).call('run/resume', { run: run.id });
  },
};

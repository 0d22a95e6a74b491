import * as vscode from 'vscode';
import type { Command } from './command.ts';
import { isActive, pickRun } from './pick.ts';

/** Starts nothing new of a run until somebody resumes it; what is under way comes to its end. */
export const pauseRun: Command = {
  id: 'signalbox.pauseRun',
  async run(services, argument) {
    const run = await pickRun(services, argument, vscode.l10n.t('Pause which run?'), (one) => isActive(one) && one.status !== 'paused');
    if (run) await (await services.client()).call('run/pause', { run: run.id, reason: '' });
  },
};

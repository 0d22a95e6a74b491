import * as vscode from 'vscode';
import { openTimeline } from '../panels/timeline.ts';
import { timelineSource } from '../panels/source.ts';
import type { Command } from './command.ts';
import { pickRun } from './pick.ts';

/** Shows when the stages and attempts of a run began and ended. */
export const showTimeline: Command = {
  id: 'signalbox.showTimeline',
  async run(services, argument) {
    const run = await pickRun(services, argument, vscode.l10n.t('Timeline of which run?'), () => true);
    if (run) openTimeline(services.context, timelineSource(services), run.id);
  },
};

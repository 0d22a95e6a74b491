import * as vscode from 'vscode';
import { openArtifact } from '../panels/source.ts';
import type { Command } from './command.ts';
import { pickRun } from './pick.ts';

const REPORT = 'report.md';

/** Shows what a run says about itself at its end. */
export const showReport: Command = {
  id: 'signalbox.showReport',
  async run(services, argument) {
    const run = await pickRun(
      services,
      argument,
      vscode.l10n.t('The report of which run?'),
      ({ id }, state) => state.artifacts.get(id)?.has(REPORT) ?? false,
    );
    const report = run && services.fleet.findRun(run.id)?.state.artifacts.get(run.id)?.get(REPORT);
    if (report) await openArtifact(services, run.id, REPORT, report.digest);
    else if (run) void vscode.window.showInformationMessage(vscode.l10n.t('The run has no report yet.'));
  },
};

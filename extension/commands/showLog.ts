import * as vscode from 'vscode';
import { attemptsOf, tasksOf } from '../../shared/state/select.ts';
import type { Attempt } from '../../shared/state/attempt.ts';
import { documentUri } from '../documents/provider.ts';
import { parseRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { sayTime } from '../views/words.ts';
import type { Command } from './command.ts';
import { pick, pickRun } from './pick.ts';

/** Opens the output of an attempt as a document that follows it. */
export const showLog: Command = {
  id: 'signalbox.showLog',
  async run(services, argument) {
    const attempt = await pickAttempt(services, argument);
    if (!attempt) return;
    const uri = documentUri({ kind: 'log', attempt: attempt.id, name: `${attempt.stage ?? 'task'}-${attempt.token}.log` });
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
    if (document.getText() === '' && attempt.endedAt !== undefined)
      vscode.window.setStatusBarMessage(vscode.l10n.t('This attempt wrote no output.'), 5_000);
  },
};

async function pickAttempt(services: Services, argument: unknown): Promise<Attempt | undefined> {
  const ref = parseRef(argument);
  if (ref?.kind === 'attempt') return services.fleet.findAttempt(ref.attempt)?.attempt;
  const run = await pickRun(services, argument, vscode.l10n.t('The log of which run?'), (entry, state) =>
    tasksOf(state, entry.id).some(({ attempt }) => attempt !== undefined),
  );
  const state = run && services.fleet.findRun(run.id)?.state;
  if (!run || !state) return undefined;
  const attempts = tasksOf(state, run.id).flatMap((task) => attemptsOf(state, task.id));
  const ofStage = ref?.kind === 'stage' ? attempts.filter((attempt) => attempt.stage === ref.stage) : attempts;
  if (ref?.kind === 'stage') return ofStage.at(-1);
  const reader = services.reader();
  const rows = ofStage.map((attempt) => ({
    label: vscode.l10n.t('{0}, attempt {1}', attempt.stage ?? attempt.task, attempt.token),
    description: sayTime(attempt.startedAt, reader),
    value: attempt,
  }));
  return pick(vscode.l10n.t('Which log?'), rows.reverse());
}

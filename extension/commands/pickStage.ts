// The stage that a command is about, when nobody said: one of those of a run for which it makes sense.
import * as vscode from 'vscode';
import type { Run, Stage } from '../../shared/state/run.ts';
import { parseRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { pick, pickRun } from './pick.ts';

/** Which runs and which of their stages make sense, and what the person is asked. */
export interface StageQuestion {
  runTitle: string;
  stageTitle: string;
  isRun(run: Run): boolean;
  isStage(stage: Stage | undefined): boolean;
}

/** The stage that the argument names, or one that the person picks. */
export async function pickStage(
  services: Services,
  argument: unknown,
  { runTitle, stageTitle, isRun, isStage }: StageQuestion,
): Promise<{ run: string; stage: string; label: string } | undefined> {
  const ref = parseRef(argument);
  const run = await pickRun(services, argument, runTitle, isRun);
  if (!run) return undefined;
  const { state } = services.fleet.findRun(run.id) ?? {};
  const begun = state?.stages.get(run.id);
  const defined = services.definitions.of(run)?.stages.map(({ id, name }) => ({ id, name }));
  const stages = defined ?? [...(begun?.keys() ?? [])].map((id) => ({ id, name: id }));
  if (ref?.kind === 'stage') {
    const label = stages.find(({ id }) => id === ref.stage)?.name ?? ref.stage;
    return { run: run.id, stage: ref.stage, label };
  }
  const fit = stages.filter(({ id }) => isStage(begun?.get(id)));
  if (fit.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('The run has no stage for that.'));
    return undefined;
  }
  const items = fit.map(({ id, name }) => ({
    label: name,
    description: name === id ? '' : id,
    value: { run: run.id, stage: id, label: name },
  }));
  return pick(stageTitle, items);
}

// What a command is about, when nobody said: the only thing that fits, or the one that the person picks. Undefined: never mind.
import * as vscode from 'vscode';
import { runEnded, type Run } from '../../shared/state/run.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { State } from '../../shared/state/evolve.ts';
import { parseRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { sayAsker } from '../views/describeApproval.ts';
import { sayRunStatus, sayWorkflow } from '../views/describeRun.ts';
import { sayId, sayRepository } from '../views/words.ts';

type Item<Value> = vscode.QuickPickItem & { value: Value };

/** Shows a list; resolves to the value of the chosen row. */
export async function pick<Value>(title: string, items: readonly Item<Value>[]): Promise<Value | undefined> {
  const chosen = await vscode.window.showQuickPick(items, { title, matchOnDescription: true, matchOnDetail: true });
  return chosen?.value;
}

/** The repository that a new run is to work on. */
export async function pickRepository(services: Services): Promise<string | undefined> {
  await services.client();
  const repos = [...services.link.replicas.keys()];
  if (repos.length <= 1) return repos[0];
  return pick(
    vscode.l10n.t('Which repository?'),
    repos.map((repo) => ({ label: sayRepository(repo), description: repo, value: repo })),
  );
}

/** The run that the argument names, or one of those for which `fits` holds. */
export async function pickRun(
  services: Services,
  argument: unknown,
  title: string,
  fits: (run: Run, state: State) => boolean,
): Promise<Run | undefined> {
  const ref = parseRef(argument);
  if (ref?.kind === 'run' || ref?.kind === 'stage') return services.fleet.findRun(ref.run)?.run;
  if (ref?.kind === 'attempt') return services.fleet.findRun(services.fleet.findAttempt(ref.attempt)?.attempt.run ?? '')?.run;
  await services.client();
  const runs = services.fleet.runs().filter(({ run, state }) => fits(run, state));
  if (runs.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no run for that.'));
    return undefined;
  }
  const reader = services.reader();
  return pick(
    title,
    runs.map(({ run, state }) => ({
      label: vscode.l10n.t('{0} {1}', sayWorkflow(run.workflow.name, reader), sayId(run.id)),
      description: sayRunStatus({ run, state, definition: undefined, named: false }, reader),
      detail: run.repo ?? '',
      value: run,
    })),
  );
}

/** The approval that the argument names (also a stage that asks), or one of those that wait. */
export async function pickApproval(services: Services, argument: unknown, title: string): Promise<Approval | undefined> {
  const ref = parseRef(argument);
  if (ref?.kind === 'approval') {
    const known = services.fleet.findApproval(ref.approval)?.approval;
    if (known) return known;
    const { approvals } = await (await services.client()).call('approval/list', { pending: false, limit: 1_000 });
    return approvals.find((approval) => approval.id === ref.approval);
  }
  await services.client();
  const asked = services.fleet
    .asked()
    .filter(({ approval }) => ref?.kind !== 'stage' || (approval.run === ref.run && approval.stage === ref.stage));
  if (asked.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Nothing waits for you.'));
    return undefined;
  }
  if (ref && asked.length === 1) return asked[0]?.approval;
  const reader = services.reader();
  return pick(
    title,
    asked.map(({ approval, state }) => {
      const run = state.runs.get(approval.run ?? '');
      const asker = sayAsker({ approval, state, definition: run && services.definitions.of(run), named: false }, reader);
      return { label: approval.summary, description: asker, detail: approval.why.join(' '), value: approval };
    }),
  );
}

export const isActive = (run: Run): boolean => !runEnded(run);

import * as vscode from 'vscode';
import { writePromptWorkflow } from '../../shared/state/prompt-workflow.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run } from '../../shared/state/run.ts';
import type { Attempt } from '../../shared/state/attempt.ts';
import type { Command } from './command.ts';
import { askPrompt } from './newTask.ts';
import { pickRun } from './pick.ts';
import { pickTarget, startRun } from './startRun.ts';

/** Gives more words to the agent that worked in a run: it goes on in the same worktree and, where it can, in the same session. */
export const continueTask: Command = {
  id: 'signalbox.continueTask',
  async run(services, argument) {
    const { t } = vscode.l10n;
    const run = await pickRun(
      services,
      argument,
      t('Go on from which run?'),
      (each, state) => runEnded(each) && lastOf(each, state) !== undefined,
    );
    const state = run && services.fleet.findRun(run.id)?.state;
    if (!run || !state || run.repo === undefined) return;
    const last = lastOf(run, state);
    if (!last) {
      void vscode.window.showInformationMessage(t('No agent worked in that run, so there is nothing to go on from.'));
      return;
    }
    const { agent, session } = last;
    const how = session?.resumes
      ? t('More words for {0}. It goes on in the same worktree, and remembers its session.', agent)
      : t('More words for {0}. It goes on in the same worktree, and is told what the record says of its work.', agent);
    const prompt = await askPrompt(t('Continue with {0}', agent), how, t('Now do the same for the printer'));
    if (prompt === undefined) return;
    const target = await pickTarget(run.repo, t('Where may its work go, after you approved the merge?'));
    if (target === undefined) return;
    const workflow = writePromptWorkflow(prompt, { agent });
    await startRun(services, { workflow, repo: run.repo, inputs: { prompt }, continues: run.id, again: true, ...target });
  },
};

/** The last attempt of an agent in the run. */
function lastOf({ id }: Run, state: State): Attempt | undefined {
  return [...state.attempts.values()].findLast(({ run, session }) => run === id && session !== undefined);
}

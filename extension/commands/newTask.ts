import * as vscode from 'vscode';
import type { Command } from './command.ts';
import { SHELL_SYNTAX, splitWords, writeTaskWorkflow } from './commandLine.ts';
import { pickRepository } from './pick.ts';
import { startRun } from './startRun.ts';

/** Runs one command that the person types, in a worktree of its own; the policy decides about it like about any other. */
export const newTask: Command = {
  id: 'signalbox.newTask',
  async run(services) {
    const repo = await pickRepository(services);
    if (repo === undefined) return;
    const { t } = vscode.l10n;
    const line = await vscode.window.showInputBox({
      title: t('New Task'),
      prompt: t('A command for the agent "command". It runs in a fresh worktree of the current commit, after the policy allowed it.'),
      placeHolder: 'npm test',
      ignoreFocusOut: true,
      validateInput: judgeLine,
    });
    const argv = line === undefined ? undefined : splitWords(line);
    if (argv && argv.length > 0)
      await startRun(services, { workflow: { file: 'task.yaml', text: writeTaskWorkflow(argv) }, repo, again: true });
  },
};

function judgeLine(line: string): string | undefined {
  const argv = splitWords(line);
  if (argv === undefined) return vscode.l10n.t('A quote is not closed.');
  if (argv.length === 0) return vscode.l10n.t('Type a command, for example: npm test');
  if (SHELL_SYNTAX.test(line))
    return vscode.l10n.t('There is no shell: pipes, redirections, variables and patterns do not work. Put them in a script, and run that.');
  return undefined;
}

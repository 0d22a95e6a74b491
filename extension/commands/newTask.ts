import * as vscode from 'vscode';
import { MAX_PROMPT, writePromptWorkflow } from '../../shared/state/prompt-workflow.ts';
import type { Services } from '../services.ts';
import type { Command } from './command.ts';
import { SHELL_SYNTAX, splitWords, writeTaskWorkflow } from './commandLine.ts';
import { pick, pickRepository } from './pick.ts';
import { pickTarget, startRun } from './startRun.ts';

/** Gives a coding agent a prompt, or runs one command that the person types, in a worktree of its own; the policy decides about it like about any other. */
export const newTask: Command = {
  id: 'signalbox.newTask',
  async run(services) {
    const repo = await pickRepository(services);
    if (repo === undefined) return;
    const agent = await pickAgent(services);
    if (agent === undefined) return;
    if (agent !== COMMAND) return startPrompt(services, repo, agent);
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

/** The agent that runs a command which the person types. */
const COMMAND = 'command';

/** Who is to do it: a coding agent that takes a prompt, where there is one, or a command. */
async function pickAgent(services: Services): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const client = await services.client();
  const { agents } = await client.call('agent/list', {});
  const prompted = agents.filter(({ adapter, status }) => adapter === 'acp' && status === 'ready');
  if (prompted.length === 0) return COMMAND;
  return pick(t('Who is to do it?'), [
    ...prompted.map(({ id, enforcement }) => ({
      label: `$(hubot) ${id}`,
      description: enforcement?.level === 'enforced' ? t('a prompt, in a sandbox') : t('a prompt, without a sandbox'),
      value: id,
    })),
    { label: `$(terminal) ${COMMAND}`, description: t('a command that you type'), value: COMMAND },
  ]);
}

async function startPrompt(services: Services, repo: string, agent: string): Promise<void> {
  const { t } = vscode.l10n;
  const how = t('What it is to do, in words. It works in a fresh worktree of the current commit.');
  const prompt = await askPrompt(t('New Task for {0}', agent), how, t('Add a test for the parser'));
  if (prompt === undefined) return;
  const target = await pickTarget(repo, t('Where may its work go, after you approved the merge?'));
  if (target === undefined) return;
  await startRun(services, { workflow: writePromptWorkflow(prompt, { agent }), repo, inputs: { prompt }, again: true, ...target });
}

/** Asks what an agent is to do; undefined: never mind. */
export async function askPrompt(title: string, how: string, example: string): Promise<string | undefined> {
  const { t } = vscode.l10n;
  return vscode.window.showInputBox({
    title,
    prompt: how,
    placeHolder: example,
    ignoreFocusOut: true,
    validateInput(text) {
      if (text.trim() === '') return t('Say what is to be done.');
      if (Buffer.byteLength(text) > MAX_PROMPT) return t('That is too long: put the details into a file, and name it here.');
      return undefined;
    },
  });
}

function judgeLine(line: string): string | undefined {
  const argv = splitWords(line);
  if (argv === undefined) return vscode.l10n.t('A quote is not closed.');
  if (argv.length === 0) return vscode.l10n.t('Type a command, for example: npm test');
  if (SHELL_SYNTAX.test(line))
    return vscode.l10n.t('There is no shell: pipes, redirections, variables and patterns do not work. Put them in a script, and run that.');
  return undefined;
}

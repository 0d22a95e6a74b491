import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';

/** `signalbox completion`: prints the completion script of a shell; the hidden `complete` answers it. */
export function addCompletion(program: Command, { terminal }: Context): void {
  const completion = tab(program, { completionCommandName: 'completion' });
  const workflow = completion.commands.get('run')?.arguments.get('workflow');
  if (workflow) {
    workflow.handler = (complete) => {
      complete('checkup', 'built in');
      for (const name of listWorkflows(terminal.cwd)) complete(name, '.signalbox/workflows');
    };
  }
  const command = program.commands.find((candidate) => candidate.name() === 'completion');
  command
    ?.description('print the completion script for bash, zsh or fish')
    .addHelpText(
      'after',
      '\nExamples:\n  source <(signalbox completion bash)\n  signalbox completion fish > ~/.config/fish/completions/signalbox.fish',
    );
}

function listWorkflows(folder: string): string[] {
  try {
    return readdirSync(join(folder, '.signalbox', 'workflows')).flatMap((name) => /^([\w-]+)\.ya?ml$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

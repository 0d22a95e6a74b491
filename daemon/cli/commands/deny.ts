import type { Command } from 'commander';
import { type AnswerOptions, answerAll } from '../answer.ts';
import { type Context, perform } from '../context.ts';

/** `signalbox deny`: says no to one question, or to all of a run. */
export function addDeny(program: Command, context: Context): void {
  program
    .command('deny')
    .description('say no to one question, or to all that a run waits for')
    .argument('<id>', 'id of an approval, or of a run: all that it waits for')
    .option('-m, --reason <text>', 'why; goes into the record', '')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox deny 7c01d5aa\n  signalbox deny 3f9a1c2e --reason "not before the release"')
    .action((given: string, options: AnswerOptions) =>
      perform(context, options, () => answerAll(context, given, { answer: 'deny', options })),
    );
}

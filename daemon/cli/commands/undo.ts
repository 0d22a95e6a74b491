import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import { cleanLine } from '../render/text.ts';

const UNDO_MS = 90_000;

/** `signalbox undo`: takes the merge of a run back by a new commit. */
export function addUndo(program: Command, context: Context): void {
  program
    .command('undo')
    .description('take back what a run merged, by a commit that reverts it')
    .argument('<run>', 'id of a run, or its beginning')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox undo 3f9a1c2e')
    .action((given: string, options: CommonOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const undone = await withDaemon(context, async (client) => {
          const found = await findRun(client, given, terminal.now());
          return client.call('run/undo', { run: found.id }, { timeoutMs: UNDO_MS });
        });
        if (options.json) printJson(terminal, undone);
        else
          terminal.print(
            `The merge of run ${shortId(undone.run)} was taken back: ${undone.commit.slice(0, 12)} on ${cleanLine(undone.branch)}.`,
          );
        if (!options.json)
          for (const { run, files } of undone.dependents)
            terminal.print(`Run ${shortId(run)} merged later and touches the same files: ${files.slice(0, 5).map(cleanLine).join(', ')}.`);
        return EXIT.ok;
      }),
    );
}

import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';

/** `signalbox cancel`: ends a run; what it has done stays on its branch. */
export function addCancel(program: Command, context: Context): void {
  program
    .command('cancel')
    .description('end a run; its branch and its record stay')
    .argument('<run>', 'id of a run, or its beginning')
    .option('-m, --reason <text>', 'why; goes into the record', 'Canceled with signalbox cancel.')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox cancel 3f9a1c2e')
    .action((given: string, options: CommonOptions & { reason: string }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const run = await withDaemon(context, async (client) => {
          const found = await findRun(client, given, terminal.now());
          await client.call('run/cancel', { run: found.id, reason: options.reason });
          return found.id;
        });
        if (options.json) printJson(terminal, { run });
        else terminal.print(`Run ${shortId(run)} is being canceled; signalbox runs show ${shortId(run)}`);
        return EXIT.ok;
      }),
    );
}

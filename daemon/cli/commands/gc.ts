import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';

/** The whole record is read for it. */
const GC_MS = 600_000;

/** `signalbox gc`: removes artifacts and output that nothing reaches any more. */
export function addGc(program: Command, context: Context): void {
  program
    .command('gc')
    .description('remove stored artifacts and output that neither the record nor the archive reaches')
    .option('--dry-run', 'only count them')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nWhat is younger than an hour stays in any case.\n\nExamples:\n  signalbox gc --dry-run\n  signalbox gc')
    .action((options: CommonOptions & { dryRun?: boolean }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const dryRun = options.dryRun ?? false;
        const done = await withDaemon(context, (client) => client.call('store/gc', { dryRun }, { timeoutMs: GC_MS }));
        const { artifacts, spools } = done;
        if (options.json) printJson(terminal, done);
        else
          terminal.print(
            `${dryRun ? 'Would remove' : 'Removed'} ${artifacts.count} artifacts (${artifacts.bytes} bytes) and ${spools.count} spools (${spools.bytes} bytes).`,
          );
        return EXIT.ok;
      }),
    );
}

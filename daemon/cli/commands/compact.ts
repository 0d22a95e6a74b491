import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { compactJournal } from '../../journal/compact.ts';
import { acquireLock } from '../../platform/lock.ts';
import { findHome } from '../connect/endpoint.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';

const DAY_MS = 86_400_000;

/** `signalbox journal compact`: removes what is old from the record; needs the daemon to be down. */
export function addCompact(journal: Command, context: Context): void {
  journal
    .command('compact')
    .description('remove old segments of the journal; what is left still verifies')
    .requiredOption('--before <age>', 'only commits older than this, such as 90d')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nWhat was removed is gone: `events` begins later then. Runs and tasks of the archive stay.\n\nExamples:\n  signalbox down && signalbox journal compact --before 90d',
    )
    .action((options: CommonOptions & { before: string }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const home = findHome(context.env);
        const days = /^(\d{1,5})d$/.exec(options.before)?.[1];
        if (days === undefined) throw usageFailure(`--before ${options.before} is not an age.`, 'Give days, such as 90d.');
        if (!existsSync(join(home, 'journal')))
          throw new CliFailure(`There is no journal in ${home}.`, {
            code: 'not_found',
            hint: 'It is made at the first start of the daemon.',
          });
        const lock = await acquireLock(home);
        if (lock.kind === 'foreign')
          throw new CliFailure(`The daemon runs (process ${lock.heldBy.pid}).`, {
            code: 'daemon_running',
            hint: 'Stop it with `signalbox down`, then compact.',
          });
        const now = terminal.now();
        try {
          const before = new Date(now - Number(days) * DAY_MS).toISOString();
          const done = await compactJournal({ dir: home, before, now: new Date(now).toISOString(), by: userInfo().username });
          if (options.json) printJson(terminal, done);
          else if (!done.removed) terminal.print('Nothing was removed: no sealed segment is that old as a whole.');
          else
            terminal.print(
              `Commits ${done.removed.first} to ${done.removed.last} were removed (${done.segments} segments, ${done.bytes} bytes). The journal now continues ${done.removed.last}:${done.removed.hash}`,
            );
        } finally {
          await lock.release();
        }
        return EXIT.ok;
      }),
    );
}

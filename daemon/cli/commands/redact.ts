import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT, usageFailure } from '../failure.ts';

/** `signalbox redact`: removes the content of an artifact for good. */
export function addRedact(program: Command, context: Context): void {
  program
    .command('redact')
    .description('remove the content of an artifact for good; the record says that, and by whom')
    .argument('<artifact>', 'digest of the artifact, 64 hex digits, as `signalbox events --json` shows it')
    .requiredOption('--reason <text>', 'why; it stays on the record')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nThere is no way back. The journal still verifies: it holds the digest, not the content.\n\nExamples:\n  signalbox redact 9f86d081884c7d65... --reason "holds a password"',
    )
    .action((digest: string, options: CommonOptions & { reason: string }) =>
      perform(context, options, async () => {
        if (!/^[0-9a-f]{64}$/.test(digest))
          throw usageFailure(
            `${digest.slice(0, 80)} is not a digest.`,
            'A digest is 64 hex digits; it is not shortened here, since there is no way back.',
          );
        const done = await withDaemon(context, (client) => client.call('artifact/redact', { digest, reason: options.reason }));
        if (options.json) printJson(context.terminal, done);
        else context.terminal.print(done.existing ? 'It was removed before.' : `The content of ${digest} was removed.`);
        return EXIT.ok;
      }),
    );
}

import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findApproval } from '../lookup.ts';
import { cleanLine } from '../render/text.ts';

/** `signalbox revoke`: takes a yes back that nothing has used yet. */
export function addRevoke(program: Command, context: Context): void {
  program
    .command('revoke')
    .description('take a yes back that nothing has used yet')
    .argument('<approval>', 'id of an approval, or its beginning')
    .option('-m, --reason <text>', 'why; goes into the record', '')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox approvals --all\n  signalbox revoke 7c01d5aa --reason "the wrong branch"')
    .action((given: string, options: CommonOptions & { reason: string }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const { approval } = await withDaemon(context, async (client) => {
          const { id } = await findApproval(client, given, terminal.now());
          return client.call('approval/revoke', { approval: id, reason: options.reason });
        });
        if (options.json) printJson(terminal, { approval });
        else terminal.print(`${terminal.paint.red('revoked')} ${shortId(approval.id)}  ${cleanLine(approval.summary)}`);
        return EXIT.ok;
      }),
    );
}

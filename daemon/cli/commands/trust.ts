import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Client } from '../../../shared/client/client.ts';
import type { TrustView } from '../../../shared/protocol/views.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../failure.ts';
import { cleanLine } from '../render/text.ts';

interface TrustOptions extends CommonOptions {
  yes?: boolean;
  revoke?: boolean;
}

/** `signalbox trust`: shows what a repository brings for Signalbox, and trusts exactly that. */
export function addTrust(program: Command, context: Context): void {
  program
    .command('trust')
    .description("trust a repository's .signalbox/ as it stands now")
    .argument('[path]', 'the repository (default: the current folder)')
    .option('-y, --yes', 'do not ask')
    .option('--revoke', 'trust it no longer')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nUntil it is trusted, only deny and ask rules of its policies count, and none of its workflows runs.\nA changed file ends the trust.\n\nExamples:\n  signalbox trust\n  signalbox trust ~/projects/shop --revoke',
    )
    .action((path: string | undefined, options: TrustOptions) =>
      perform(context, options, () =>
        withDaemon(context, (client) => trust(context, client, resolve(context.terminal.cwd, path ?? '.'), options)),
      ),
    );
}

async function trust(context: Context, client: Client, repo: string, options: TrustOptions): Promise<ExitCode> {
  const { terminal } = context;
  if (options.revoke) {
    const view = await client.call('trust/revoke', { repo });
    if (options.json) printJson(terminal, view);
    else terminal.print(`${cleanLine(view.repo)} is not trusted.`);
    return EXIT.ok;
  }
  const shown = await client.call('trust/show', { repo });
  if (!options.json) terminal.print(...describe(shown));
  if (shown.digest === '' || shown.trusted) {
    if (options.json) printJson(terminal, shown);
    return EXIT.ok;
  }
  const agreed = options.yes || (!options.json && (await terminal.confirm('Trust exactly these files?')));
  if (!agreed) {
    if (terminal.interactive && !options.json) return EXIT.denied;
    throw new CliFailure('Nobody is there to ask, so nothing was trusted.', {
      code: 'not_confirmed',
      exit: EXIT.usage,
      hint: 'Look at the files, then run it again with --yes.',
      facts: { ...shown },
    });
  }
  // The digest that was shown is the one that is trusted: files that changed meanwhile are refused.
  const granted = await client.call('trust/grant', { repo, digest: shown.digest });
  if (options.json) printJson(terminal, granted);
  else terminal.print(terminal.paint.green(`${cleanLine(granted.repo)} is trusted.`));
  if (!options.json) terminal.print(...(await describeTriggers(client, granted.repo)));
  return EXIT.ok;
}

/** What starts runs by itself from now on. */
async function describeTriggers(client: Client, repo: string): Promise<string[]> {
  const { triggers } = await client.call('trigger/list', {});
  const ids = triggers.filter((one) => one.repo === repo && one.origin === 'repository').map(({ id }) => id);
  return ids.length === 0 ? [] : [`From now on these start runs by themselves: ${ids.join(', ')}. See \`signalbox triggers\`.`];
}

function describe(view: TrustView): string[] {
  if (view.digest === '') return [`${cleanLine(view.repo)} has no .signalbox/, so there is nothing to trust.`];
  return [
    `${cleanLine(view.repo)} brings ${view.files.length} file${view.files.length === 1 ? '' : 's'} for Signalbox${view.trusted ? ', which you trust' : ''}:`,
    ...view.files.map((file) => `  ${cleanLine(file)}`),
    `  digest ${view.digest}`,
  ];
}

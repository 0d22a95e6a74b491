import { type Command, InvalidArgumentError } from 'commander';
import { Scope } from '../../../shared/protocol/scopes.ts';
import { parseDuration } from '../../../shared/state/workflow.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';

interface TokenOptions extends CommonOptions {
  scope: Scope[];
  for: number;
}

const EXAMPLES = `
Examples:
  signalbox token anna                                a second person, who may look and approve
  SIGNALBOX_TOKEN=… signalbox approve 7c01d5aa        and answers in her own name
  signalbox token agent:reviewer --scope observe,agent --for 12h

Scopes: ${Scope.options.join(', ')}. Who works (worker, agent) never approves or configures. A token ends with the daemon.`;

/** `signalbox token`: makes a token for another principal, which `SIGNALBOX_TOKEN` uses. */
export function addToken(program: Command, context: Context): void {
  program
    .command('token')
    .description('make a token for another person, agent or worker')
    .argument('<name>', 'who it speaks for; the record has this name')
    .option('--scope <list>', 'what it may do, separated by commas', readScopes, ['observe', 'approve'])
    .option('--for <time>', 'how long it is good, at most 24h', readTime, 3_600_000)
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES)
    .action((name: string, options: TokenOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const made = await withDaemon(context, (client) => client.call('token/issue', { name, scopes: options.scope, ttlMs: options.for }));
        if (options.json) printJson(terminal, { name, scopes: options.scope, ...made });
        else terminal.print(made.token);
        return EXIT.ok;
      }),
    );
}

function readScopes(text: string): Scope[] {
  return text.split(',').map((word) => {
    const scope = Scope.safeParse(word.trim());
    if (!scope.success) throw new InvalidArgumentError(`There is no scope ${JSON.stringify(word)}; known are ${Scope.options.join(', ')}.`);
    return scope.data;
  });
}

function readTime(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1_000 || ms > 86_400_000)
    throw new InvalidArgumentError('It takes a time such as 30m or 8h, from 1s to 24h.');
  return ms;
}

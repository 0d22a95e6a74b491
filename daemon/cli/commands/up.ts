import type { Command } from 'commander';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf } from '../context.ts';
import { EXIT } from '../failure.ts';

/** `signalbox up`: starts the daemon, or says that it runs. */
export function addUp(program: Command, context: Context): void {
  program
    .command('up')
    .description('start the daemon (other commands do so when they need it)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox up')
    .action((options: CommonOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const { connection, started } = await reachDaemon(reachOf(context));
        connection.close();
        const { pid, port, version } = connection.endpoint;
        if (options.json) printJson(terminal, { started, pid, port, version });
        else terminal.print(`The daemon ${started ? 'has started' : 'runs already'}: process ${pid}, on 127.0.0.1:${port}.`);
        return EXIT.ok;
      }),
    );
}

import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import { readWorkflowFile } from '../workflow-choice.ts';

interface ExtendOptions extends CommonOptions {
  file: string;
}

const HELP = `
The file has the key \`stages\`, with stages as a workflow has them. They may need any stage of the run, and \`next\` puts one
before a stage that has not begun. What has begun stays as it is.

Examples:
  signalbox extend 3f9a1c2e --file more.yaml`;

/** `signalbox extend`: adds stages to a run that is under way. */
export function addExtend(program: Command, context: Context): void {
  program
    .command('extend')
    .description('add stages to a run that is under way')
    .argument('<run>', 'id of a run, or its beginning')
    .requiredOption('-f, --file <file>', 'the stages that are added')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((given: string, options: ExtendOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const source = await readWorkflowFile(options.file, terminal.cwd);
        const result = await withDaemon(context, async (client) =>
          client.call('run/extend', { run: (await findRun(client, given, terminal.now())).id, ...source }),
        );
        const id = shortId(result.run);
        if (options.json) printJson(terminal, result);
        else if (result.asked !== undefined)
          terminal.print(`somebody has to allow it: signalbox approve ${shortId(result.asked)}, then the same command again adds them`);
        else if (result.existing) terminal.print(`run ${id} has these stages already`);
        else terminal.print(`run ${id} has ${result.added.join(', ')} now`);
        return EXIT.ok;
      }),
    );
}

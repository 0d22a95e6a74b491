import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { pickOne, shortId } from '../ids.ts';

/** `signalbox requeue`: takes a dead letter up again. */
export function addRequeue(program: Command, context: Context): void {
  program
    .command('requeue')
    .description('try a dead letter again as if it were new; of a run, its stage is done again')
    .argument('<task>', 'id of a task that `signalbox tasks --dead` lists, or its beginning')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox tasks --dead\n  signalbox requeue 3f9a1c2e')
    .action((given: string, options: CommonOptions) =>
      perform(context, options, () =>
        withDaemon(context, async (client) => {
          const { tasks } = await client.call('task/list', { dead: true, limit: 1_000 });
          const { id } = pickOne(given, tasks, 'dead letter', (task) => `${task.action}, ${task.message ?? task.status}`.slice(0, 80));
          const result = await client.call('task/requeue', { task: id });
          const again = `stage ${result.stages?.join(', ') ?? ''} of run ${shortId(result.run ?? '')} is done again`;
          if (options.json) printJson(context.terminal, result);
          else context.terminal.print(result.run === undefined ? `task ${shortId(id)} waits for its agent` : again);
          return EXIT.ok;
        }),
      ),
    );
}

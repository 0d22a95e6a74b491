import type { Command } from 'commander';
import type { Client } from '../../../shared/client/client.ts';
import type { Run } from '../../../shared/state/run.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';

interface SteerOptions extends CommonOptions {
  reason?: string;
  feedback?: string;
}

type Does = ReturnType<typeof makeDoes>;

/** `signalbox pause`, `resume`, `retry` and `skip`: how a run that is under way is steered. */
export function addSteer(program: Command, context: Context): void {
  const does = makeDoes(context);
  addPausing(program, does);
  addStages(program, does);
}

function makeDoes(context: Context) {
  return <Result extends object>(options: SteerOptions, given: string, work: (client: Client, run: Run) => Promise<[Result, string]>) =>
    perform(context, options, () =>
      withDaemon(context, async (client) => {
        const run = await findRun(client, given, context.terminal.now());
        const [result, sentence] = await work(client, run);
        if (options.json) printJson(context.terminal, result);
        else context.terminal.print(sentence);
        return EXIT.ok;
      }),
    );
}

function addPausing(program: Command, does: Does): void {
  program
    .command('pause')
    .description('start nothing new of a run until it is resumed; what is under way comes to its end')
    .argument('<run>', 'id of a run, or its beginning')
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  signalbox pause 3f9a1c2e\n  signalbox pause 3f9a1c2e --reason "the branch is frozen until Monday"',
    )
    .action((given: string, options: SteerOptions) =>
      does(options, given, async (client, { id }) => [
        await client.call('run/pause', { run: id, reason: options.reason ?? '' }),
        `run ${shortId(id)} is paused; signalbox resume ${shortId(id)} lets it go on`,
      ]),
    );
  program
    .command('resume')
    .description('let a paused run go on')
    .argument('<run>', 'id of a run, or its beginning')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox resume 3f9a1c2e')
    .action((given: string, options: SteerOptions) =>
      does(options, given, async (client, { id }) => [await client.call('run/resume', { run: id }), `run ${shortId(id)} goes on`]),
    );
}

function addStages(program: Command, does: Does): void {
  program
    .command('retry')
    .description('do a stage of a run again, and what depends on it; a run that failed goes on with it')
    .argument('<run>', 'id of a run, or its beginning')
    .argument('<stage>', 'id of the stage')
    .option('--feedback <text>', 'what was wrong, for whoever does it again')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  signalbox retry 3f9a1c2e test\n  signalbox retry 3f9a1c2e design --feedback "the empty state is missing"',
    )
    .action((given: string, stage: string, options: SteerOptions) =>
      does(options, given, async (client, { id }) => {
        const result = await client.call('run/retry', { run: id, stage, feedback: options.feedback ?? '' });
        return [result, `run ${shortId(id)} does ${result.stages.join(', ')} again`];
      }),
    );
  program
    .command('skip')
    .description('leave out a stage of a run that has not begun; the stages behind it count it as done')
    .argument('<run>', 'id of a run, or its beginning')
    .argument('<stage>', 'id of the stage')
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox skip 3f9a1c2e deploy --reason "done by hand"')
    .action((given: string, stage: string, options: SteerOptions) =>
      does(options, given, async (client, { id }) => [
        await client.call('run/skip', { run: id, stage, reason: options.reason ?? '' }),
        `run ${shortId(id)} leaves out ${stage}`,
      ]),
    );
}

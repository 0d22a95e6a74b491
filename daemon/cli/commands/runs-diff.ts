import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import { diffRuns, type RunDiff } from '../render/run-diff.ts';
import { cleanLine } from '../render/text.ts';
import { renderTable } from '../render/table.ts';
import { formatDuration } from '../render/time.ts';

const HELP = `
Compares what came of them, their stages, what was decided and answered, and their artifacts by content; times are shown
beside each other.

Examples:
  signalbox runs diff 3f9a1c2e 77b0d512
  signalbox runs diff 3f9a1c2e 77b0d512 --json`;

/** `signalbox runs diff`: where two runs differ. */
export function addRunsDiff(runs: Command, context: Context): void {
  runs
    .command('diff')
    .description('say where two runs differ')
    .argument('<a>', 'id of a run, or its beginning')
    .argument('<b>', 'another')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((a: string, b: string, _options: CommonOptions, command: Command) => {
      // `--json` belongs to both, and commander gives it to the parent.
      const options = command.optsWithGlobals<CommonOptions>();
      return perform(context, options, () => showDiff(context, { a, b }, options));
    });
}

async function showDiff(context: Context, given: { a: string; b: string }, options: CommonOptions): Promise<ExitCode> {
  const { terminal } = context;
  await withDaemon(context, async (client) => {
    const [a, b] = [await findRun(client, given.a, terminal.now()), await findRun(client, given.b, terminal.now())];
    const diff = diffRuns(await client.call('run/get', { run: a.id }), await client.call('run/get', { run: b.id }));
    if (options.json) printJson(terminal, { a: a.id, b: b.id, ...diff });
    else terminal.print(...describe(context, { a: shortId(a.id), b: shortId(b.id) }, diff));
  });
  return EXIT.ok;
}

function describe({ terminal }: Context, ids: { a: string; b: string }, { differences, durations }: RunDiff): string[] {
  const look = terminal.tableLook();
  const say = (ms: number | undefined): string => (ms === undefined ? '-' : formatDuration(ms));
  const { a, b } = ids;
  const found =
    differences.length === 0
      ? ['They do not differ but in their times.']
      : renderTable(
          [
            { title: 'WHAT', text: ({ about, name }) => `${about} ${cleanLine(name)}`, flex: 'end', min: 12 },
            { title: a, text: (one) => cleanLine(one.a), flex: 'end', min: 10 },
            { title: b, text: (one) => cleanLine(one.b), flex: 'end', min: 10 },
          ],
          differences,
          look,
        );
  const times = renderTable(
    [
      { title: 'TOOK', text: ({ name }) => cleanLine(name), flex: 'end', min: 12 },
      { title: a, text: (one) => say(one.a) },
      { title: b, text: (one) => say(one.b) },
    ],
    durations,
    look,
  );
  return [...found, '', ...times];
}

import type { Command } from 'commander';
import type { Commit } from '../../../shared/events/envelope.ts';
import type { State } from '../../../shared/state/evolve.ts';
import { readBase } from '../../journal/start.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../failure.ts';
import { pickOne, shortId } from '../ids.ts';
import { keptIn, readCommits } from '../policy/record.ts';
import { openRecord } from '../policy/simulate.ts';
import { cleanLine } from '../render/text.ts';
import { forkFrom, type ForkOptions } from '../replay/command.ts';
import { replayRun, type Report } from '../replay/replay.ts';

const HELP = `
Every step of the engine and every decision of the policies is worked out again from what was recorded before it: the
workflow as it was, the policies that were in force. What people, agents and branches said is taken as it stands.
Nothing is started and nothing is changed; it reads the files of the record, and the daemon may go on working.

With --with, something is otherwise from --fork-at on (from the first event without it): a policy file takes the place of
your own of the same name, or is added; or questions are answered otherwise. What agents and people said stays as it was
recorded, up to where that makes the first difference. There it stops, and says which decision it is, and what follows.
With --live it goes on from there, with agents, in fresh worktrees, as a new run that names where it comes from; stages that
had ended are not done again. A policy file counts for that run beside the rules in force, and the stricter of both stands;
with answer=deny all its questions are a no, otherwise they are asked.

Examples:
  signalbox replay 3f9a1c2e
  signalbox replay 3f9a1c2e --json
  signalbox replay 3f9a1c2e --with policy=stricter.yaml
  signalbox replay 3f9a1c2e --fork-at 1042 --with answer=deny       signalbox events --run 3f9a1c2e shows the numbers
  signalbox replay 3f9a1c2e --with policy=stricter.yaml --live
  signalbox replay 3f9a1c2e --fork-at 1042 --live                   does again what came from there on

Exit codes: 0 all comes out the same, 1 it does not, or the replay failed, 2 wrong use; with --live those of signalbox run.`;

interface ReplayOptions extends CommonOptions, ForkOptions {}

/** `signalbox replay`: whether a run's decisions come out the same again, or where they would not if something were otherwise. */
export function addReplay(program: Command, context: Context): void {
  program
    .command('replay')
    .description('work the decisions of a run out again, and say where they come out otherwise')
    .argument('<run>', 'id of a run, or its beginning')
    .option('--fork-at <event>', 'the first event that may come out otherwise, by its number or whole id')
    .option('--with <change...>', 'what is otherwise: policy=FILE, answer=deny, answer=approve')
    .option('--live', 'go on from there with agents, as a new run')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((given: string, options: ReplayOptions) => perform(context, options, () => replay(context, given, options)));
}

async function replay(context: Context, given: string, options: ReplayOptions): Promise<ExitCode> {
  const { terminal } = context;
  const home = openRecord(context);
  const run = await findRecordedRun(home, given);
  const start = await readStart(home, run);
  if (options.with !== undefined || options.forkAt !== undefined || options.live) return forkFrom(context, options, { home, run, start });
  const report = await replayRun(run, { start, commits: readCommits(home), kept: keptIn(home) });
  if (options.json) printJson(terminal, { run, ...report });
  else terminal.print(...describe(context, run, report));
  return report.differences.length === 0 ? EXIT.ok : EXIT.failure;
}

/** The state before the first commit that is there. */
async function readStart(home: string, run: string): Promise<State> {
  const { state } = await readBase(home);
  if (!state.runs.has(run)) return state;
  throw new CliFailure('A compaction has removed how the run began, so it cannot be replayed.', { code: 'not_found', facts: { run } });
}

async function findRecordedRun(home: string, given: string): Promise<string> {
  const found: { id: string; text: string }[] = [];
  for await (const commits of readCommits(home)) found.push(...commits.flatMap(listSubmitted));
  return pickOne(given, found, 'run', ({ text }) => text).id;
}

function listSubmitted({ at, events }: Commit): { id: string; text: string }[] {
  return events.flatMap((event) =>
    event.type === 'run.submitted' ? [{ id: event.run ?? '', text: `${event.data.workflow.name}, ${at}` }] : [],
  );
}

function describe({ terminal }: Context, run: string, report: Report): string[] {
  const { paint } = terminal;
  const { events, steps, decisions, unreadable, versions, differences } = report;
  const gone = unreadable === 0 ? '' : ` (${unreadable} of which could not be decided again: what they rest on is not there)`;
  const by = versions.length === 0 ? '' : `, recorded by Signalbox ${versions.join(', ')}`;
  const head = `${shortId(run)}: ${events} events${by}; ${steps} steps of the engine, ${decisions} decisions of the policies${gone}.`;
  if (differences.length === 0) return [head, paint.green('All of them come out the same.')];
  return [
    head,
    paint.red(`${differences.length} come${differences.length === 1 ? 's' : ''} out otherwise:`),
    ...differences.flatMap(({ event, recorded, replayed }) => [
      '',
      paint.bold(event),
      `  recorded  ${cleanLine(recorded)}`,
      `  replayed  ${cleanLine(replayed)}`,
    ]),
  ];
}

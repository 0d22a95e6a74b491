// `signalbox replay RUN --fork-at EVENT --with WHAT`: what would have become of a run if something had been otherwise.
import type { Event } from '../../../shared/events/envelope.ts';
import type { State } from '../../../shared/state/evolve.ts';
import { uuidv7 } from 'uuidv7';
import { watchToEnd } from '../commands/run.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, printJson, reachOf } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, usageFailure } from '../failure.ts';
import { shortId } from '../ids.ts';
import { readFilesAsUser } from '../policy/check.ts';
import { keptIn, readCommits } from '../policy/record.ts';
import { loadOrFail, readBuiltin } from '../policy/sources.ts';
import { cleanLine } from '../render/text.ts';
import type { Said } from './again.ts';
import { type Change, forkRun, type ForkReport, type Parting } from './fork.ts';
import { readDefinitions } from './replay.ts';

/** Options of a fork, as they were typed. */
export interface ForkOptions {
  forkAt?: string;
  with?: string[];
  live?: boolean;
}

interface Recorded {
  home: string;
  run: string;
  start: State;
}

/** Lines of what follows that are shown. */
const MAX_SHOWN = 20;

/** Goes through the run again with the change, and says where the paths part. */
export async function forkFrom(context: Context, options: ForkOptions & CommonOptions, recorded: Recorded): Promise<ExitCode> {
  const { terminal } = context;
  const { home, run, start } = recorded;
  const isStart = readPlace(options.forkAt);
  const change = await readChange(context, options);
  const kept = keptIn(home);
  const definitionOf = readDefinitions(kept);
  const report = await forkRun({ run, isStart, change, kept, definitionOf }, start, readCommits(home));
  if (!report.from) throw await refusePlace(home, run, options.forkAt ?? '');
  if (report.outdated) throw refuseOutdated(run, report.outdated);
  if (options.live) return goLive(context, options, { run, report, change });
  const changed = { policies: change.policies.map(({ file }) => file), answer: change.answer ?? null };
  if (options.json) printJson(terminal, { run, with: changed, ...report, parting: report.parting ?? null });
  else terminal.print(...describeFork(context, run, report));
  return report.parting ? EXIT.failure : EXIT.ok;
}

/** Which event is meant: by its whole id, `<seq>.<index>`, or the number of its commit. */
function readPlace(given: string | undefined): (event: Event) => boolean {
  if (given === undefined) return () => true;
  if (!/^(?:[0-9a-f]+-)?\d{1,15}(?:\.\d{1,6})?$/.test(given))
    throw usageFailure(`${given} is not the id of an event.`, 'Give its number as `signalbox events` shows it, or its whole id.');
  const [epoch] = given.includes('-') ? given.split('-') : [];
  const number = given.slice(epoch === undefined ? 0 : epoch.length + 1);
  return ({ id }) => {
    const own = id.slice(id.indexOf('-') + 1);
    return (epoch === undefined || id.startsWith(`${epoch}-`)) && (own === number || own.startsWith(`${number}.`));
  };
}

async function readChange(context: Context, { with: given = [], live, forkAt }: ForkOptions): Promise<Change> {
  const files: string[] = [];
  let answer: Change['answer'];
  for (const one of given) {
    const [, what, value = ''] = /^(policy|answer)=(.+)$/.exec(one) ?? [];
    if (what === 'policy') files.push(value);
    else if (what === 'answer' && (value === 'deny' || value === 'approve')) answer = value;
    else throw usageFailure(`--with ${one} says nothing that could be otherwise.`, 'Write policy=FILE, answer=deny or answer=approve.');
  }
  if (files.length === 0 && answer === undefined && !(live && forkAt !== undefined))
    throw usageFailure('Nothing is said to be otherwise.', 'Add --with policy=FILE, --with answer=deny or --with answer=approve.');
  if (live && files.length > 1) throw usageFailure('A run takes one policy file of its own.', 'Put the rules into one file.');
  const policies = await readFilesAsUser(files, context.terminal.cwd);
  // Before anything is read of the record: what does not load is the reader's to mend.
  if (policies.length > 0) loadOrFail([...(await readBuiltin(context)), ...policies]);
  return { policies, answer };
}

/** Goes on with agents and people from where the paths part, or (nothing is otherwise) from the event, as a new run. */
async function goLive(
  context: Context,
  options: CommonOptions,
  { run, report, change }: { run: string; report: ForkReport; change: Change },
): Promise<ExitCode> {
  const { terminal } = context;
  const json = options.json ?? false;
  const changes = change.policies.length > 0 || change.answer !== undefined;
  const lines = changes ? describeFork(context, run, report) : [];
  if (json) terminal.note(...lines);
  else terminal.print(...lines);
  const event = changes ? report.parting?.event : report.from?.event;
  if (event === undefined) {
    if (json) printJson(terminal, { run: null, origin: run });
    else terminal.print('So nothing was started.');
    return EXIT.ok;
  }
  const [policy] = change.policies;
  const approve = change.answer === 'deny' ? 'deny' : 'ask';
  const rules = policy ? { policy: { file: policy.file, text: policy.text } } : {};
  const { connection } = await reachDaemon(reachOf(context));
  try {
    const made = await connection.client.call('run/fork', { id: uuidv7(), run, event, approve, ...rules });
    const kept = made.inherited.length === 0 ? 'No stage had ended by then.' : `Not done again: ${made.inherited.slice(0, 20).join(', ')}.`;
    terminal.note(`Run ${shortId(made.run)} goes on from ${shortId(run)} as it was before ${event}. ${kept}`, ...made.notices);
    return await watchToEnd(context, connection, made.run, { answering: approve, json });
  } finally {
    connection.close();
  }
}

/** Why no event of the run was found by that name. */
async function refusePlace(home: string, run: string, given: string): Promise<CliFailure> {
  const isMeant = readPlace(given);
  for await (const commits of readCommits(home))
    for (const event of commits.flatMap(({ events }) => events))
      if (isMeant(event)) {
        const about = event.run === undefined ? 'no run' : `run ${shortId(event.run)}`;
        return usageFailure(
          `Event ${given} (${event.type}) is about ${about}, not about ${shortId(run)}.`,
          `\`signalbox events --run ${shortId(run)}\` lists those of the run.`,
        );
      }
  const hint = `\`signalbox events --run ${shortId(run)}\` lists those of the run.`;
  return new CliFailure(`There is no event ${given} in the record.`, { code: 'not_found', hint });
}

function refuseOutdated(run: string, { event, recorded, replayed }: NonNullable<ForkReport['outdated']>): CliFailure {
  return new CliFailure('This version of the engine does not go the way that was recorded, so nothing can be said about another one.', {
    code: 'outdated_run',
    details: [`${event}`, `  recorded  ${recorded}`, `  replayed  ${replayed}`],
    hint: `\`signalbox replay ${shortId(run)}\` shows every place. --fork-at an event behind the last of them may do.`,
    facts: { event, recorded, replayed },
  });
}

function describeFork(context: Context, run: string, report: ForkReport): string[] {
  const { paint } = context.terminal;
  const { from, events, decisions, answers, unreadable, parting } = report;
  const gone = unreadable === 0 ? '' : ` (${unreadable} of which could not be made again: what they rest on is not there)`;
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const said = answers === 0 ? '' : `, ${count(answers, 'answer')}`;
  return [
    `${shortId(run)} from ${from?.event ?? ''} (${from?.what ?? ''}) on: ${count(events, 'event')}, ${count(decisions, 'decision')}${gone}${said}.`,
    ...(parting ? describeParting(context, parting) : [paint.green('The paths never part: all of it comes out the same.')]),
  ];
}

function describeParting({ terminal }: Context, parting: Parting): string[] {
  const { paint } = terminal;
  const { event, at, stage, summary, recorded, now, follows, waits } = parting;
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0
      ? []
      : [
          '',
          paint.bold(title),
          ...lines.slice(0, MAX_SHOWN).map((line) => `  ${cleanLine(line)}`),
          ...(lines.length > MAX_SHOWN ? [`  and ${lines.length - MAX_SHOWN} more`] : []),
        ];
  return [
    '',
    `${paint.bold('The paths part')} at ${event}${stage === '' ? '' : `, in ${stage}`} (${at}): ${cleanLine(summary)}`,
    `  recorded  ${say(recorded)}`,
    `  now       ${say(now)}`,
    ...list('What follows', follows),
    ...list('Then it waits for', waits),
  ];
}

function say({ says, by, message }: Said): string {
  const who = by.length === 0 ? '' : ` by ${by.join(', ')}`;
  return cleanLine(`${says}${who}${message === '' ? '' : `: ${message}`}`);
}

import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PolicySource } from '../../policy/load.ts';
import { replaceNamesakes } from '../../policy/namesakes.ts';
import type { Policies } from '../../policy/rules.ts';
import { type Change, type Example, type Simulation, simulate } from '../../policy/simulate.ts';
import { findHome } from '../connect/endpoint.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, usageFailure } from '../failure.ts';
import { cleanLine, cutText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { readFilesAsUser } from './check.ts';
import { prepareReplay, readHistory } from './history.ts';
import { paintEffect } from './render-explanation.ts';
import { loadOrFail, readInForce } from './sources.ts';

interface SimulateOptions extends CommonOptions {
  days: string;
  with: string[];
}

const DAY_MS = 86_400_000;
const MAX_REPOSITORIES = 50;

const HELP = `
Without --with: the rules that are in force now, over what was decided by older ones. A file of --with takes the place of
your own policy (or the built-in one) of the same name, or is added. Nothing is changed, and the daemon may go on working.

Examples:
  signalbox policy simulate --days 7
  signalbox policy simulate --days 90 --with new-rules.yaml

Exit codes: 0 simulated, 1 failed, 2 wrong use.`;

/** `signalbox policy simulate`: what other rules would have decided about the past days. */
export function addSimulate(policy: Command, context: Context): void {
  policy
    .command('simulate')
    .description('say what rules would have decided about the recorded actions')
    .option('--days <n>', 'how far back', '30')
    .option('--with <file...>', 'policies to try', [])
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: SimulateOptions) => perform(context, options, () => run(context, options)));
}

async function run(context: Context, options: SimulateOptions): Promise<ExitCode> {
  const { terminal } = context;
  const days = readDays(options.days);
  const tried = await readFilesAsUser(options.with, terminal.cwd);
  const home = openRecord(context);
  const started = terminal.now();
  const past = await readHistory(home, new Date(started - days * DAY_MS).toISOString());
  const { decide, distinct } = await prepareReplay(home, past, policiesByRepository(context, tried));
  const simulation = simulate(past, decide);
  const facts = { days, ...simulation, distinct: distinct(), ms: terminal.now() - started };
  if (options.json) printJson(terminal, facts);
  else terminal.print(...describe(terminal, simulation, facts));
  return EXIT.ok;
}

/** The whole days of an option. */
export function readDays(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw usageFailure(`--days ${text} is not a number of days.`, 'Give a whole number, such as 30.');
  return Number(text);
}

/** The state folder, when there is a record in it. */
export function openRecord({ env }: Context): string {
  const home = findHome(env);
  if (existsSync(join(home, 'journal'))) return home;
  throw new CliFailure(`There is no journal in ${home}, so nothing was ever decided.`, {
    code: 'not_found',
    hint: 'It is made at the first start of the daemon.',
  });
}

/** The policies that count in a repository, with those that are tried in the place of their namesakes; read once for each. */
export function policiesByRepository(context: Context, tried: readonly PolicySource[]): (repo: string) => Promise<Policies> {
  const read = new Map<string, Promise<Policies>>();
  const load = async (repo: string): Promise<Policies> => {
    const folder = repo !== '' && existsSync(repo) && read.size <= MAX_REPOSITORIES ? repo : '/';
    const { inputs } = await readInForce(context, folder);
    return loadOrFail(replaceNamesakes(inputs, tried)).policies;
  };
  return (repo) => {
    const before = read.get(repo);
    if (before) return before;
    const loading = load(repo);
    read.set(repo, loading);
    return loading;
  };
}

function describe(
  terminal: Terminal,
  { changes, answers, decisions, unreadable }: Simulation,
  facts: { days: number; distinct: number; ms: number },
): string[] {
  const { paint } = terminal;
  const { days, distinct, ms } = facts;
  const answered = answers.agree + answers.disagree + answers.asked;
  const gone = unreadable > 0 ? `, ${unreadable} of which are not there any more` : '';
  return [
    `${decisions} decisions of the past ${days} day${days === 1 ? '' : 's'}${gone}; ${distinct} different ones, in ${(ms / 1_000).toFixed(1)} s.`,
    '',
    ...(changes.length === 0 ? ['Nothing would be decided otherwise.', ''] : changes.flatMap((change) => describeChange(terminal, change))),
    ...(answered === 0
      ? []
      : [
          paint.bold(`Of ${answered} answers that people gave`),
          `  ${paint.green(String(answers.agree))} the rules would give too, ${answers.disagree > 0 ? paint.red(String(answers.disagree)) : '0'} the other way, ${answers.asked} would still be asked`,
          ...answers.examples.map((example) => describeExample(terminal, example)),
        ]),
  ];
}

function describeChange(terminal: Terminal, { from, to, count, examples }: Change): string[] {
  const { paint } = terminal;
  return [
    `${paint.bold(String(count))} ${paintEffect(from, paint)} -> ${paintEffect(to, paint)}`,
    ...examples.map((example) => describeExample(terminal, example)),
    '',
  ];
}

function describeExample({ paint, width }: Terminal, { event, summary, rules }: Example): string {
  const by = paint.dim(`by ${cleanLine(rules.join(', '))}  ${/-(\d+\.\d+)$/.exec(event)?.[1] ?? event}`);
  return `  ${cutText(cleanLine(summary), Math.max(30, width() - 40))}  ${by}`;
}

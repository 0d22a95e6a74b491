import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../platform/atomic.ts';
import { sha256 } from '../../platform/digest.ts';
import { IDLE } from '../../policy/action-input.ts';
import { loadPolicies, type PolicySource } from '../../policy/load.ts';
import { type Change, type Past, simulate } from '../../policy/simulate.ts';
import { type Case, suggestRules, type Suggestion } from '../../policy/suggest.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, shortenPath } from '../failure.ts';
import { cleanLine, cleanText, wrapText } from '../render/text.ts';
import { describeProblem } from './check.ts';
import { prepareReplay, readHistory } from './history.ts';
import { readRecordedAction } from './record.ts';
import { openRecord, policiesByRepository, readDays } from './simulate.ts';
import { userPolicies } from './sources.ts';

interface SuggestOptions extends CommonOptions {
  days: string;
  write?: boolean;
  yes?: boolean;
}

const DAY_MS = 86_400_000;
const HEAD = `# Rules from answers that you gave, each shown before it was written. Change or remove them as you like.
policy: suggested
version: 1
rules:
`;

const HELP = `
Only answers to what would be asked again count. Each rule was tried on everything that is recorded of these days: none
lets pass what you or a rule denied. Nothing is written without --write, and then it is shown and asked about first.

Examples:
  signalbox policy suggest --days 90
  signalbox policy suggest --write

Exit codes: 0 done, 1 failed, 2 wrong use, 3 not accepted.`;

/** `signalbox policy suggest`: rules that would have given the answers that a person gave. */
export function addSuggest(policy: Command, context: Context): void {
  policy
    .command('suggest')
    .description('offer rules that would have given your past answers')
    .option('--days <n>', 'how far back', '90')
    .option('--write', 'write them into your policies, after asking')
    .option('-y, --yes', 'with --write: do not ask')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: SuggestOptions) => perform(context, options, () => run(context, options)));
}

async function run(context: Context, options: SuggestOptions): Promise<ExitCode> {
  const { terminal } = context;
  const days = readDays(options.days);
  const home = openRecord(context);
  const past = await readHistory(home, new Date(terminal.now() - days * DAY_MS).toISOString());
  const path = join(userPolicies(context), 'suggested.yaml');
  const before = existsSync(path) ? await readFile(path, 'utf8') : HEAD;
  const cases = await readCases(context, home, past);
  const answers = [...cases.values()].filter(({ outcome }) => outcome === 'granted').length;
  const { suggestions, added, covered, changes } = await offer(context, { home, cases, before, path });
  const facts = { days, answers, covered, share: answers === 0 ? 0 : covered / answers, changes };
  if (!options.json) terminal.print(...describe(context, { suggestions, added, facts, path }));
  const written = suggestions.length > 0 && options.write === true && (await accept(context, options));
  if (written) await write(path, before + added);
  if (options.json) printJson(terminal, { ...facts, suggestions, file: path, text: added, written });
  else if (written) terminal.print(`${terminal.paint.green('wrote')} ${cleanLine(shortenPath(path, terminal.cwd))}`);
  return options.write === true && suggestions.length > 0 && !written ? EXIT.denied : EXIT.ok;
}

/** What was decided, with what would be decided now: only what would be asked again can be answered by a rule. */
async function readCases(context: Context, home: string, past: readonly Past[]): Promise<Map<Past, Case>> {
  const { decide } = await prepareReplay(home, past, policiesByRepository(context, []));
  const cases = new Map<Past, Case>();
  for (const one of past) {
    const now = decide(one);
    const action = now && readRecordedAction(home, one.artifact);
    if (action === undefined || now === undefined) continue;
    const passes = now.effect === 'allow' || now.effect === 'warn';
    const denied = (one.answer === 'denied' || one.effect === 'deny' || now.effect === 'deny') && !passes;
    const again = one.answer === 'granted' && now.effect === 'require_approval';
    cases.set(one, { action, context: one.context ?? IDLE, outcome: denied ? 'denied' : again ? 'granted' : 'other', asking: now.rules });
  }
  return cases;
}

interface Offer {
  home: string;
  cases: ReadonlyMap<Past, Case>;
  before: string;
  path: string;
}

interface Offered {
  suggestions: Suggestion[];
  /** What comes behind the text that is there. */
  added: string;
  /** Answers that would have been given. */
  covered: number;
  changes: Change[];
}

/** Suggestions that were tried together, beside everything that is in force, on all that is recorded. */
async function offer(context: Context, { home, cases, before, path }: Offer): Promise<Offered> {
  const past = [...cases.keys()];
  const is = (one: Past, outcome: Case['outcome']): boolean => cases.get(one)?.outcome === outcome;
  for (let suggestions = suggestRules([...cases.values()]); suggestions.length > 0; suggestions = suggestions.slice(0, -1)) {
    const added = renderRules(suggestions, before);
    const source: PolicySource = { file: path, text: before + added, origin: 'user', trusted: true };
    refuseBroken(source, context.terminal.cwd);
    const { decide } = await prepareReplay(home, past, policiesByRepository(context, [source]));
    const passes = (one: Past): boolean => decide(one)?.effect === 'allow';
    // Where all together let pass what was denied, the last one goes, and the rest is tried again.
    if (past.some((one) => is(one, 'denied') && passes(one))) continue;
    const covered = past.filter((one) => is(one, 'granted') && passes(one)).length;
    return { suggestions, added, covered, changes: simulate(past, decide).changes };
  }
  return { suggestions: [], added: '', covered: 0, changes: [] };
}

function refuseBroken(source: PolicySource, cwd: string): void {
  const loaded = loadPolicies([source], sha256);
  if (loaded.ok) return;
  throw new CliFailure(`With the new rules ${source.file} would not load, so nothing is offered.`, {
    code: 'invalid_policy',
    details: loaded.problems.map((problem) => describeProblem(problem, cwd)),
  });
}

function renderRules(suggestions: readonly Suggestion[], before: string): string {
  const taken = (before.match(/^ {2}- id: /gm) ?? []).length;
  const lines = suggestions.flatMap(({ on, when, excepts, covers, example }, i) => [
    `  - id: answer-${taken + i + 1}`,
    `    on: [${on}]`,
    ...foldText('when', when),
    '    effect: allow',
    '    severity: info',
    ...(excepts.length > 0 ? [`    excepts: [${excepts.join(', ')}]`] : []),
    `    message: ${JSON.stringify(`You said yes to this ${covers} times, such as: ${example}`.slice(0, 500))}`,
  ]);
  return `${lines.join('\n')}\n`;
}

/** A key with a long text, folded where that leaves the text as it is. */
function foldText(key: string, text: string): string[] {
  if (/\s\s|[^\S ]/.test(text)) return [`    ${key}: ${JSON.stringify(text)}`];
  return [`    ${key}: >-`, ...wrapText(text, 110).map((line) => `      ${line}`)];
}

async function accept({ terminal }: Context, options: SuggestOptions): Promise<boolean> {
  if (options.yes) return true;
  if (terminal.interactive && !options.json) return terminal.confirm('Write these rules?');
  throw new CliFailure('Nobody is there to ask, so nothing was written.', {
    code: 'not_confirmed',
    exit: EXIT.usage,
    hint: 'Look at the rules, then run it again with --yes.',
  });
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, Buffer.from(text));
}

function describe(
  { terminal }: Context,
  {
    suggestions,
    added,
    facts,
    path,
  }: {
    suggestions: readonly Suggestion[];
    added: string;
    facts: { days: number; answers: number; covered: number; share: number };
    path: string;
  },
): string[] {
  const { paint, cwd } = terminal;
  const { days, answers, covered, share } = facts;
  if (suggestions.length === 0)
    return [
      answers === 0
        ? `Nobody said yes in the past ${days} days to anything that would be asked again, so there is nothing to suggest.`
        : `${answers} answers of the past ${days} days, but no rule would have given two of them without letting pass what was denied.`,
    ];
  return [
    paint.dim(`--- ${cleanLine(shortenPath(path, cwd))}`),
    ...added
      .trimEnd()
      .split('\n')
      .map((line) => paint.green(`+${cleanText(line)}`)),
    '',
    `${suggestions.length} rule${suggestions.length === 1 ? '' : 's'} would have given ${covered} of ${answers} answers (${Math.round(share * 100)} %), and let pass nothing that was denied.`,
  ];
}

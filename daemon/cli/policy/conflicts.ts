import type { Command } from 'commander';
import type { Action } from '../../../shared/state/action.ts';
import { type Conflicts, type Finding, findConflicts, type RuleName } from '../../policy/conflicts/pairs.ts';
import type { Witness } from '../../policy/conflicts/witness.ts';
import { IDLE } from '../../policy/action-input.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { cleanLine, cutText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { readChosen } from './check.ts';
import { paintEffect } from './render-explanation.ts';
import { loadOrFail } from './sources.ts';

interface ConflictOptions extends CommonOptions {
  all?: boolean;
}

/** Findings of a sort that a person is shown. */
const MAX_SHOWN = 40;

const HELP = `
Every finding comes with an action that was evaluated on both rules. Rules that disagree are not wrong: the stricter one
stands. A rule that never decides anything is, most likely. What the analysis cannot tell is listed as undecided.

Examples:
  signalbox policy conflicts
  signalbox policy conflicts team.yaml --all

Exit codes: 0 every rule can decide something, 1 some never do, 2 wrong use.`;

/** `signalbox policy conflicts`: rules that contradict or shadow each other, each with a witness. */
export function addConflicts(policy: Command, context: Context): void {
  policy
    .command('conflicts')
    .description('find rules that contradict each other, and those that never decide anything')
    .argument('[files...]', 'policy files (default: what is in force)')
    .option('--all', 'also exceptions (a stricter rule inside of a looser one), and what is asked by one rule and denied by another')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((files: string[], options: ConflictOptions) => perform(context, options, () => conflicts(context, files, options)));
}

async function conflicts(context: Context, files: readonly string[], options: ConflictOptions): Promise<ExitCode> {
  const { terminal } = context;
  const { policies } = loadOrFail((await readChosen(context, files)).inputs);
  const found = findConflicts(policies);
  const dead = found.findings.some(({ kind }) => kind === 'shadowed' || kind === 'unreachable');
  if (options.json) printJson(terminal, { ok: !dead, ...found });
  else terminal.print(...describe(terminal, found, options.all === true));
  return dead ? EXIT.failure : EXIT.ok;
}

const SECTIONS: readonly { kind: Finding['kind']; title: string; say(finding: Finding): string }[] = [
  { kind: 'unreachable', title: 'Never match', say: () => 'no action can be like that' },
  { kind: 'shadowed', title: 'Never decide', say: ({ second }) => `whatever it matches, ${nameOf(second)} matches too` },
  { kind: 'contradiction', title: 'Contradict each other', say: ({ second }) => `${nameOf(second)} stands, being the stricter one` },
  { kind: 'overlap', title: 'Asked and denied', say: ({ second }) => `${nameOf(second)} denies some of it` },
  { kind: 'exception', title: 'Exceptions', say: ({ second }) => `${nameOf(second)} is an exception to it` },
  {
    kind: 'undecided',
    title: 'Undecided',
    say: ({ second }) => (second ? `and ${nameOf(second)}` : 'nobody can tell whether anything matches'),
  },
];

function nameOf(rule: RuleName | undefined): string {
  return rule === undefined ? '' : `${rule.policy}/${rule.rule}`;
}

function describe(terminal: Terminal, { findings, pairs, skipped }: Conflicts, all: boolean): string[] {
  const { paint } = terminal;
  const shown = SECTIONS.filter(({ kind }) => all || (kind !== 'exception' && kind !== 'overlap'));
  const sections = shown.flatMap(({ kind, title, say }) => {
    const some = findings.filter((finding) => finding.kind === kind);
    if (some.length === 0) return [];
    const more = some.length > MAX_SHOWN ? [`  and ${some.length - MAX_SHOWN} more (--json has them all)`] : [];
    return [
      paint.bold(title),
      ...some.slice(0, MAX_SHOWN).flatMap((finding) => describeFinding(terminal, finding, say(finding))),
      ...more,
      '',
    ];
  });
  const count = (kind: Finding['kind']): number => findings.filter((finding) => finding.kind === kind).length;
  const never = count('unreachable') + count('shadowed');
  const quiet = count('exception') + count('overlap');
  const hidden = all || quiet === 0 ? '' : ` ${quiet} exceptions and overlaps of rules that ask or deny (--all).`;
  const summary = `${pairs} pairs: ${never} rules never decide, ${count('contradiction')} contradictions, ${count('undecided')} undecided${skipped > 0 ? `, ${skipped} pairs not looked at: too many` : ''}.${hidden}`;
  return [...sections, never > 0 ? paint.red(summary) : paint.green(summary)];
}

function describeFinding({ paint, width }: Terminal, { first, on, witness }: Finding, said: string): string[] {
  const head = `  ${paintEffect(first.effect, paint)} ${cleanLine(nameOf(first))} ${paint.dim(`on ${on}`)}: ${cleanLine(said)}`;
  return witness === undefined
    ? [head]
    : [head, paint.dim(`      ${cutText(cleanLine(describeWitness(witness)), Math.max(40, width() * 2))}`)];
}

/** The action, and what of the context is not as where nothing runs. */
function describeWitness({ action, context }: Witness): string {
  return [describeAction(action), ...listDifferences(context, IDLE, 'context')].join(', ');
}

function listDifferences(value: unknown, usual: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return JSON.stringify(value) === JSON.stringify(usual) ? [] : [`${path} ${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([name, part]) =>
    listDifferences(part, (usual as Record<string, unknown>)[name], `${path}.${name}`),
  );
}

/** The action in a line, without what is neutral. */
function describeAction(action: Action): string {
  if (action.kind === 'agent.execute') return action.line === '' ? action.argv.join(' ') : action.line;
  const facts = Object.entries(action).flatMap(([name, value]: [string, unknown]) => {
    const empty = value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
    return empty || name === 'kind' || name === 'summary'
      ? []
      : [`${name} ${JSON.stringify(name === 'paths' ? (value as { path: string }[]).map(({ path }) => path) : value)}`];
  });
  return `${action.kind} ${facts.join(', ')}`;
}

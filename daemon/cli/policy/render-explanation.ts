import type { Action, Effect, SimpleCommand } from '../../../shared/state/action.ts';
import type { Clause } from '../../policy/clauses.ts';
import type { Explanation, RuleView } from '../../policy/explain.ts';
import type { Look, Paint } from '../render/paint.ts';
import { cleanLine, cutText, wrapText } from '../render/text.ts';

const MAX_COMMANDS = 40;

const STYLES: Record<Effect, (paint: Paint, text: string) => string> = {
  allow: (paint, text) => paint.green(text),
  warn: (paint, text) => paint.yellow(text),
  require_approval: (paint, text) => paint.yellow(text),
  deny: (paint, text) => paint.red(text),
};

/** An effect in its colour. */
export function paintEffect(effect: Effect, paint: Paint): string {
  return STYLES[effect](paint, effect);
}

/** The explanation of a decision as lines for a person. */
export function renderExplanation(action: Action, explanation: Explanation, look: Look): string[] {
  const { paint } = look;
  const { decision, matched, near } = explanation;
  const deciding = matched.filter((rule) => decision.reasons.some((r) => isSame(r, rule) && r.effect === decision.effect));
  const others = matched.filter((rule) => !deciding.includes(rule));
  const defaults = decision.reasons.filter(({ rule }) => rule === 'default');
  return [
    `${paint.bold(paintEffect(decision.effect, paint))}  ${cutText(cleanLine(action.summary), Math.max(20, look.width - 20))}  ${paint.dim(action.kind)}`,
    ...describeSeen(action, look),
    ...(deciding.length > 0 ? ['', paint.bold('Decided by')] : []),
    ...deciding.flatMap((rule) => describeRule(rule, look, true)),
    ...defaults.flatMap((reason) => [
      '',
      `${paint.bold('Default')} of ${cleanLine(reason.policy)}: ${paintEffect(reason.effect, paint)}`,
      `  ${reason.message}`,
    ]),
    ...(others.length > 0 ? ['', paint.bold('Matched too')] : []),
    ...others.flatMap((rule) => describeRule(rule, look, false)),
    ...(near.length > 0 ? ['', paint.bold('Nearly matched')] : []),
    ...near.flatMap((rule) => describeNear(rule, look)),
    '',
    paint.dim(`${explanation.rules} rule${explanation.rules === 1 ? ' is' : 's are'} about ${action.kind}.`),
  ];
}

function isSame(reason: { policy: string; rule: string; version: string }, view: RuleView): boolean {
  return reason.rule === view.rule && reason.policy === view.policy && reason.version === view.version;
}

function describeSeen(action: Action, look: Look): string[] {
  if (action.kind !== 'agent.execute') return [];
  const { paint } = look;
  const seen = action.commands.slice(0, MAX_COMMANDS).map((command, i) => `  ${paint.dim(`[${i}]`)} ${describeCommand(command, look)}`);
  const more = action.commands.length - MAX_COMMANDS;
  return [
    '',
    paint.bold(`Seen in it: ${action.commands.length} command${action.commands.length === 1 ? '' : 's'}`),
    ...seen,
    ...(more > 0 ? [`      and ${more} more`] : []),
    ...(action.problem === '' ? [] : [paint.red(`  ${cleanLine(action.problem)}`)]),
  ];
}

function describeCommand(command: SimpleCommand, { paint, width }: Look): string {
  const { program, args, subcommand, assignments, redirections, via, cwd, hosts, inline, opaque } = command;
  const words = cutText(cleanLine([...assignments, program, ...args].join(' ')), Math.max(20, width - 30));
  const facts = [
    ...(subcommand === '' ? [] : [`subcommand ${subcommand}`]),
    ...(via.length > 0 ? [`via ${via.join(' ')}`] : []),
    ...(cwd === '.' ? [] : [cwd === '' ? 'in a folder that cannot be known' : `in ${cwd}`]),
    ...redirections.map(({ operator, path }) => `${operator} ${path.inside ? path.relative : path.path}`),
    ...(hosts.length > 0 ? [`hosts ${hosts.join(' ')}`] : []),
    ...(inline ? ['runs code from its arguments'] : []),
    ...(opaque ? ['opaque: what runs cannot be known'] : []),
  ];
  return `${words}${facts.length > 0 ? paint.dim(`  (${cleanLine(facts.join(', '))})`) : ''}`;
}

function describeRule(rule: RuleView, look: Look, whole: boolean): string[] {
  const { paint } = look;
  const enforced = rule.enforcement === 'hard' ? '' : paint.dim(` (${rule.enforcement})`);
  return [
    `  ${paintEffect(rule.effect, paint)} ${cleanLine(`${rule.policy}/${rule.rule}`)}${enforced}  ${paint.dim(rule.version)}`,
    ...wrapText(cleanLine(rule.message), look.width - 4).map((line) => `    ${line}`),
    ...(whole ? rule.clauses.map((clause) => describeClause(clause, look)) : []),
  ];
}

function describeNear(rule: RuleView, look: Look): string[] {
  return [
    `  ${paintEffect(rule.effect, look.paint)} ${cleanLine(`${rule.policy}/${rule.rule}`)}`,
    ...rule.clauses.filter(({ holds }) => !holds).map((clause) => describeClause(clause, look)),
  ];
}

function describeClause({ text, holds, values, at, error }: Clause, { paint, glyphs, width }: Look): string {
  const sign = holds ? paint.green(glyphs.done) : paint.red(glyphs.failed);
  const shown = Object.entries(values).map(([path, value]) => `${path} is ${JSON.stringify(value)}`);
  const facts = [...(error === '' ? [] : [error]), ...shown, ...(at === '' ? [] : [at])].join(', ');
  return `    ${sign} ${cleanLine(text)}${paint.dim(`  ${cutText(cleanLine(facts), Math.max(20, width * 2))}`)}`;
}

// Conditions that match an action that somebody said yes to: the narrow one that an answer is remembered as, and wider ones.
//
// G1. Every condition matches the action that it is made from.
// G2. None is offered for what only a person grants (merges, configuration), nor for what nobody can know before it happens.
import type { Action, ActionPath } from '../../shared/state/action.ts';
import { list, narrowTo, quote } from './remember.ts';

/** Conditions for one action, narrowest first; none where a rule should not answer in a person's place. */
export function conditionsFor(action: Action): string[] {
  if (!action.kind.startsWith('agent.') || action.kind === 'agent.register') return [];
  const narrow = narrowTo(action);
  return typeof narrow === 'string' ? [] : [narrow.parts.join(' && '), ...widen(action)];
}

/** What is of the same sort: other arguments of the same subcommand, other files of the same folder. */
function widen(action: Action): string[] {
  switch (action.kind) {
    case 'agent.execute':
      return forCommand(action);
    case 'agent.edit':
      return forPaths(action.paths, ` && size(action.secrets) == 0 && action.risk in ${list(risksUpTo(action.risk))}`);
    case 'agent.read':
      return forPaths(action.paths, '');
    case 'agent.other':
      return [`action.tool == ${quote(action.tool)}`];
    default:
      return [];
  }
}

const set = (texts: readonly string[]): string => list([...new Set(texts)].sort());
const RISKS = ['none', 'low', 'medium', 'high'] as const;

function risksUpTo(risk: (typeof RISKS)[number]): readonly string[] {
  return RISKS.slice(0, RISKS.indexOf(risk) + 1);
}

function forCommand({ commands, problem, source }: Extract<Action, { kind: 'agent.execute' }>): string[] {
  if (problem !== '' || commands.length === 0 || commands.some(({ opaque, inline, expands }) => opaque || inline || expands)) return [];
  const leaves = commands.some(({ redirections }) => redirections.some(({ writes, path }) => writes && (!path.inside || path.git)));
  if (leaves || commands.some(({ via }) => via.length > 0)) return [];
  const known =
    `action.problem == "" && size(action.commands) > 0 && action.source == ${quote(source)} && action.commands.all(c, !c.opaque && !c.inline && !c.expands && size(c.via) == 0` +
    ' && c.redirections.all(r, !r.writes || (r.path.inside && !r.path.git)) && (';
  const hosts = [...new Set(commands.flatMap((command) => command.hosts))];
  const bounded = `${hosts.length === 0 ? ' && size(c.hosts) == 0' : ` && c.hosts.all(h, h in ${set(hosts)})`})`;
  // Options that nobody said yes to are another matter (`--force`), as are other arguments of a program without subcommands.
  const named = commands.map(({ program, subcommand, options }) => {
    const seen = options.length === 0 ? 'size(c.options) == 0' : `c.options.all(o, o in ${set(options)})`;
    return `(c.program == ${quote(program)} && c.subcommand == ${quote(subcommand)} && ${seen})`;
  });
  const fixed = commands.map(({ program, subcommand, args }, i) =>
    subcommand === '' && args.length > 0
      ? `(c.program == ${quote(program)} && c.args == [${args.map(quote).join(', ')}])`
      : (named[i] ?? ''),
  );
  return [fixed, named].map((ways) => `${known}${[...new Set(ways)].join(' || ')})${bounded}`);
}

function forPaths(paths: readonly ActionPath[], more: string): string[] {
  const folders = [...new Set(paths.map(({ relative }) => relative.split('/').slice(0, -1)[0] ?? ''))];
  if (folders.length === 0 || folders.includes('') || paths.some(({ inside, git }) => !inside || git)) return [];
  const ways = folders.map((folder) => `glob(p.relative, ${quote(`${folder}/**`)})`).join(' || ');
  return [`size(action.paths) > 0 && action.paths.all(p, p.inside && !p.git && (${ways}))${more}`];
}

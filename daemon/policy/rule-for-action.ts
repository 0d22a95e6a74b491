// Conditions that match an action that somebody said yes to, from exactly that one to others of its sort.
//
// G1. Every condition matches the action that it is made from.
// G2. None is offered for what only a person grants (merges, configuration), nor anything but the exact line for code that nobody can read.
import type { Action, ActionPath } from '../../shared/state/action.ts';

/** Conditions for one action, narrowest first; none where a rule should not answer in a person's place. */
export function conditionsFor(action: Action): string[] {
  switch (action.kind) {
    case 'agent.execute':
      return forCommand(action);
    case 'agent.edit':
      return forPaths(action.paths, `size(action.secrets) == 0 && action.risk in ${list(risksUpTo(action.risk))}`);
    case 'agent.read':
      return forPaths(action.paths, '');
    case 'agent.fetch':
      return action.hosts.length === 0 || action.hosts.includes('')
        ? []
        : [`size(action.hosts) > 0 && action.hosts.all(h, h in ${list(action.hosts)})`];
    case 'agent.mcp':
      return [`action.server == ${quote(action.server)} && action.tool == ${quote(action.tool)}`];
    case 'agent.other':
      return [`action.tool == ${quote(action.tool)}`];
    default:
      return [];
  }
}

const quote = (text: string): string => JSON.stringify(text);
const list = (texts: readonly string[]): string => `[${[...new Set(texts)].sort().map(quote).join(', ')}]`;
const RISKS = ['none', 'low', 'medium', 'high'] as const;

function risksUpTo(risk: (typeof RISKS)[number]): readonly string[] {
  return RISKS.slice(0, RISKS.indexOf(risk) + 1);
}

function forCommand({ line, argv, commands, problem, cwd, source }: Extract<Action, { kind: 'agent.execute' }>): string[] {
  const where = `action.cwd == ${quote(cwd)} && action.source == ${quote(source)}`;
  const exact = line === '' ? `action.argv == [${argv.map(quote).join(', ')}] && action.line == ""` : `action.line == ${quote(line)}`;
  const conditions = [`${exact} && ${where}`];
  if (problem !== '' || commands.length === 0 || commands.some(({ opaque, inline }) => opaque || inline)) return conditions;
  if (
    commands.some(
      ({ via, redirections }) => via.length > 0 || redirections.some(({ writes, path }) => writes && (!path.inside || path.git)),
    )
  )
    return conditions;
  const known =
    `action.problem == "" && size(action.commands) > 0 && action.source == ${quote(source)} && action.commands.all(c, !c.opaque && !c.inline && size(c.via) == 0` +
    ' && c.redirections.all(r, !r.writes || (r.path.inside && !r.path.git)) && (';
  const hosts = [...new Set(commands.flatMap((command) => command.hosts))];
  const bounded = `${hosts.length === 0 ? ' && size(c.hosts) == 0' : ` && c.hosts.all(h, h in ${list(hosts)})`})`;
  // Options that nobody said yes to are another matter (`--force`), as are other arguments of a program without subcommands.
  const named = commands.map(({ program, subcommand, options }) => {
    const seen = options.length === 0 ? 'size(c.options) == 0' : `c.options.all(o, o in ${list(options)})`;
    return `(c.program == ${quote(program)} && c.subcommand == ${quote(subcommand)} && ${seen})`;
  });
  const fixed = commands.map(({ program, subcommand, args }, i) =>
    subcommand === '' && args.length > 0
      ? `(c.program == ${quote(program)} && c.args == [${args.map(quote).join(', ')}])`
      : (named[i] ?? ''),
  );
  conditions.push(`${known}${[...new Set(fixed)].join(' || ')})${bounded}`, `${known}${[...new Set(named)].join(' || ')})${bounded}`);
  return [...new Set(conditions)];
}

function forPaths(paths: readonly ActionPath[], more: string): string[] {
  if (paths.length === 0 || paths.some(({ inside, git }) => !inside || git)) return [];
  const and = more === '' ? '' : ` && ${more}`;
  const within = (test: string): string => `size(action.paths) > 0 && action.paths.all(p, p.inside && !p.git && ${test})${and}`;
  const folders = [...new Set(paths.map(({ relative }) => relative.split('/').slice(0, -1)[0] ?? ''))];
  const wide = folders.includes('')
    ? []
    : [within(`(${folders.map((folder) => `glob(p.relative, ${quote(`${folder}/**`)})`).join(' || ')})`)];
  return [within(`p.relative in ${list(paths.map(({ relative }) => relative))}`), ...wide];
}

// Gives what a line names its real place: files of redirections, folders of commands. Whoever calls looks the paths up.
import type { ActionPath, Redirection, SimpleCommand } from '../../../shared/state/action.ts';
import type { ParsedCommand, ParsedRedirection } from './command.ts';

/** Paths of one line that are looked up; more of them count as outside. */
const MAX_PATHS = 100;

/** The paths that have to be looked up, each once: absolute, or relative to the root of the worktree. */
export function listPaths(commands: readonly ParsedCommand[]): string[] {
  const paths = commands.flatMap(({ cwd, redirections }) => [cwd, ...redirections.map(pathOf)]);
  return [...new Set(paths)].filter((path) => path !== '' && path !== '.').slice(0, MAX_PATHS);
}

/** The commands with real paths. What the line does not tell (`~`, `$X`) lies outside, with its path as it was written. */
export function settleCommands(commands: readonly ParsedCommand[], places: ReadonlyMap<string, ActionPath>): SimpleCommand[] {
  const settle = (each: ParsedRedirection): Redirection => ({
    operator: each.operator,
    writes: each.writes,
    path: places.get(pathOf(each)) ?? outside(each.target),
  });
  return commands.map((command) => ({
    ...command,
    cwd: settleFolder(command.cwd, places),
    redirections: command.redirections.map(settle),
  }));
}

/** Empty when the line does not tell. */
function pathOf({ known, target, cwd }: ParsedRedirection): string {
  if (!known || target.startsWith('/')) return known ? target : '';
  if (cwd === '' || target === '') return '';
  // `..` behind a link climbs from where the link leads, so nothing is put together here.
  return cwd === '.' ? target : `${cwd}/${target}`;
}

function settleFolder(cwd: string, places: ReadonlyMap<string, ActionPath>): string {
  const place = places.get(cwd);
  if (place?.inside === true) return place.relative === '' ? '.' : place.relative;
  if (place) return place.path.startsWith('/') ? place.path : '';
  return cwd === '.' ? '.' : '';
}

function outside(path: string): ActionPath {
  return { path, relative: '', inside: false, git: /(^|\/)\.git[. ]*(\/|$)/i.test(path) };
}

/**
 * From what an agent says that it wants to the exact action that the policy decides: paths are real, a line is its commands.
 *
 * 1. The same wish gives the same action, also in another worktree, so that a grant is found again.
 * 2. What could not be understood is said so in the action, never left out.
 */
import { isAbsolute, join } from 'node:path';
import type { Action, ActionPath, Risk } from '../../shared/state/action.ts';
import type { AttemptSpec } from '../agents/agent.ts';
import type { Described, Wanted } from '../agents/acp/wanted.ts';
import { sha256 } from '../platform/digest.ts';
import { findSecrets, MAX_REDACTABLE_LENGTH } from '../platform/redact.ts';
import { readArgv, readCommandLine } from '../policy/shell/read.ts';
import { listPaths as pathsOfCommands, settleCommands } from '../policy/shell/settle.ts';
import { resolveLivePath } from '../workspace/resolve-live.ts';

/** Files that make programs of the person or of the repository run something, by what their path looks like. */
const RUNS_LATER =
  /(^|\/)(\.github|\.gitlab|\.circleci|\.husky|\.vscode|\.idea|\.devcontainer|\.claude|\.codex|\.gemini|\.qwen|\.opencode|\.cursor|\.signalbox)\/|(^|\/)(\.envrc|\.gitattributes|\.gitmodules|\.npmrc|\.mcp\.json|opencode\.jsonc?|Makefile|justfile|Dockerfile|docker-compose\.ya?ml|\.pre-commit-config\.yaml|\.gitlab-ci\.yml|Jenkinsfile)$/i;
/** Paths of one action; more of them are one action that is asked. */
const MAX_PATHS = 500;

/** Describes one thing that an agent wants as an action, with texts for whoever is asked. */
export async function describeWanted(spec: AttemptSpec, wanted: Wanted, title: string): Promise<Described> {
  const root = spec.worktree?.path ?? spec.home;
  switch (wanted.kind) {
    case 'execute':
      return describeExecute(spec, wanted, root);
    case 'edit':
      return describeEdit(spec, wanted, root);
    case 'read': {
      const paths = await resolveAll(root, wanted.paths);
      const action: Action = {
        kind: 'agent.read',
        ...common(spec, `read ${listPaths(paths)}`, paths.every((p) => p.inside) ? 'none' : 'medium'),
        paths,
      };
      return { action, show: {} };
    }
    case 'fetch': {
      const { urls } = wanted;
      const action: Action = {
        kind: 'agent.fetch',
        ...common(spec, `fetch ${urls.join(', ').slice(0, 500)}`, 'medium'),
        urls,
        hosts: urls.map(hostOf),
      };
      return { action, show: {} };
    }
    case 'mcp': {
      const { server, tool, input } = wanted;
      const summary = `call the MCP tool ${tool} of ${server}`.slice(0, 500);
      return { action: { kind: 'agent.mcp', ...common(spec, summary, 'medium'), server, tool, input: sha256(input) }, show: { input } };
    }
    case 'other': {
      const { tool, input } = wanted;
      const summary = `do something that it does not describe${title === '' ? '' : `, and calls it: ${title.slice(0, 500)}`}`;
      return {
        action: { kind: 'agent.other', ...common(spec, summary, 'high'), tool, input: sha256(withoutRoot(input, root)) },
        show: { input },
      };
    }
    default:
      return wanted satisfies never;
  }
}

function common({ agent, run, stage, task, repo }: AttemptSpec, summary: string, risk: Risk) {
  return { summary, agent, run, stage, task, repo: repo?.path ?? '', risk };
}

async function describeExecute(
  spec: AttemptSpec,
  { line, argv, cwd }: Extract<Wanted, { kind: 'execute' }>,
  root: string,
): Promise<Described> {
  const place = await resolveLivePath(root, cwd === '' ? root : isAbsolute(cwd) ? cwd : join(root, cwd));
  const typed = line === '' ? argv.join(' ') : line;
  const folder = place.inside ? place.relative || '.' : place.path;
  const { commands, problem } = line === '' ? readArgv(argv, { cwd: folder }) : readCommandLine(line, { cwd: folder });
  const named = pathsOfCommands(commands).map(async (path): Promise<[string, ActionPath]> => [path, await resolveLivePath(root, path)]);
  const action: Action = {
    kind: 'agent.execute',
    ...common(spec, `run ${typed.slice(0, 500)}`, 'medium'),
    argv: line === '' ? argv : ['sh', '-c', line],
    line,
    commands: settleCommands(commands, new Map(await Promise.all(named))),
    problem,
    cwd: folder,
    source: 'agent',
    base: spec.commit ?? '',
  };
  return { action, show: { command: typed } };
}

async function describeEdit(
  spec: AttemptSpec,
  { paths: named, change, text, diff }: Extract<Wanted, { kind: 'edit' }>,
  root: string,
): Promise<Described> {
  const paths = await resolveAll(root, named);
  const secrets =
    text.length > MAX_REDACTABLE_LENGTH ? ['too-long-to-look'] : (await findSecrets('text.txt', text)).map(({ rule }) => rule);
  const action: Action = {
    kind: 'agent.edit',
    ...common(spec, `edit ${listPaths(paths)}`, riskOfEdit(paths, secrets)),
    paths,
    change: sha256(withoutRoot(change, root)),
    base: spec.commit ?? '',
    secrets: [...new Set(secrets)],
    unasked: false,
  };
  return { action, show: { diff: withoutRoot(diff, `${root}/`, '') } };
}

function riskOfEdit(paths: readonly ActionPath[], secrets: readonly string[]): Risk {
  if (paths.length === 0 || paths.some((p) => !p.inside || p.git) || secrets.length > 0) return 'high';
  return paths.some((p) => RUNS_LATER.test(p.relative)) ? 'high' : 'low';
}

async function resolveAll(root: string, named: readonly string[]): Promise<ActionPath[]> {
  const all = await Promise.all(named.slice(0, MAX_PATHS).map((path) => resolveLivePath(root, path)));
  const unique = new Map(all.map((path) => [path.path, path]));
  // What is beyond the bound is not known to be inside.
  if (named.length > MAX_PATHS) unique.set('', { path: '', relative: '', inside: false, git: false });
  return [...unique.values()];
}

/** What an agent says of files names its worktree, which is another one in the next attempt. */
function withoutRoot(text: string, root: string, instead = '.'): string {
  return text.replaceAll(root, instead);
}

function listPaths(paths: readonly ActionPath[]): string {
  const names = paths.slice(0, 5).map((p) => (p.inside ? p.relative : p.path));
  return `${names.join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`.slice(0, 500);
}

function hostOf(url: string): string {
  try {
    return new URL(url).hostname.toLowerCase();
  } catch {
    return '';
  }
}

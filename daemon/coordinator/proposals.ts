/** Actions of a stage, exact enough to be decided: what those that prepare one share. */
import type { Action, ActionPath, Risk } from '../../shared/state/action.ts';
import type { Run } from '../../shared/state/run.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Proposal } from '../commands.ts';
import { readArgv } from '../policy/shell/read.ts';
import { listPaths, settleCommands } from '../policy/shell/settle.ts';
import { baseOf } from './base.ts';
import { placeOfRun } from './merges.ts';
import type { EffectContext } from './reactor.ts';

/** What a stage wants, and what that rests on. */
export interface Prepared {
  proposals: Proposal[];
  facts: Record<string, string>;
}

/** A stage that is prepared. */
export type Place = EffectContext & { run: Run; def: StageDefinition };

/** What every action of a stage says. */
export function common({ run, def }: Place, summary: string, risk: Risk) {
  return { summary, agent: def.agent ?? 'daemon', run: run.id, stage: def.id, task: '', repo: run.repo ?? '', risk };
}

/** Stores an action, so that it can be recorded. */
export async function store({ ports }: Place, key: string, action: Action, show: Record<string, string> = {}): Promise<Proposal> {
  const { digest } = await ports.artifacts.putText(JSON.stringify(action));
  return { key, action, artifact: digest, show };
}

/** To run a command on a commit, `base`; by default the one that the stage works on. */
export async function executeAction(
  place: Place,
  argv: string[],
  { summary, source, ...on }: { summary: string; source: 'repository' | 'workflow'; base?: string },
): Promise<Action> {
  const { state, run, def } = place;
  const base = on.base ?? baseOf(state, run, def) ?? '';
  const cwd = '.';
  const { commands, problem } = readArgv(argv, { cwd });
  return {
    kind: 'agent.execute',
    ...common(place, summary, 'medium'),
    argv,
    line: '',
    commands: settleCommands(commands, await resolvePaths(place, base, listPaths(commands))),
    problem,
    cwd,
    source,
    base,
  };
}

/** Where paths that a command names lead, in the commit that it runs on; outside where there is no repository. */
async function resolvePaths({ run, ports }: Place, base: string, paths: readonly string[]): Promise<Map<string, ActionPath>> {
  const repo = placeOfRun(run);
  if (!repo || base === '') return new Map();
  const places = new Map<string, ActionPath>();
  // One after the other: each starts processes of git.
  for (const path of paths) places.set(path, await ports.workspace.resolvePath(repo, base, path, run.repo ?? ''));
  return places;
}

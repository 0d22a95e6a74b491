/**
 * After an attempt: what it really did is compared with what was decided. What nobody asked for is put to the policy as one edit,
 * and what nobody could have been allowed ends the attempt.
 */
import type { Action, ActionPath } from '../../shared/state/action.ts';
import type { Agent } from '../../shared/state/agent.ts';
import type { Outcome } from '../agents/agent.ts';
import type { Worktree } from '../workspace/worktrees.ts';
import type { Permissions } from './permissions.ts';
import { isBuiltOn, runsPrograms, type Work, type WorkPlace } from './places.ts';
import type { EffectContext } from './reactor.ts';

/** Paths that one action names; the rest are counted in its summary. */
const MAX_PATHS = 500;
/** Bytes of the diff that a person is shown. */
const DIFF_BYTES = 1024 * 1024;

/** What an attempt was allowed while it ran. */
export interface Allowed {
  /** Relative paths of edits. */
  readonly paths: Set<string>;
  /** A command was allowed, and commands change files without asking. */
  commands: boolean;
}

/** Notes what an answered wish allows. */
export function noteAllowed(allowed: Allowed, action: Action): void {
  if (action.kind === 'agent.edit') for (const { relative, path } of action.paths) allowed.paths.add(relative || path);
  if (action.kind === 'agent.execute') allowed.commands = true;
}

/** Looks at the work of an attempt that has ended; returns its outcome as it stands then. */
export async function auditWork(
  context: EffectContext,
  permissions: Permissions,
  { work, place, outcome, allowed, cause }: { work: Work; place: WorkPlace; outcome: Outcome; allowed: Allowed; cause: string },
): Promise<Outcome> {
  const { state, ports, tell } = context;
  const { attempt, task } = work;
  const agent = state.agents.get(task.agent ?? '');
  if (!place.worktree || !agent || !runsPrograms(agent)) return outcome;
  const { changed, tree, tampering } = await ports.workspace.lookAtWork(place.worktree, place.guard);
  const find = (kind: string, paths: readonly string[], message: string, acted: 'kept' | 'stopped') =>
    tell({ type: 'attempt/find', attempt, token: task.token, finding: { kind, paths: [...paths].slice(0, 50), message, acted } }, cause);
  for (const { kind, paths, message } of tampering) await find(kind, paths, message, kind === 'unaudited' ? 'kept' : 'stopped');
  const worst = tampering.find(({ kind }) => kind !== 'unaudited');
  if (worst) return stopped(outcome, 'worktree_tampered', worst.message);
  const unasked = changed.filter((path) => !allowed.paths.has(path));
  if (outcome.status !== 'succeeded' || unasked.length === 0 || !matters(context, work, agent)) return outcome;
  const byCommand = agent.adapter === 'command' || allowed.commands;
  const action = editOf(work, place.worktree, { unasked, tree, byCommand });
  const { head: from, gitDir, commonDir } = place.worktree;
  const { patch } = await ports.workspace.diffCommits({ repo: { gitDir, commonDir }, from, to: tree, maxBytes: DIFF_BYTES });
  const wanted = { key: 'audit', action, show: { diff: patch } };
  const permission = await permissions.ask({ attempt, task: task.id, token: task.token, cause }, wanted);
  const said = `${unasked.length} file${unasked.length === 1 ? ' was' : 's were'} changed without being asked for`;
  if (!permission.allowed) {
    await find('edit', unasked, `${said}, and not allowed: ${permission.reason}`, 'stopped');
    return stopped(outcome, 'rogue_edit', `${said}: ${unasked.slice(0, 5).join(', ')}. ${permission.reason}`);
  }
  if (!byCommand) await find('edit', unasked, `${said}; the policy allows it.`, 'kept');
  return outcome;
}

/** An agent's work always; a command's when a later stage builds on it, since otherwise nobody sees it again. */
function matters({ ports }: EffectContext, { run, def }: Work, agent: Agent): boolean {
  if (agent.adapter === 'acp') return true;
  const definition = run && ports.definitionOf(run.workflow.digest);
  return def !== undefined && definition !== undefined && isBuiltOn(definition, def);
}

function stopped({ values }: Outcome, code: string, message: string): Outcome {
  return { status: 'failed', error: { code, message: message.slice(0, 2_000) }, values };
}

/** The change of files as an action that nobody asked for before. */
export function editOf(
  { run, task }: Pick<Work, 'run' | 'task'>,
  { path: root, head: base }: Worktree,
  { unasked, tree, byCommand }: { unasked: readonly string[]; tree: string; byCommand: boolean },
): Action {
  const paths = unasked
    .slice(0, MAX_PATHS)
    .map((relative): ActionPath => ({ path: `${root}/${relative}`, relative, inside: true, git: false }));
  const summary = `Keep ${unasked.length} changed file${unasked.length === 1 ? '' : 's'}${byCommand ? ' that commands changed' : ' that nobody asked for'}`;
  return {
    kind: 'agent.edit',
    summary,
    agent: task.agent ?? '',
    run: task.run ?? '',
    stage: task.stage ?? '',
    task: task.id,
    repo: run?.repo ?? '',
    risk: 'low',
    paths,
    change: tree,
    base,
    secrets: [],
    unasked: true,
  };
}

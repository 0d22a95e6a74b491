import type { Agent } from '../../shared/state/agent.ts';
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { Task } from '../../shared/state/task.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { LentGit } from '../workspace/lend.ts';
import type { RepoWithPath } from '../workspace/merge.ts';
import type { Worktree } from '../workspace/worktrees.ts';
import { graphOf, listDependents } from '../workflow/graph.ts';
import { baseOf, committedBefore, listBases } from './base.ts';
import { diffNameOf } from './callback-tools.ts';
import { findEarlier, type Earlier } from './earlier.ts';
import { explain, placeOfRun } from './merges.ts';
import type { EffectContext } from './reactor.ts';

/** Bytes of the diff of a task of a task. */
const MAX_DIFF_BYTES = 1024 * 1024;

/** Where an attempt works: a worktree of its own, or just a commit to read. */
export interface WorkPlace {
  worktree?: Worktree;
  commit?: string;
  /** The git directory that the attempt sees instead of the repository's, where it runs in a sandbox. */
  lent?: LentGit;
  /** What git obeyed before an attempt that sees the repository's own git directory. */
  guard?: string;
  /** Something was put back that its own commits may hold: of them only the files as they are count. */
  flatten?: boolean;
  /** True when it begins with what an earlier attempt committed. */
  continues?: boolean;
  /** Earlier work whose worktree it has taken over; `lost` says why it could not, and begins in one of its own. */
  earlier?: Earlier;
  lost?: string;
}

/** One attempt at the work of a stage. */
export interface Work {
  run: Run | undefined;
  def: StageDefinition | undefined;
  task: Task;
  attempt: string;
}

/** Branch of an attempt's worktree; the run's short name first, so that a person finds it. */
export function branchFor(run: Run, task: Task): string {
  // The first task of a stage is called by the stage alone; those of later rounds, and checks, by what their ids add.
  const [, more] = /^\.[0-9]+(?:i[0-9]+)?\.(.+)$/.exec(task.id.slice(run.id.length)) ?? [];
  return `signalbox/${run.workflow.name}-${run.id.slice(-12)}/${task.stage ?? 'task'}${more === undefined ? '' : `.${more}`}-${task.token}`;
}

/** Makes the attempt's worktree where its stage wants one; a later attempt begins where the earlier one's commits end. */
export async function preparePlace(context: EffectContext, work: Work, cause: string): Promise<WorkPlace> {
  const { state, ports, tell } = context;
  const { run, def, task, attempt } = work;
  const repo = run && placeOfRun(run);
  if (!run || !repo || !def) return {};
  const earlier = committedBefore(state, task.id).at(-1)?.commit;
  // A check works on what the stage made; that of a merge on what the branch would hold.
  const stage = task.part === undefined ? undefined : stageOf(state, run.id, def.id);
  const made = stage?.facts['result'] ?? stage?.commit;
  const base = earlier ?? made ?? baseOf(state, run, def);
  if (base === undefined) return {};
  if (def.worktree === 'none' && (task.part === undefined || task.part === 'deliberate')) return { commit: base };
  const branch = branchFor(run, task);
  const definition = ports.definitionOf(run.workflow.digest);
  const bases = earlier === undefined && made === undefined && definition ? listBases(state, run, def, definition) : [base];
  const joined = await ports.workspace.joinCommits({ repo, commits: bases.length > 0 ? bases : [base], at: state.at, effect: attempt });
  const { worktree, ...taken } = await openWorktree(context, work, { repo, branch, base: joined });
  await ports.workspace.lockWorktree(worktree, `used by attempt ${attempt}`);
  const home = homeOf(taken, task);
  const where = { path: worktree.path, branch, base: joined, ...(home === undefined ? {} : { home }) };
  await tell({ type: 'attempt/workspace', attempt, ...where }, cause);
  const place = { worktree, commit: joined, continues: earlier !== undefined, ...taken };
  const agent = state.agents.get(task.agent ?? '');
  if (!agent || !runsPrograms(agent)) return place;
  if (agent.enforcement?.level !== 'enforced') return { ...place, guard: await ports.workspace.guardGit(worktree) };
  return { ...place, lent: await ports.workspace.lendGit(worktree, ports.lentFor(attempt), agent.id) };
}

/** A worktree of the attempt's own, or that of the earlier work that it goes on from. */
async function openWorktree(
  context: EffectContext,
  work: Work,
  where: { repo: RepoWithPath; branch: string; base: string },
): Promise<{ worktree: Worktree } & Pick<WorkPlace, 'earlier' | 'lost'>> {
  const { ports } = context;
  const earlier = findEarlier(context, work);
  let lost: string | undefined;
  if (earlier) {
    try {
      const worktree = await ports.workspace.takeOverWorktree({ ...where, path: earlier.path });
      // What was committed in there and not taken back lies in the worktree as files.
      await ports.workspace.forgetGit({ gitDir: `${ports.lentFor(earlier.attempt)}/git` });
      return { worktree, earlier };
    } catch (error) {
      lost = explain(error).message;
    }
  }
  const worktree = await ports.workspace.createWorktree({ ...where, path: ports.worktreeFor(work.attempt) });
  return { worktree, ...(earlier && lost !== undefined ? { earlier, lost } : {}) };
}

/** The attempt whose HOME is used, where that is another one's: what an agent remembers lies there. */
export function homeOf({ earlier, lost }: Pick<WorkPlace, 'earlier' | 'lost'>, { agent }: Task): string | undefined {
  return earlier && lost === undefined && earlier.agent === agent ? earlier.home : undefined;
}

/** Adapters that start programs which are not ours. */
export function runsPrograms({ adapter }: Agent): boolean {
  return adapter === 'command' || adapter === 'acp';
}

/** What an attempt committed itself: it comes onto its branch in any case, and into the record when the attempt succeeded. */
export async function takeWork(
  { state, ports, tell }: EffectContext,
  { task, attempt }: Work,
  { place, succeeded }: { place: WorkPlace; succeeded: boolean },
  cause: string,
): Promise<void> {
  const { worktree, lent } = place;
  const agent = state.agents.get(task.agent ?? '');
  if (!worktree || !agent || !runsPrograms(agent)) return;
  const commit = lent ? await ports.workspace.takeBack(worktree, lent) : await ports.workspace.readCommitted(worktree);
  if (lent) await ports.workspace.forgetGit(lent);
  if (place.flatten && commit !== undefined) return ports.workspace.flattenWork(worktree);
  if (!succeeded || commit === undefined) return;
  await tell({ type: 'attempt/commit', attempt, token: task.token, key: 'own', commit, summary: `Commits of ${agent.id}` }, cause);
}

/** Commits what a command left in its worktree when a later stage builds on it, and what an agent was asked for in any case. */
export async function keepWork(
  { state, ports, tell }: EffectContext,
  { run, def, task, attempt }: Work,
  place: WorkPlace,
  cause: string,
): Promise<void> {
  const definition = run && ports.definitionOf(run.workflow.digest);
  if (!place.worktree || !def || !run || !definition || (task.part !== undefined && task.part !== 'child')) return;
  if (task.part === undefined && def.prompt === undefined && !isBuiltOn(definition, def)) return;
  const { worktree } = place;
  const key = 'work';
  const trailers = { 'Signalbox-Run': run.id, 'Signalbox-Stage': def.id };
  const request = {
    gitDir: worktree.gitDir,
    commonDir: worktree.commonDir,
    workTree: worktree.path,
    branch: worktree.branch,
    message: task.part === 'child' ? `Part of: ${def.name}` : def.name,
    trailers,
    at: state.at,
  };
  const commit = await ports.workspace.commitWorktree(request);
  if (commit !== undefined) await tell({ type: 'attempt/commit', attempt, token: task.token, key, commit, summary: def.name }, cause);
}

/** What a task of a task changed, as an artifact: its branch is nowhere that the agent which asked for it could look. */
export async function keepDiff(
  { state, ports, tell }: EffectContext,
  { run, task, attempt }: Work,
  place: WorkPlace,
  cause: string,
): Promise<void> {
  const made = state.attempts.get(attempt)?.commits.at(-1)?.commit;
  if (!run || !place.worktree || place.commit === undefined || made === undefined) return;
  const { gitDir, commonDir } = place.worktree;
  const { patch } = await ports.workspace.diffCommits({
    repo: { gitDir, commonDir },
    from: place.commit,
    to: made,
    maxBytes: MAX_DIFF_BYTES,
  });
  const { digest, size } = await ports.artifacts.putText(patch);
  const of = { run: run.id, task: task.id, attempt, ...(task.stage === undefined ? {} : { stage: task.stage }) };
  await tell({ type: 'artifact/record', ...of, name: diffNameOf(task), digest, size, mediaType: 'text/x-diff' }, cause);
}

/** Whether anything later works on what a command leaves: a check of it, a merge, or a worktree that begins with it. */
export function isBuiltOn(definition: WorkflowDefinition, def: StageDefinition): boolean {
  if (def.command === undefined) return false;
  if (def.criteria?.some((criterion) => criterion.kind === 'command')) return true;
  if (definition.stages.some(({ merge, worktree }) => merge?.from === def.id || (typeof worktree === 'object' && worktree.from === def.id)))
    return true;
  const graph = graphOf(definition);
  return listDependents(graph, def.id).some((id) => id !== def.id && graph.byId.get(id)?.worktree === 'own');
}

/** Removes the worktree of an attempt that has ended, unless it holds work that is nowhere else. */
export async function leavePlace(
  { ports, tell }: EffectContext,
  { run, attempt }: Pick<Work, 'run' | 'attempt'>,
  place: WorkPlace,
  cause: string,
): Promise<void> {
  const repo = run && placeOfRun(run);
  const path = place.worktree?.path;
  if (!repo || path === undefined) return;
  let kept = '';
  try {
    if (place.worktree) await ports.workspace.unlockWorktree(place.worktree);
    await ports.workspace.removeWorktree({ repo, path });
    // A branch on which nothing was committed would only be in the way of whoever lists branches.
    if (place.worktree && place.commit !== undefined && !place.continues)
      await ports.workspace.dropUnusedBranch({ repo, branch: place.worktree.branch, base: place.commit });
  } catch (error) {
    kept = error instanceof Error ? error.message : String(error);
  }
  await tell({ type: 'workspace/leave', attempt, path, kept: kept.slice(0, 1_000) }, cause);
}

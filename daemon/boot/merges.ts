/** The merges of all runs as people see them, and the way of a conflict to an agent. */
import type { Conflicts, Side } from '../../shared/artifacts/conflicts.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { MergeView } from '../../shared/protocol/views.ts';
import type { RunDocument } from '../../shared/state/document.ts';
import type { State } from '../../shared/state/evolve.ts';
import { MAX_PROMPT, sayRun, writeResolveWorkflow } from '../../shared/state/prompt-workflow.ts';
import { type Run, runEnded, type Stage } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Origin } from '../commands.ts';
import { describeConflicts } from '../coordinator/conflicts.ts';
import { placeOfRun } from '../coordinator/merges.ts';
import { type RunPorts, submitRun } from '../coordinator/submit-run.ts';
import { GitError } from '../platform/git.ts';
import { WorkspaceError } from '../workspace/workspace-error.ts';
import { workspace } from './workspace.ts';

type MergeDefinition = StageDefinition & { merge: NonNullable<StageDefinition['merge']> };

const isMerge = (def: StageDefinition): def is MergeDefinition => def.merge !== undefined;

/** The merges of the runs in memory, those under way first, in their turn; then those that have ended, newest first. */
export function listMerges(state: State, definitionOf: (digest: string) => WorkflowDefinition | undefined): MergeView[] {
  const views = [...state.runs.values()].flatMap((run) => {
    const merges = definitionOf(run.workflow.digest)?.stages.filter(isMerge) ?? [];
    return run.into === undefined ? [] : merges.flatMap((def) => viewMerge(state, run, def) ?? []);
  });
  const open = views.filter(({ status }) => !/^(merged|failed|undone)$/.test(status));
  const line = [...open.filter(({ status }) => status !== 'waiting'), ...open.filter(({ status }) => status === 'waiting')];
  return [...line, ...views.filter((view) => !open.includes(view)).reverse()];
}

function viewMerge(state: State, run: Run, def: MergeDefinition): MergeView | undefined {
  const stage = stageOf(state, run.id, def.id);
  const status = statusOf(state, run, { def, stage });
  if (status === undefined) return undefined;
  const failed = status === 'failed';
  const conflicts = failed && stage?.code === 'merge_conflicts' ? state.artifacts.get(run.id)?.get('merge.conflicts.json') : undefined;
  return {
    run: run.id,
    task: sayRun(run),
    stage: def.id,
    repo: run.repo ?? '',
    into: run.into ?? '',
    how: def.merge.how ?? 'merge',
    status,
    since: stage?.endedAt ?? stage?.startedAt ?? run.submittedAt,
    code: failed ? (stage?.code ?? '') : '',
    reason: failed ? (stage?.reason ?? '') : '',
    ...(conflicts ? { conflicts: conflicts.digest } : {}),
  };
}

function statusOf(
  state: State,
  run: Run,
  { def, stage }: { def: MergeDefinition; stage: Stage | undefined },
): MergeView['status'] | undefined {
  if (!stage) {
    const ready = !runEnded(run) && def.needs.every((need) => stageEnded(stageOf(state, run.id, need)));
    return ready && stageOf(state, run.id, def.merge.from)?.status === 'completed' ? 'waiting' : undefined;
  }
  switch (stage.status) {
    case 'deciding':
      return stage.decided ? 'asked' : 'preparing';
    case 'admitted':
      return 'preparing';
    case 'checking':
      return 'checking';
    case 'running':
      return 'merging';
    case 'completed':
      return run.merge?.state === 'undone' ? 'undone' : 'merged';
    case 'failed':
      return 'failed';
    default:
      return undefined;
  }
}

export interface ResolveParts {
  state: State;
  runPorts: RunPorts;
  definition(digest: string): Promise<WorkflowDefinition>;
}

/** Starts the run of an agent that resolves the conflicts of another run's merge; throws SignalboxError invalid_transition, repository. */
export async function resolveConflicts(
  { state, runPorts, definition }: ResolveParts,
  { document, id, agent, timeoutMs }: { document: RunDocument; id: string; agent: string; timeoutMs: number },
  origin: Origin,
): Promise<{ run: string; existing: boolean; files: string[]; notices: string[] }> {
  const { run } = document;
  const def = (await definition(run.workflow.digest)).stages.filter(isMerge).find((one) => failedIn(document, one.id));
  const from = document.stages.find((stage) => stage.id === def?.merge.from)?.commit;
  const repo = placeOfRun(run);
  const { into } = run;
  if (!def || !from || !repo || into === undefined)
    throw refuse(run, 'No merge of that run has failed because of conflicts, so there are none to resolve.');
  const { laid, conflicts } = await orRefuse(async () => {
    const expected = await workspace.readBranch(repo, into);
    const message = `Both sides of run ${run.id.slice(-12)}, with what conflicts`;
    const both = await workspace.takeUp({ repo, into: expected, from, how: 'merge', message, at: state.at });
    const clash = { repo, into, from, expected, files: both.conflicts };
    return { laid: both, conflicts: await describeConflicts({ state, ports: { workspace }, run }, clash) };
  });
  if (laid.conflicts.length === 0)
    throw refuse(
      run,
      `A merge commit into ${into} does not conflict as things stand now. Do it again: signalbox retry ${run.id} ${def.id}`,
    );
  const checks = def.merge.checks?.filter((check) => typeof check !== 'string' || check === 'tests');
  const workflow = writeResolveWorkflow({ agent, timeout: `${Math.ceil(timeoutMs / 1_000)}s`, checks });
  const inputs = { prompt: writePrompt(conflicts, run), resolves: run.id };
  const params = { id, workflow, inputs, into, base: laid.commit, again: true, approve: 'ask' as const };
  const started = await submitRun(runPorts, { ...params, ...(run.repo === undefined ? {} : { repo: run.repo }) }, origin);
  return { ...started, files: [...laid.conflicts] };
}

function failedIn({ stages }: RunDocument, id: string): boolean {
  return stages.some((stage) => stage.id === id && stage.status === 'failed' && stage.code === 'merge_conflicts');
}

function refuse({ id }: Run, message: string): SignalboxError {
  return new SignalboxError({ code: 'invalid_transition', message, facts: { run: id } });
}

async function orRefuse<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WorkspaceError) && !(error instanceof GitError)) throw error;
    throw new SignalboxError({ code: 'repository', message: error.message, facts: { reason: error.code } });
  }
}

/** What the agent is told: where the markers are, and what either side wanted. */
function writePrompt({ into, files, omitted }: Conflicts, run: Run): string {
  const told = new Set<string>();
  const say = ({ commit, subject, run: by, task }: Side): string => {
    const made = commit === undefined ? 'changed by a merge' : `${commit} "${subject ?? ''}"`;
    if (by !== undefined && task !== undefined) told.add(`Run ${by.slice(-8)} was to do this: ${task}`);
    return by === undefined ? made : `${made}, of run ${by.slice(-8)}`;
  };
  const lines = files.map(({ path, there, here }) => `- ${path}: on ${into} ${say(there)}; in the other work ${say(here)}`);
  const text = [
    `Two pieces of work changed the same places of this repository. Bring them together, so that what both of them wanted holds.`,
    `This worktree has both: what merges by itself is merged, and the files below conflict. Between <<<<<<< and ======= stands what ${into} has, between ======= and >>>>>>> what run ${run.id.slice(-8)} made. A file that one side deleted and the other changed is there as it was changed.`,
    [...lines, ...(omitted > 0 ? [`- and ${omitted} more: look for lines that begin with <<<<<<<`] : [])].join('\n'),
    [...told].join('\n'),
    'Edit the files until no conflict marker is left. Change nothing else, unless it has to be for both to work together. You need not commit.',
  ].join('\n\n');
  return text.slice(0, MAX_PROMPT);
}

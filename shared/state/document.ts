/** What leaves memory together, as the archive keeps it: pure, and the same on both sides of the wire. */
import type { Approval } from './approval.ts';
import type { Attempt } from './attempt.ts';
import { emptyState, type State } from './evolve.ts';
import { runEnded, type Run, type RunArtifact, type Stage } from './run.ts';
import { approvalsOf, attemptsOf, tasksOf } from './select.ts';
import { taskEnded, type Task } from './task.ts';

/** A finished run with all that belongs to it. */
export interface RunDocument {
  run: Run;
  stages: Stage[];
  artifacts: (RunArtifact & { name: string })[];
  tasks: Task[];
  attempts: Attempt[];
  approvals: Approval[];
}

/** A finished task of no run, with its attempts. */
export interface TaskDocument {
  task: Task;
  attempts: Attempt[];
}

/** A run that was just ended may still be leaving its worktrees; after so long nothing of that comes any more, in milliseconds. */
const LEAVING_MS = 600_000;

/** True when nothing about the run can change by itself any more; `now` in milliseconds since 1970. */
export function runSettled(state: State, run: Run, now: number): boolean {
  if (!runEnded(run) || run.merge?.state === 'undoing' || run.merge?.state === 'started') return false;
  // What does the work of a stage stays as long as the run of that stage goes on.
  const parent = state.runs.get(run.parent?.run ?? '');
  if (parent && !runEnded(parent)) return false;
  if (now - Date.parse(run.endedAt ?? '') > LEAVING_MS) return true;
  for (const attempt of state.attempts.values()) {
    if (attempt.run === run.id && (attempt.endedAt === undefined || (attempt.workspace && !attempt.workspace.left))) return false;
  }
  return true;
}

/** True for a task of no run that nothing can change any more. */
export function taskSettled(task: Task): boolean {
  return task.run === undefined && taskEnded(task);
}

/** All that the state has of a run. */
export function documentOf(state: State, run: Run): RunDocument {
  const tasks = tasksOf(state, run.id);
  return {
    run,
    stages: [...(state.stages.get(run.id)?.values() ?? [])],
    artifacts: [...(state.artifacts.get(run.id) ?? [])].map(([name, artifact]) => ({ name, ...artifact })),
    tasks,
    attempts: [...state.attempts.values()].filter((a) => a.run === run.id),
    approvals: approvalsOf(state, run.id),
  };
}

/** All that the state has of a task of no run. */
export function taskDocumentOf(state: State, task: Task): TaskDocument {
  const only = task.token <= 1 ? state.attempts.get(task.attempt ?? '') : undefined;
  return { task, attempts: task.token > 1 ? attemptsOf(state, task.id) : only ? [only] : [] };
}

/** The state of a scope that holds just this run. */
export function stateOf(document: RunDocument, { seq, at, epoch }: Pick<State, 'seq' | 'at' | 'epoch'>): State {
  const { run, stages, artifacts, tasks, attempts, approvals } = document;
  return {
    ...emptyState(),
    seq,
    at,
    epoch,
    runs: new Map([[run.id, run]]),
    stages: new Map([[run.id, new Map(stages.map((stage) => [stage.id, stage]))]]),
    artifacts: new Map([[run.id, new Map(artifacts.map(({ name, ...artifact }) => [name, artifact]))]]),
    tasks: new Map(tasks.map((task) => [task.id, task])),
    attempts: new Map(attempts.map((attempt) => [attempt.id, attempt])),
    approvals: new Map(approvals.map((approval) => [approval.id, approval])),
  };
}

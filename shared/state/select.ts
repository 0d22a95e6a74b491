/** Questions that several sides ask of the state. */
import type { Approval } from './approval.ts';
import type { Attempt } from './attempt.ts';
import type { State } from './evolve.ts';
import type { Stage } from './run.ts';
import type { Task } from './task.ts';

/** The approvals that belong to a run, oldest first. */
export function approvalsOf(state: State, run: string): Approval[] {
  return [...state.approvals.values()].filter((a) => a.run === run);
}

/** The tasks of a run, oldest first. */
export function tasksOf(state: State, run: string): Task[] {
  return [...state.tasks.values()].filter((t) => t.run === run);
}

/** The attempts at a task, oldest first. */
export function attemptsOf(state: State, task: string): Attempt[] {
  return [...state.attempts.values()].filter((a) => a.task === task);
}

/** A stage of a run, once it has begun or was skipped. */
export function stageOf(state: State, run: string, stage: string): Stage | undefined {
  return state.stages.get(run)?.get(stage);
}

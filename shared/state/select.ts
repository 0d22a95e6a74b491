/** Questions that several sides ask of the state. */
import type { Approval } from './approval.ts';
import type { Attempt } from './attempt.ts';
import type { State } from './evolve.ts';
import { runEnded, type Run, type Stage } from './run.ts';
import { isDeadLetter, type Task, taskEnded } from './task.ts';

/** The approvals that belong to a run, oldest first. */
export function approvalsOf(state: State, run: string): Approval[] {
  return [...state.approvals.values()].filter((a) => a.run === run);
}

/** The runs under way that do the work of a run's stages, and of theirs. */
export function childrenOf(state: State, run: string): Run[] {
  const mine = [...state.runs.values()].filter((one) => one.parent?.run === run && !runEnded(one));
  return mine.flatMap((one) => [one, ...childrenOf(state, one.id)]);
}

/** Whether a run is that run, or does the work of one of its stages: its id says so. */
export function isOfRun(run: string | undefined, of: string): boolean {
  return run === of || (run?.startsWith(`${of}.`) ?? false);
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

/** What of a run waits for an agent or is under way, by stage: its work, checks of it, and what is said about it. */
export function openTasksOf(state: State, run: string): Map<string, Task[]> {
  const found = new Map<string, Task[]>();
  const active = [...state.active].map((attempt) => state.attempts.get(attempt)?.task ?? '');
  for (const id of [...state.pending, ...active]) {
    const task = state.tasks.get(id);
    if (task?.run !== run || taskEnded(task)) continue;
    const known = found.get(task.stage ?? '');
    if (known) known.push(task);
    else found.set(task.stage ?? '', [task]);
  }
  return found;
}

/** The failed tasks in memory that nothing more is tried for until a person says so, oldest first. */
export function listDeadLetters(state: State): Task[] {
  return [...state.tasks.values()].filter((task) =>
    isDeadLetter(task, state.runs.get(task.run ?? ''), stageOf(state, task.run ?? '', task.stage ?? '')),
  );
}

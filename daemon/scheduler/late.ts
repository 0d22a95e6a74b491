// Times that stages should keep: a warning when 80 % of one is over, and once more when all of it is.
import { type Deadline, type Run, runEnded, type Stage } from '../../shared/state/run.ts';
import type { State } from '../../shared/state/evolve.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import type { CommandOf } from '../commands.ts';

/** Part of a time after which it is warned of. */
const WARN_AT = 0.8;

/** What is late by `now` (milliseconds since 1970) and was not said yet. A paused run is not late. */
export function listLate(state: State, now: number): CommandOf<'stage/late'>[] {
  return [...state.runs.values()]
    .filter((run) => !runEnded(run) && run.status !== 'paused')
    .flatMap((run) => [...(state.stages.get(run.id)?.values() ?? [])].flatMap((stage) => listLateOf(state, run, stage, now)));
}

function listLateOf(state: State, run: Run, stage: Stage, now: number): CommandOf<'stage/late'>[] {
  if (!stage.deadlines || stageEnded(stage)) return [];
  return stage.deadlines.flatMap((deadline): CommandOf<'stage/late'>[] => {
    const part = (now - Date.parse(deadline.from)) / deadline.ms;
    const level = part >= 1 ? 'missed' : part >= WARN_AT ? 'warning' : undefined;
    if (level === undefined || deadline.level === level || deadline.level === 'missed' || isKept(state, run, stage, deadline)) return [];
    return [{ type: 'stage/late', run: run.id, stage: stage.id, what: deadline.what, level }];
  });
}

/** Whoever took a handoff has begun, or has shown something. */
function isKept(state: State, run: Run, stage: Stage, { what }: Deadline): boolean {
  const task = state.tasks.get(stage.task ?? '');
  if (what === 'acknowledge') return task !== undefined && task.status !== 'pending' && task.status !== 'assigned';
  if (what === 'sla') return false;
  if (task?.commit !== undefined) return true;
  for (const artifact of state.artifacts.get(run.id)?.values() ?? []) if (artifact.stage === stage.id && !artifact.stale) return true;
  return false;
}

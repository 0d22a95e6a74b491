// Stages that are held up: their time is over, or their work waits for an agent. The longer, the higher the level that is told.
import type { Escalation } from '../../shared/state/action.ts';
import type { State } from '../../shared/state/evolve.ts';
import { type Run, runEnded, type Stage } from '../../shared/state/run.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import type { CommandOf } from '../commands.ts';

/** The levels that have to be told by `now` (milliseconds since 1970) and were not. What waits for a person's answer escalates as a question. */
export function listHeldUp(state: State, now: number, escalation: readonly Escalation[]): CommandOf<'stage/escalate'>[] {
  if (escalation.length === 0) return [];
  const runs = [...state.runs.values()].filter((run) => !runEnded(run) && run.status !== 'paused' && run.cancelReason === undefined);
  return runs.flatMap((run) =>
    [...(state.stages.get(run.id)?.values() ?? [])].flatMap((stage) => listLevels(state, run, stage, { now, escalation })),
  );
}

function listLevels(
  state: State,
  run: Run,
  stage: Stage,
  { now, escalation }: { now: number; escalation: readonly Escalation[] },
): CommandOf<'stage/escalate'>[] {
  if (stageEnded(stage)) return [];
  const held = [...listMissed(stage), ...listWaiting(state, stage)].sort((a, b) => a.since - b.since)[0];
  if (!held) return [];
  const since = new Date(held.since).toISOString();
  const reached = escalation.filter(({ level, afterMs }) => level > (stage.escalated?.level ?? 0) && held.since + afterMs <= now);
  return reached.map((step) => ({ type: 'stage/escalate', run: run.id, stage: stage.id, step, why: held.why, since }));
}

interface HeldUp {
  since: number;
  why: string;
}

const WHAT = {
  sla: 'It should be done by now',
  acknowledge: 'Nobody has begun with it in time',
  first_output: 'It has shown nothing in time',
};

function listMissed({ deadlines = [] }: Stage): HeldUp[] {
  return deadlines
    .filter(({ level }) => level === 'missed')
    .map(({ what, from, ms }) => ({ since: Date.parse(from) + ms, why: `${WHAT[what]}.` }));
}

function listWaiting(state: State, stage: Stage): HeldUp[] {
  const task = state.tasks.get(stage.task ?? '');
  if (task?.status !== 'pending' || (task.waitsFor !== 'agent' && task.waitsFor !== 'quota')) return [];
  const why =
    task.waitsFor === 'agent' ? `Its work waits for the agent ${task.wants}.` : `Its work is held: ${task.message ?? 'a quota is used up'}`;
  return [{ since: Date.parse(task.heldAt ?? task.submittedAt), why: why.slice(0, 500) }];
}

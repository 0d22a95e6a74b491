import type { State } from '../../shared/state/evolve.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { CommandOf } from '../commands.ts';
import { event, ofRun, refuse, type Verdict } from './context.ts';

/** Records that a stage has what was handed to it, with the digests of it; a handoff is accepted once in a turn. */
export function acceptHandoff(state: State, command: CommandOf<'handoff/accept'>): Verdict {
  const { run: id, stage: stageId, handoff, from, artifacts, context } = command;
  const run = state.runs.get(id);
  const stage = stageOf(state, id, stageId);
  if (!run || !stage) return refuse('not_found', `There is no run ${id} with a stage ${stageId}.`, { run: id });
  if (stage.status !== 'admitted' || stage.accepted?.[handoff] !== undefined) return [];
  const { acknowledgeMs, firstOutputMs } = command;
  const times = { ...(acknowledgeMs === undefined ? {} : { acknowledgeMs }), ...(firstOutputMs === undefined ? {} : { firstOutputMs }) };
  const data = { handoff, from, to: stageId, artifacts, context, ...times };
  return [event('handoff.accepted', `run/${id}`, ofRun(run, stageId), data)];
}

/** Records what a handoff lacks; the engine goes back with it. */
export function returnHandoff(state: State, command: CommandOf<'handoff/return'>): Verdict {
  const { run: id, stage: stageId, round, handoff, from, to, missing } = command;
  const run = state.runs.get(id);
  const stage = stageOf(state, id, stageId);
  if (!run || !stage) return refuse('not_found', `There is no run ${id} with a stage ${stageId}.`, { run: id });
  if (stage.status !== 'deciding' || stage.round !== round || stage.missing !== undefined) return [];
  return [event('handoff.returned', `run/${id}`, ofRun(run, stageId), { handoff, from, to, missing })];
}

import type { State } from '../../shared/state/evolve.ts';
import { stageOf } from '../../shared/state/select.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import type { CommandOf } from '../commands.ts';
import { event, ofRun, refuse, type Verdict } from './context.ts';
import { isAsked } from './waiting.ts';

/** Agents that one level names in the record. */
const MAX_TOLD = 50;

/** Tells the next level that a stage is held up; each level once, and never back. */
export function escalateStage(state: State, { run: id, stage: name, step, why, since }: CommandOf<'stage/escalate'>): Verdict {
  const run = state.runs.get(id);
  if (!run) return refuse('not_found', `There is no run ${id}.`, { run: id });
  const stage = stageOf(state, id, name);
  if (!stage || stageEnded(stage) || (stage.escalated?.level ?? 0) >= step.level) return [];
  const worker = state.tasks.get(stage.task ?? '')?.wants;
  const others = [...state.agents.keys()].filter((agent) => agent !== worker && isAsked(state, step, agent));
  const told = step.level === 3 ? [] : others.slice(0, MAX_TOLD);
  return [event('stage.escalated', `run/${id}`, ofRun(run, name), { level: step.level, told, why, since })];
}

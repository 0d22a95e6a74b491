import type { State } from '../../shared/state/evolve.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { CommandOf } from '../commands.ts';
import { event, ofRun, refuse, type Verdict } from './context.ts';

/** A round of a deliberation begins: the first of an admitted stage, or the next when the votes of the one before are there. */
export function beginRound(state: State, command: CommandOf<'stage/deliberate'>): Verdict {
  const { type: _, run: id, stage: name, ...data } = command;
  const run = state.runs.get(id);
  if (!run) return refuse('not_found', `There is no run ${id}.`, { run: id });
  const stage = stageOf(state, id, name);
  const before = stage?.deliberation?.rounds.length ?? 0;
  const first = stage?.status === 'admitted' && data.round === 1;
  const next = stage?.status === 'running' && stage.deliberation?.round === before && data.round === before + 1;
  if (!first && !next) return [];
  return [event('stage.deliberating', `run/${id}`, ofRun(run, name), data)];
}

/** What the members said in a round; each round once. */
export function recordVotes(state: State, command: CommandOf<'stage/vote'>): Verdict {
  const { run: id, stage: name, stageRound, round, votes, transcript } = command;
  const run = state.runs.get(id);
  if (!run) return refuse('not_found', `There is no run ${id}.`, { run: id });
  const stage = stageOf(state, id, name);
  const { deliberation } = stage ?? {};
  const open = stage?.status === 'running' && stage.round === stageRound && deliberation?.round === round;
  if (!open || (deliberation?.rounds.length ?? 0) >= round) return [];
  return [event('stage.voted', `run/${id}`, ofRun(run, name), { round, votes, transcript })];
}

import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';

/** The commit that a stage works on: that of the stage it builds on, else the newest that its needs ended with, else the run's. */
export function baseOf(state: State, run: Run, def: StageDefinition): string | undefined {
  const from = stageOf(state, run.id, def.id)?.from;
  if (from !== undefined) return from;
  if (typeof def.worktree === 'object') return stageOf(state, run.id, def.worktree.from)?.commit ?? run.base;
  for (const id of [...def.needs].reverse()) {
    const commit = handedOn(state, run, def, id);
    if (commit !== undefined) return commit;
  }
  return run.base;
}

/** The commit that a stage hands on to one that needs it. What did not pass its gate is no ground to build on; only a cleanup sees it. */
export function handedOn(state: State, run: Run, to: StageDefinition, id: string): string | undefined {
  const stage = stageOf(state, run.id, id);
  return stage?.status === 'completed' || to.cleanup ? stage?.commit : undefined;
}

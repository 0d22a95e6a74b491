import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';

/** The commit that a stage works on: that of the stage it builds on, else the newest that its needs ended with, else the run's. */
export function baseOf(state: State, run: Run, def: StageDefinition): string | undefined {
  const from = stageOf(state, run.id, def.id)?.from;
  if (from !== undefined) return from;
  const named = typeof def.worktree === 'object' ? [def.worktree.from] : [...def.needs].reverse();
  for (const id of named) {
    const commit = stageOf(state, run.id, id)?.commit;
    if (commit !== undefined) return commit;
  }
  return run.base;
}

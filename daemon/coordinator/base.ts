import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import { attemptsOf, stageOf } from '../../shared/state/select.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { baseOf, handedOn } from '../workflow/base.ts';
import { graphOf } from '../workflow/graph.ts';

export { baseOf } from '../workflow/base.ts';

/** All commits that a stage's worktree begins with: of each stage that it needs, or, where that made none, of those before. */
export function listBases(state: State, run: Run, def: StageDefinition, definition: WorkflowDefinition): string[] {
  const first = stageOf(state, run.id, def.id)?.from;
  if (first !== undefined) return [first];
  if (typeof def.worktree === 'object') return [baseOf(state, run, def) ?? ''].filter((commit) => commit !== '');
  const { byId, instances } = graphOf(definition);
  const found = new Set<string>();
  // What is done for each item of a list ends with the commits of all items.
  const parts = (id: string): string[] => (instances.get(id) ?? []).map((instance) => instance.id);
  const seen = new Set(def.needs);
  // Grows while it is gone over: what made no commit passes on what it was made from.
  for (const id of seen) {
    const commit = handedOn(state, run, def, id);
    if (commit !== undefined) found.add(commit);
    else for (const need of [...parts(id), ...(parts(id).length > 0 ? [] : (byId.get(id)?.needs ?? []))]) seen.add(need);
  }
  return found.size > 0 ? [...found] : run.base === undefined ? [] : [run.base];
}

/** What earlier attempts at the task have committed already, oldest first. */
export function committedBefore(state: State, task: string): { key: string; commit: string }[] {
  return attemptsOf(state, task).flatMap((a) => a.commits);
}

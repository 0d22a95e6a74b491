// Merges into one branch go one after the other: each is decided, asked about and done before the next one looks at the branch.
import type { State } from './evolve.ts';
import { runEnded, type Run } from './run.ts';
import { stageEnded } from './stage.ts';

/** The run whose merge into the same branch of the same repository is being decided or done, if there is one. */
export function mergeAhead(state: State, run: Run): Run | undefined {
  return othersInto(state, run).find((other) =>
    [...(state.stages.get(other.id)?.values() ?? [])].some((s) => s.merges === true && !stageEnded(s)),
  );
}

/** The runs that may have waited for this one's merge, those that were submitted first before the others. */
export function othersInto(state: State, { id, into, commonDir }: Run): Run[] {
  if (into === undefined || commonDir === undefined) return [];
  return [...state.runs.values()].filter((one) => one.id !== id && one.into === into && one.commonDir === commonDir && !runEnded(one));
}

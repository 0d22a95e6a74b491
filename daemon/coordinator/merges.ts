import type { MergeResult } from '../commands.ts';
import type { Run } from '../../shared/state/run.ts';
import type { RepoWithPath } from '../workspace/merge.ts';
import type { EffectContext } from './reactor.ts';

/** The repository of a run, as the workspace wants it. */
export function placeOfRun(run: Run): RepoWithPath | undefined {
  if (run.gitDir === undefined || run.commonDir === undefined) return undefined;
  return { gitDir: run.gitDir, commonDir: run.commonDir, ...(run.repo === undefined ? {} : { path: run.repo }) };
}

/** The stable code and sentence of whatever was thrown. */
export function explain(error: unknown): { code: string; message: string } {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code.slice(0, 100) : 'internal',
    message: (typeof message === 'string' ? message : String(error)).slice(0, 2_000),
  };
}

/** Merges as recorded. Doing it again after a crash gives the same commit and moves the branch once. */
export async function performMerge({ ports, state, tell }: EffectContext, id: string, cause: string): Promise<void> {
  const run = state.runs.get(id);
  const repo = run && placeOfRun(run);
  if (!run?.merge || !repo) return;
  const { into, expected, from, effect, message, startedAt: at, how = 'merge' } = run.merge;
  const stage = [...(state.stages.get(id)?.values() ?? [])].find((s) => s.status === 'running' && s.task === undefined)?.id ?? 'merge';
  const result = await attemptMove(expected, () => ports.workspace.mergeBranch({ repo, into, expected, from, effect, at, message, how }));
  await tell({ type: 'merge/end', run: id, stage, result }, cause);
}

/** Takes the run's merge back, as recorded. */
export async function performUndo({ ports, state, tell }: EffectContext, id: string, cause: string): Promise<void> {
  const run = state.runs.get(id);
  const repo = run && placeOfRun(run);
  if (!run?.merge?.undo || run.merge.commit === undefined || !repo) return;
  const { into: branch, commit: merge, undo, how, expected } = run.merge;
  const before = how === undefined ? {} : { before: expected };
  const request = { repo, branch, merge, ...before, effect: undo.effect, at: undo.at };
  const result = await attemptMove(merge, () => ports.workspace.undoMerge(request));
  await tell({ type: 'undo/end', run: id, result }, cause);
}

async function attemptMove(previous: string, move: () => Promise<{ commit: string }>): Promise<MergeResult> {
  try {
    const { commit } = await move();
    return { ok: true, commit, previous };
  } catch (error) {
    return { ok: false, ...explain(error) };
  }
}

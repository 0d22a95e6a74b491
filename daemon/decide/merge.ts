import type { NewEvent } from '../../shared/events/envelope.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import { approvalsOf, stageOf } from '../../shared/state/select.ts';
import type { CommandOf } from '../commands.ts';
import { event, ofRun, refuse, type Verdict } from './context.ts';

/** Records the intent to merge, and uses the grant with it. The effect carries the event's id, so that it happens once. */
export function startMerge(state: State, command: CommandOf<'merge/start'>): Verdict {
  const run = state.runs.get(command.run);
  const stage = run && stageOf(state, run.id, command.stage);
  if (!run || !stage) return refuse('not_found', `There is no run ${command.run} with a stage ${command.stage}.`);
  const passed = stage.status === 'checking' && (stage.judged?.every((result) => result.passed) ?? false);
  if (stage.status !== 'admitted' && !passed) return [];
  const asked = stage.proposed.find((p) => p.key === 'merge')?.approval;
  const grant = asked === undefined ? undefined : state.approvals.get(asked);
  if (asked !== undefined && grant?.status !== 'granted') {
    return refuse('policy_denied', 'The merge was not granted, or its grant is gone.', { approval: asked });
  }
  const { into, from, expected, tree, message, how } = command;
  const of = ofRun(run, stage.id);
  const what = { into, from, expected, tree, approval: asked ?? '', message, ...(how === 'merge' ? {} : { how }) };
  const started = event('workspace.merge_started', `run/${run.id}`, of, what);
  return [...useGrant(state, run, asked), started];
}

function useGrant(state: State, run: Run, id: string | undefined): NewEvent[] {
  const grant = approvalsOf(state, run.id).find((a) => a.id === id);
  return grant ? [event('approval.used', `approval/${grant.id}`, ofRun(run, grant.stage), { approval: grant.id })] : [];
}

export function endMerge(state: State, command: CommandOf<'merge/end'>): Verdict {
  const run = state.runs.get(command.run);
  if (!run?.merge) return refuse('not_found', `The run ${command.run} has no merge.`, { run: command.run });
  if (run.merge.state !== 'started') return [];
  const { result } = command;
  const of = ofRun(run, command.stage);
  const { into } = run.merge;
  if (!result.ok) return [event('workspace.merge_failed', `run/${run.id}`, of, { into, code: result.code, message: result.message })];
  return [event('workspace.merged', `run/${run.id}`, of, { into, commit: result.commit, previous: result.previous })];
}

/** Records the intent to take a merge back. A failed undo may be tried again. */
export function startUndo(state: State, command: CommandOf<'undo/start'>): Verdict {
  const run = state.runs.get(command.run);
  if (!run) return refuse('not_found', `There is no run ${command.run}.`, { run: command.run });
  const { merge } = run;
  if (merge?.state === 'undoing') return [];
  if (!merge?.commit || (merge.state !== 'merged' && merge.state !== 'undo_failed')) {
    const why = merge?.state === 'undone' ? 'Its merge was taken back already.' : 'The run merged nothing.';
    return refuse('nothing_to_undo', why, { run: run.id, ...(merge?.undo?.commit === undefined ? {} : { commit: merge.undo.commit }) });
  }
  return [event('workspace.undo_started', `run/${run.id}`, ofRun(run), { branch: merge.into, merge: merge.commit, by: command.by })];
}

export function endUndo(state: State, command: CommandOf<'undo/end'>): Verdict {
  const run = state.runs.get(command.run);
  if (!run?.merge?.commit) return refuse('not_found', `The run ${command.run} has no merge.`, { run: command.run });
  if (run.merge.state !== 'undoing') return [];
  const { result } = command;
  const { into: branch, commit: merge } = run.merge;
  if (!result.ok)
    return [event('workspace.undo_failed', `run/${run.id}`, ofRun(run), { branch, code: result.code, message: result.message })];
  return [event('workspace.undone', `run/${run.id}`, ofRun(run), { branch, merge, commit: result.commit })];
}

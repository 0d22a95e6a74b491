/**
 * The workflow engine: what a run needs next, given its state and its definition. Pure, and safe to ask twice: `decide`
 * records each step once.
 *
 * 1. A stage begins when all that it needs has ended, and at most once per round.
 * 2. What blocks (a failed, canceled or blocked need) blocks everything behind it but the stages that run always.
 * 3. A run ends exactly when all of its stages have; one failed stage that is not optional makes it a failure.
 */
import type { GateResult } from '../../shared/events/stage.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, STAGE_TABLE, type Run, type Stage } from '../../shared/state/run.ts';
import { attemptsOf, stageOf } from '../../shared/state/select.ts';
import { isFinal } from '../../shared/state/table.ts';
import { taskEnded, type Task } from '../../shared/state/task.ts';
import { isPresent, parseReference, type StageDefinition, type WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { resolveArgv, resolveReference, submitStage, type EngineSettings, type Place } from './submit.ts';

/** The commands that bring a run forward; none when it has ended or waits. */
export function advanceRun(state: State, run: Run, definition: WorkflowDefinition, settings: EngineSettings): Command[] {
  if (runEnded(run)) return [];
  if (run.status === 'queued') return [{ type: 'run/begin', run: run.id }];
  const place: Place = { state, run, definition, settings };
  if (run.cancelReason !== undefined) return cancelRest(place, run.cancelReason);
  const steps = definition.stages.flatMap((def) => advanceStage(place, def));
  if (steps.length > 0) return run.status === 'running' ? steps : [{ type: 'run/continue', run: run.id }, ...steps];
  return settle(place);
}

function ended(stage: Stage | undefined): boolean {
  return stage !== undefined && isFinal(STAGE_TABLE, stage.status);
}

/** True when stages behind this one cannot run. */
function blocks(stage: Stage | undefined, def: StageDefinition | undefined): boolean {
  if (stage?.status === 'skipped') return stage.skipped === 'blocked';
  return (stage?.status === 'failed' && !def?.optional) || stage?.status === 'canceled';
}

function advanceStage(place: Place, def: StageDefinition): Command[] {
  const { state, run } = place;
  const stage = stageOf(state, run.id, def.id);
  if (!stage) return beginStage(place, def);
  switch (stage.status) {
    case 'deciding':
      return stage.decided ? admit(state, run, stage) : [];
    case 'admitted':
      return startWork(place, def, stage);
    case 'running':
      return def.merge ? afterMerge(run, def) : afterTask(place, def, stage);
    default:
      return [];
  }
}

function beginStage(place: Place, def: StageDefinition): Command[] {
  const { state, run, definition } = place;
  const needs = def.needs.map((id) => ({ id, stage: stageOf(state, run.id, id), def: definition.stages.find((s) => s.id === id) }));
  if (!needs.every((need) => ended(need.stage))) return [];
  const skip = (reason: string, cause: 'condition' | 'blocked'): Command[] => [
    { type: 'stage/skip', run: run.id, stage: def.id, reason, cause },
  ];
  const blocker = needs.find((need) => blocks(need.stage, need.def));
  if (blocker && !def.always) return skip(`${blocker.id} did not succeed.`, 'blocked');
  const failed = def.when.find((condition) => !isPresent(valueOf(place, condition.value)));
  if (failed) return skip(failed.otherwise ?? `${failed.value} has no value.`, 'condition');
  if (def.merge && run.into === undefined) return skip('No branch to merge into was named; the work stays on its own branch.', 'condition');
  if (typeof def.command === 'string' && !resolveArgv(state, run, def.command)) return skip(`${def.command} has no value.`, 'condition');
  const prepare = def.gate !== undefined || def.approval !== undefined || def.merge !== undefined || def.command !== undefined;
  return [{ type: 'stage/start', run: run.id, stage: def.id, prepare, always: def.always }];
}

function valueOf({ state, run }: Place, reference: string): unknown {
  const parsed = parseReference(reference);
  return parsed && resolveReference(state, run, parsed);
}

/** Once every question of the stage is settled, what may be done is known. */
function admit(state: State, run: Run, stage: Stage): Command[] {
  const results: GateResult[] = [];
  for (const { key, effect, reason, approval: id } of stage.proposed) {
    const approval = id === undefined ? undefined : state.approvals.get(id);
    if (approval?.status === 'pending') return [];
    if (approval === undefined) {
      results.push({ key, allowed: effect !== 'deny', reason: effect === 'deny' ? reason : '' });
      continue;
    }
    const allowed = approval.status === 'granted' || approval.status === 'used';
    const words = approval.reason ? `: ${approval.reason}` : '.';
    const why = approval.by === undefined ? (approval.reason ?? approval.status) : `${approval.status} by ${approval.by}${words}`;
    results.push({ key, allowed, reason: allowed ? '' : why, approval: approval.id });
  }
  return [{ type: 'stage/admit', run: run.id, stage: stage.id, results }];
}

function startWork(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const { state, run } = place;
  // What a gate refuses is left out of the work; whether the stage may start at all is another question.
  const refused = stage.results.find((r) => !r.allowed && (!def.gate || r.key === 'start'));
  if (refused) {
    const at = { run: run.id, stage: def.id };
    if (def.onDenied === 'skip') return [{ type: 'stage/skip', ...at, reason: refused.reason, cause: 'denied' }];
    return [{ type: 'stage/fail', ...at, code: 'denied', message: refused.reason }];
  }
  if (def.merge) return startMerge(place, def, stage);
  if (!state.agents.has(def.agent ?? '')) {
    const message = `No agent ${def.agent} is registered. \`signalbox agents\` lists those that are.`;
    return [{ type: 'stage/fail', run: run.id, stage: def.id, code: 'agent_unknown', message }];
  }
  return [submitStage(place, def, stage)];
}

function startMerge({ run, definition }: Place, def: StageDefinition, stage: Stage): Command[] {
  const { from = '', expected = '', tree = '' } = stage.facts;
  const message = `Merge ${definition.workflow} run ${run.id.slice(-12)}`;
  return [{ type: 'merge/start', run: run.id, stage: def.id, into: run.into ?? '', from, expected, tree, message }];
}

function afterMerge(run: Run, def: StageDefinition): Command[] {
  const at = { run: run.id, stage: def.id };
  const { merge } = run;
  if (merge?.state === 'merged' || merge?.state === 'undoing' || merge?.state === 'undone') {
    return [{ type: 'stage/complete', ...at, values: { into: merge.into, commit: merge.commit ?? '' } }];
  }
  if (merge?.state !== 'failed') return [];
  if (merge.code === 'branch_moved') return [{ type: 'stage/start', ...at, prepare: true }];
  return [{ type: 'stage/fail', ...at, code: merge.code ?? 'merge_failed', message: merge.problem ?? 'The merge failed.' }];
}

function afterTask(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const { state, run } = place;
  const task = state.tasks.get(stage.task ?? '');
  if (!task || !taskEnded(task)) return [];
  const at = { run: run.id, stage: def.id };
  if (task.status !== 'completed')
    return [{ type: 'stage/fail', ...at, code: task.code ?? task.status, message: task.message ?? `The task was ${task.status}.` }];
  const missing = def.outputs.find((name) => state.artifacts.get(run.id)?.get(name)?.stage !== def.id);
  if (missing !== undefined)
    return [{ type: 'stage/fail', ...at, code: 'output_missing', message: `It ended without its output ${missing}.` }];
  const commit = lastCommit(state, task);
  return [{ type: 'stage/complete', ...at, values: { ...task.values }, ...(commit === undefined ? {} : { commit }) }];
}

function lastCommit(state: State, task: Task): string | undefined {
  return attemptsOf(state, task.id)
    .flatMap((a) => a.commits)
    .at(-1)?.commit;
}

/** Nothing can be started: the run waits for an answer, goes on by itself, or is at its end. */
function settle(place: Place): Command[] {
  const { state, run, definition } = place;
  const stages = [...(state.stages.get(run.id)?.values() ?? [])];
  if (stages.length === definition.stages.length && stages.every(ended)) return finish(place, stages);
  const open = stages
    .flatMap((s) => s.proposed)
    .flatMap((p) => (p.approval !== undefined && state.asked.has(p.approval) ? [p.approval] : []));
  const moving = stages.some((s) => s.status === 'running' || s.status === 'admitted' || (s.status === 'deciding' && !s.decided));
  if (!moving && open.length > 0) return run.status === 'waiting_approval' ? [] : [{ type: 'run/wait', run: run.id, approvals: open }];
  return run.status === 'waiting_approval' ? [{ type: 'run/continue', run: run.id }] : [];
}

function finish({ run, definition }: Place, stages: Stage[]): Command[] {
  if (run.status !== 'running') return [{ type: 'run/continue', run: run.id }];
  const failed = stages.filter((s) => s.status === 'failed' && !definition.stages.find((d) => d.id === s.id)?.optional);
  const [first] = failed;
  if (!first) return [{ type: 'run/finish', run: run.id, status: 'success', code: '', summary: `${definition.workflow} is done.` }];
  const summary = `${failed.map((s) => s.id).join(', ')} failed: ${first.reason}`;
  return [{ type: 'run/finish', run: run.id, status: 'failure', code: first.code ?? 'failed', summary: summary.slice(0, 1_000) }];
}

function cancelRest({ state, run }: Place, reason: string): Command[] {
  const open = [...(state.stages.get(run.id)?.values() ?? [])].filter((s) => !ended(s));
  if (open.length === 0) return [{ type: 'run/finish', run: run.id, status: 'canceled', code: 'canceled', summary: reason }];
  return open.flatMap((stage): Command[] => {
    const task = state.tasks.get(stage.task ?? '');
    const merging = stage.status === 'running' && task === undefined;
    if (merging) return run.merge?.state === 'started' ? [] : [{ type: 'stage/cancel', run: run.id, stage: stage.id, reason }];
    if (!task || taskEnded(task)) return [{ type: 'stage/cancel', run: run.id, stage: stage.id, reason }];
    return task.cancelReason === undefined ? [{ type: 'task/cancel', task: task.id, reason }] : [];
  });
}

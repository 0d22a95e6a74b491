/**
 * The workflow engine: what a run needs next, given its state and its definition. Pure, and safe to ask twice: `decide`
 * records each step once.
 *
 * 1. A stage begins when all that it needs has ended, and at most once per round.
 * 2. What blocks (a failed, canceled or blocked need) blocks everything behind it but the stages that run always.
 * 3. A run ends exactly when all of its stages have; one failed stage that is not optional makes it a failure.
 * 4. With `touched` it looks at those stages and at what follows them only: a step costs the same in a run of any size.
 */
import type { GateResult } from '../../shared/events/stage.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run, type Stage } from '../../shared/state/run.ts';
import { isOfRun, openTasksOf, stageOf } from '../../shared/state/select.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { beginStage, passInstanceBy } from './begin.ts';
import { afterCall } from './call.ts';
import { continueDeliberation } from './deliberate.ts';
import { graphOf } from './graph.ts';
import { advanceMatrix } from './matrix.ts';
import { startChecks } from './parts.ts';
import { startWork } from './start.ts';
import { type EngineSettings, type Place } from './submit.ts';
import { afterCheck, afterMerge, afterTask, afterHandoff } from './work.ts';

/** The commands that bring a run forward; none when it has ended, is paused or waits. */
export function advanceRun(
  state: State,
  run: Run,
  definition: WorkflowDefinition,
  { touched, ...settings }: EngineSettings & { touched?: ReadonlySet<string> | undefined },
): Command[] {
  if (runEnded(run)) return [];
  if (run.status === 'queued') return [{ type: 'run/begin', run: run.id }];
  const place: Place = { state, run, definition, settings };
  if (run.cancelReason !== undefined) return cancelRest(place, run.cancelReason);
  if (run.status === 'paused') return [];
  const steps = listCandidates(definition, touched).flatMap((def) => advanceStage(place, def));
  // A step back changes what the others rest on, so it comes alone.
  const back = steps.find((step) => step.type === 'run/return');
  if (back) return [back];
  if (steps.length > 0) return run.status === 'running' ? steps : [{ type: 'run/continue', run: run.id }, ...steps];
  return settle(place);
}

/** The touched stages, their items and those that need them, in the order of the definition. */
function listCandidates(definition: WorkflowDefinition, touched: ReadonlySet<string> | undefined): readonly StageDefinition[] {
  if (!touched) return definition.stages;
  const { byId, followers, instances, position } = graphOf(definition);
  const ids = new Set(touched);
  for (const id of touched) {
    for (const follower of followers.get(id) ?? []) ids.add(follower);
    for (const instance of instances.get(id) ?? []) ids.add(instance.id);
  }
  const found = [...ids].flatMap((id) => byId.get(id) ?? []);
  return found.sort((a, b) => (position.get(a.id) ?? 0) - (position.get(b.id) ?? 0));
}

function advanceStage(place: Place, def: StageDefinition): Command[] {
  const { state, run } = place;
  const stage = stageOf(state, run.id, def.id);
  // What belongs to an item is started by the stage of the list.
  if (!stage) return def.instance ? passInstanceBy(place, def, def.instance.of) : beginStage(place, def);
  switch (stage.status) {
    case 'deciding':
      if (stage.missing) return afterHandoff(place, def, stage);
      return stage.decided ? admit(state, run, stage) : [];
    case 'admitted':
      return startWork(place, def, stage);
    case 'running':
      if (def.call) return afterCall(place, def, stage);
      if (def.matrix) return advanceMatrix(place, def, stage);
      if (def.deliberate) return continueDeliberation(place, def, stage, def.deliberate);
      return def.merge ? afterMerge(run, def) : afterTask(place, def, stage);
    case 'checking':
      return stage.judged ? afterCheck(place, def, stage) : startChecks(place, def, stage);
    default:
      return [];
  }
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

/** Nothing can be started: the run waits for an answer, goes on by itself, or is at its end. */
function settle(place: Place): Command[] {
  const { state, run, definition } = place;
  if ((run.done ?? 0) >= definition.stages.length) {
    const stages = [...(state.stages.get(run.id)?.values() ?? [])];
    if (stages.every(stageEnded)) return finish(place, stages);
  }
  const open = [...state.asked].filter((id) => isOfRun(state.approvals.get(id)?.run, run.id));
  if (open.length > 0 && !isMoving(place))
    return run.status === 'waiting_approval' ? [] : [{ type: 'run/wait', run: run.id, approvals: open }];
  return run.status === 'waiting_approval' ? [{ type: 'run/continue', run: run.id }] : [];
}

/** Whether anything of the run goes on without an answer. */
function isMoving({ state, run, definition }: Place): boolean {
  const { byId } = graphOf(definition);
  for (const stage of state.stages.get(run.id)?.values() ?? []) {
    // What waits for a person, or for the stages of its items, does not move by itself.
    if ((stage.stuck && !stageEnded(stage)) || (stage.items !== undefined && byId.get(stage.id)?.matrix)) continue;
    const child = state.runs.get(stage.child ?? '');
    if (child?.status === 'waiting_approval' && stage.status === 'running') continue;
    if (stage.status === 'running' || stage.status === 'admitted' || (stage.status === 'deciding' && !stage.decided)) return true;
    if (stage.status === 'checking' && !stage.proposed.some((p) => p.approval !== undefined && state.asked.has(p.approval))) return true;
  }
  return false;
}

function finish({ run, definition }: Place, stages: Stage[]): Command[] {
  if (run.status !== 'running') return [{ type: 'run/continue', run: run.id }];
  const { byId } = graphOf(definition);
  const failed = stages.filter((s) => s.status === 'failed' && !byId.get(s.id)?.optional);
  const [first] = failed;
  if (!first) return [{ type: 'run/finish', run: run.id, status: 'success', code: '', summary: `${definition.workflow} is done.` }];
  const summary = `${failed.map((s) => s.id).join(', ')} failed: ${first.reason}`;
  return [{ type: 'run/finish', run: run.id, status: 'failure', code: first.code ?? 'failed', summary: summary.slice(0, 1_000) }];
}

/** Ends what runs; then what was begun is cleaned up, and then the run ends. */
function cancelRest(place: Place, reason: string): Command[] {
  const { state, run, definition } = place;
  const { byId } = graphOf(definition);
  const open = [...(state.stages.get(run.id)?.values() ?? [])].filter((s) => !stageEnded(s) && !byId.get(s.id)?.cleanup);
  if (open.length === 0) {
    const cleanups = definition.stages.filter((def) => def.cleanup && def.needs.some((id) => wasBegun(stageOf(state, run.id, id))));
    const steps = cleanups.flatMap((def) => advanceStage(place, def));
    if (steps.length > 0 || cleanups.some(({ id }) => !stageEnded(stageOf(state, run.id, id)))) return steps;
  }
  if (open.length === 0) return [{ type: 'run/finish', run: run.id, status: 'canceled', code: 'canceled', summary: reason }];
  const tasks = openTasksOf(state, run.id);
  return open.flatMap((stage): Command[] => {
    const child = state.runs.get(stage.child ?? '');
    if (child && !runEnded(child)) return child.cancelReason === undefined ? [{ type: 'run/cancel', run: child.id, reason }] : [];
    const mine = tasks.get(stage.id) ?? [];
    const merging = stage.status === 'running' && stage.task === undefined && run.merge?.state === 'started';
    if (merging) return [];
    if (mine.length === 0) return [{ type: 'stage/cancel', run: run.id, stage: stage.id, reason }];
    return mine.flatMap((task): Command[] => (task.cancelReason === undefined ? [{ type: 'task/cancel', task: task.id, reason }] : []));
  });
}

/** One that was passed by left nothing to clean up. */
function wasBegun(stage: Stage | undefined): boolean {
  return stage !== undefined && stage.status !== 'skipped';
}

// What follows when a stage's work has ended: its outputs, its criteria, and which stages come next.
import { type CriterionResult } from '../../shared/state/gate.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { taskEnded } from '../../shared/state/task.ts';
import type { NextCase } from '../../shared/state/flow.ts';
import { isValueName, type StageDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { scopeOf } from './begin.ts';
import { evaluateWorkflowCondition } from './condition.ts';
import { afterFailure, type Failure } from './failure.ts';
import { readWord } from './parts.ts';
import { startMerge } from './merge-checks.ts';
import type { Place } from './submit.ts';

export { afterHandoff } from './handoffs.ts';

/** A merge that was started: done, tried anew because the branch moved, or failed. */
export function afterMerge(run: Run, def: StageDefinition): Command[] {
  const at = { run: run.id, stage: def.id };
  const { merge } = run;
  if (merge?.state === 'merged' || merge?.state === 'undoing' || merge?.state === 'undone') {
    return [{ type: 'stage/complete', ...at, values: { into: merge.into, commit: merge.commit ?? '' } }];
  }
  if (merge?.state !== 'failed') return [];
  if (merge.code === 'branch_moved') return [{ type: 'stage/start', ...at, prepare: true }];
  return [{ type: 'stage/fail', ...at, code: merge.code ?? 'merge_failed', message: merge.problem ?? 'The merge failed.' }];
}

/** The stage's task has ended: what it made is checked, or what it failed with is answered. */
export function afterTask(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const { state, run } = place;
  const task = state.tasks.get(stage.task ?? '');
  if (!task || !taskEnded(task)) return [];
  const at = { run: run.id, stage: def.id };
  if (task.status === 'canceled' && (def.optional || def.instance))
    return [{ type: 'stage/cancel', ...at, reason: task.message ?? 'canceled' }];
  if (task.status !== 'completed')
    return afterFailure(place, def, stage, {
      code: task.code ?? task.status,
      message: task.message ?? `The task was ${task.status}.`,
    });
  return finishWork(place, def, stage, { values: { ...task.values }, ...(task.commit === undefined ? {} : { commit: task.commit }) });
}

/** The work is done: its outputs must be there, then it is checked where something must hold of it. */
export function finishWork(
  place: Place,
  def: StageDefinition,
  stage: Stage,
  what: { values: Record<string, unknown>; commit?: string },
): Command[] {
  const missing = def.outputs.filter((name) => !isThere(place, def, name, what.values));
  if (missing.length > 0) {
    const message = `It ended without its output${missing.length === 1 ? '' : 's'} ${missing.join(', ')}.`;
    return afterFailure(place, def, stage, { code: 'output_missing', message });
  }
  if (def.criteria || def.approvers) return [{ type: 'stage/check', run: place.run.id, stage: def.id, ...what }];
  return complete(place, def, stage, what);
}

function isThere({ state, run }: Place, def: StageDefinition, name: string, values: Readonly<Record<string, unknown>>): boolean {
  const artifact = state.artifacts.get(run.id)?.get(name);
  if (artifact?.stage === def.id && !artifact.stale) return true;
  return isValueName(name) && values[name] !== undefined;
}

/** Its criteria were judged: what failed goes back to whoever did it. */
export function afterCheck(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const failed = (stage.judged ?? []).filter((result) => !result.passed && !result.advisory);
  if (def.merge) {
    if (failed.length === 0) return startMerge(place, def, stage);
    return afterFailure(place, def, stage, describeMergeCheck(failed, place.run.into ?? ''));
  }
  if (failed.length > 0) return afterFailure(place, def, stage, describeGate(failed));
  const word = readWord(place, def, stage);
  if (word) return word === 'open' ? [] : word;
  return complete(place, def, stage, { values: { ...stage.values }, ...(stage.commit === undefined ? {} : { commit: stage.commit }) });
}

function describeGate(failed: readonly CriterionResult[]): Failure {
  const list = failed.map(({ text, detail }) => `${text}: ${detail}`).join('\n');
  return { code: 'gate_failed', message: `${failed.length === 1 ? 'This does' : 'These do'} not hold:\n${list}` };
}

function describeMergeCheck(failed: readonly CriterionResult[], into: string): Failure {
  const list = failed.map(({ text, detail }) => `${text}: ${detail}`).join('\n');
  return { code: 'merge_checks_failed', message: `${into} stays as it is: merged, the work does not pass its checks.\n${list}` };
}

/** The stage is done, and what comes next is known. */
export function complete(
  place: Place,
  def: StageDefinition,
  stage: Stage,
  what: { values: Record<string, unknown>; commit?: string },
): Command[] {
  const at = { run: place.run.id, stage: def.id };
  const route = chooseNext(place, def, what.values);
  if ('code' in route) return afterFailure(place, def, stage, route);
  return [{ type: 'stage/complete', ...at, ...what, ...(route.chosen === undefined ? {} : { chosen: route.chosen }) }];
}

/** Which of the stages that may come next do: those of the first case that holds. */
function chooseNext(place: Place, def: StageDefinition, values: Record<string, unknown>): { chosen?: string[] } | Failure {
  if (!def.next) return {};
  for (const one of def.next) {
    const holds = caseHolds(place, def, one, values);
    if (typeof holds !== 'boolean') return holds;
    if (holds) return { chosen: [...one.to] };
  }
  const value = def.next.find((one) => one.value !== undefined)?.value;
  const said = value === undefined ? '' : ` for \`${value}\` = ${JSON.stringify(values[value] ?? null).slice(0, 200)}`;
  return { code: 'no_route', message: `Nothing says what follows${said}.` };
}

function caseHolds(place: Place, def: StageDefinition, one: NextCase, values: Record<string, unknown>): boolean | Failure {
  if (one.value !== undefined) return one.equals !== undefined && sayValue(values[one.value]) === one.equals;
  if (one.if === undefined) return true;
  const outcome = evaluateWorkflowCondition(one.if, scopeOf(place, values, def));
  return outcome.ok ? outcome.value : { code: 'condition_failed', message: outcome.error };
}

function sayValue(value: unknown): string | undefined {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

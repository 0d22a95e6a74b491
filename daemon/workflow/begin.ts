// When a stage may begin, and whether it does.
import { mergeAhead } from '../../shared/state/merge-turn.ts';
import type { Stage } from '../../shared/state/run.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import { stageOf } from '../../shared/state/select.ts';
import { taskEnded } from '../../shared/state/task.ts';
import { isPresent, parseReference, type StageDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { evaluateWorkflowCondition, type ConditionScope } from './condition.ts';
import { needsPreparing } from './failure.ts';
import { graphOf } from './graph.ts';
import { resolveArgv, resolveReference, seenBy, type Place } from './submit.ts';

interface Need {
  id: string;
  stage: Stage;
  def: StageDefinition | undefined;
}

/** What a stage that has not begun leads to: nothing yet, its start, or that it is skipped. */
export function beginStage(place: Place, def: StageDefinition): Command[] {
  if (def.join) return beginJoin(place, def);
  const needs = readNeeds(place, def);
  if (!needs) return [];
  const at = { run: place.run.id, stage: def.id };
  if (!def.always) {
    const reason = whyNot(needs, def);
    if (reason) return [{ type: 'stage/skip', ...at, ...reason }];
  }
  const condition = whyNotByCondition(place, def);
  if (condition) return [{ ...at, ...condition }];
  if (def.merge && mergeAhead(place.state, place.run)) return [];
  const slaMs = def.slaMs === undefined ? {} : { slaMs: def.slaMs };
  const merges = def.merge ? ({ merges: true } as const) : {};
  return [{ type: 'stage/start', ...at, prepare: needsPreparing(def), always: def.always, ...slaMs, ...merges }];
}

/** A stage of one item: what its list waited for, and who chose it, was looked at already. */
export function beginInstance(place: Place, def: StageDefinition): Command[] {
  const at = { run: place.run.id, stage: def.id };
  const condition = whyNotByCondition(place, def);
  if (condition) return [{ ...at, ...condition }];
  return [{ type: 'stage/start', ...at, prepare: needsPreparing(def), always: def.always }];
}

/** An item that is there from an earlier turn, and whose list ends without being begun in this one, is passed by with it: the run waits for each. */
export function passInstanceBy({ state, run }: Place, def: StageDefinition, of: string): Command[] {
  const list = stageOf(state, run.id, of);
  if (!list || !stageEnded(list)) return [];
  const reason = `${of} ended before its items began${list.reason === '' ? '.' : `: ${list.reason}`}`.slice(0, 2_000);
  return [{ type: 'stage/skip', run: run.id, stage: def.id, reason, cause: list.skipped ?? 'blocked' }];
}

/** The stages that it needs, once all of them have ended. The last is looked at first: it mostly ends last. */
function readNeeds({ state, run, definition }: Place, def: StageDefinition): Need[] | undefined {
  const { byId } = graphOf(definition);
  const needs: Need[] = [];
  for (const id of def.needs.toReversed()) {
    const stage = stageOf(state, run.id, id);
    if (!stage || !stageEnded(stage)) return undefined;
    needs.push({ id, stage, def: byId.get(id) });
  }
  return needs.reverse();
}

/** True when stages behind this one cannot run. */
function blocks({ stage, def }: Need): boolean {
  if (stage.status === 'skipped') return stage.skipped === 'blocked';
  return (stage.status === 'failed' && !def?.optional) || stage.status === 'canceled';
}

function whyNot(needs: Need[], def: StageDefinition): { reason: string; cause: 'blocked' | 'not_chosen' } | undefined {
  const choosers = needs.filter((need) => def.chosenBy?.includes(need.id));
  const plain = needs.filter((need) => !def.chosenBy?.includes(need.id));
  const blocker = plain.find(blocks);
  if (blocker) return { reason: `${blocker.id} did not succeed.`, cause: 'blocked' };
  const absent = plain.find(({ stage }) => stage.skipped === 'not_chosen');
  if (absent) return { reason: `${absent.id} was not chosen.`, cause: 'not_chosen' };
  if (choosers.length === 0 || choosers.some((need) => chooses(need, def.id))) return undefined;
  const blocked = choosers.find(blocks);
  if (blocked) return { reason: `${blocked.id} did not succeed.`, cause: 'blocked' };
  return { reason: `${choosers.map(({ id }) => id).join(', ')} went on elsewhere.`, cause: 'not_chosen' };
}

/** Whether a stage that has ended is followed by that one. */
function chooses(need: Need, target: string): boolean {
  const { stage, def } = need;
  if (blocks(need) || stage.skipped === 'not_chosen') return false;
  if (stage.chosen) return stage.chosen.includes(target);
  // One that was left out, or failed without harm, reported nothing that a case could look at.
  const plain = def?.next?.find((one) => one.value === undefined && one.if === undefined);
  return plain?.to.includes(target) ?? false;
}

function whyNotByCondition(place: Place, def: StageDefinition): Without<'stage/skip'> | Without<'stage/fail'> | undefined {
  const { state, run } = place;
  const skip = (reason: string) => ({ type: 'stage/skip', reason, cause: 'condition' }) as const;
  const absent = def.when.find((condition) => !isPresent(valueOf(place, condition.value)));
  if (absent) return skip(absent.otherwise ?? `${absent.value} has no value.`);
  if (def.if !== undefined) {
    const outcome = evaluateWorkflowCondition(def.if, scopeOf(place, {}, def));
    if (!outcome.ok) return { type: 'stage/fail', code: 'condition_failed', message: outcome.error };
    if (!outcome.value) return skip(`\`${def.if}\` does not hold.`);
  }
  if (def.merge && run.into === undefined) return skip('No branch to merge into was named; the work stays on its own branch.');
  if (typeof def.command === 'string' && !resolveArgv(state, seenBy(run, def), def.command)) return skip(`${def.command} has no value.`);
  return undefined;
}

type Without<T extends 'stage/skip' | 'stage/fail'> = Omit<Extract<Command, { type: T }>, 'run' | 'stage'>;

function valueOf({ state, run }: Place, reference: string): unknown {
  const parsed = parseReference(reference);
  return parsed && resolveReference(state, run, parsed);
}

/** What a condition can look at, with the values of the stage that it stands in. */
export function scopeOf(
  { state, run }: Place,
  values: Readonly<Record<string, unknown>>,
  { instance }: Pick<StageDefinition, 'instance'>,
): ConditionScope {
  const stages = [...(state.stages.get(run.id)?.values() ?? [])].map((stage) => [stage.id, stage.values] as const);
  return { values, inputs: run.inputs, stages: Object.fromEntries(stages), item: instance?.item ?? null };
}

/** A join is done when enough of what it needs is, and fails when that can be no more. */
function beginJoin(place: Place, def: StageDefinition): Command[] {
  const { count, endRest } = def.join ?? { count: def.needs.length, endRest: false };
  const tally = tallyNeeds(place, def, count === def.needs.length);
  if (!tally) return [];
  const { done, open, left, blocked, lost } = tally;
  const at = { run: place.run.id, stage: def.id };
  if (open === 0 && done.length === 0 && lost === 0) {
    const cause = blocked > 0 ? 'blocked' : 'not_chosen';
    return [{ type: 'stage/skip', ...at, reason: `None of ${def.needs.slice(0, 20).join(', ')} ran.`, cause }];
  }
  // Of all, those that were left out on purpose are not missing; of a number, only what was done counts.
  if (done.length >= count || (count === def.needs.length && done.length + left === count))
    return finishJoin(place, def, { done, endRest: endRest && open > 0 });
  if (done.length + open >= count) return [];
  const missing = def.needs.filter((id) => !done.includes(id)).slice(0, 20);
  const message = `${done.length} of ${count} succeeded: ${missing.join(', ')} did not.`;
  return [{ type: 'stage/fail', ...at, code: 'sync_point', message }];
}

/** How the needs of a join stand; undefined while one is missing and all are wanted. The last is looked at first: it mostly ends last. */
function tallyNeeds({ state, run }: Place, def: StageDefinition, all: boolean) {
  const tally = { done: [] as string[], open: 0, left: 0, blocked: 0, lost: 0 };
  for (const id of def.needs.toReversed()) {
    const stage = stageOf(state, run.id, id);
    if (!stage || !stageEnded(stage)) {
      if (all) return undefined;
      tally.open += 1;
    } else if (stage.status === 'completed') tally.done.push(id);
    else if (stage.status !== 'skipped') tally.lost += 1;
    else if (stage.skipped === 'blocked') tally.blocked += 1;
    else tally.left += 1;
  }
  tally.done.reverse();
  return tally;
}

function finishJoin({ state, run }: Place, def: StageDefinition, { done, endRest }: { done: string[]; endRest: boolean }): Command[] {
  const at = { run: run.id, stage: def.id };
  const chosen = def.next?.[0]?.to;
  const rest = endRest ? def.needs.filter((id) => !done.includes(id)) : [];
  const stop = rest.flatMap((id): Command[] => {
    const stage = stageOf(state, run.id, id);
    if (stageEnded(stage)) return [];
    const reason = `${def.id} goes on without it.`;
    const task = state.tasks.get(stage?.task ?? '');
    // What has just ended comes to its own end.
    if (task) return taskEnded(task) ? [] : [{ type: 'task/cancel', task: task.id, reason }];
    return [{ type: 'stage/cancel', run: run.id, stage: id, reason }];
  });
  const values = { done: done.slice(0, 200), count: done.length };
  return [
    { type: 'stage/start', ...at, prepare: false },
    { type: 'stage/complete', ...at, values, ...(chosen === undefined ? {} : { chosen: [...chosen] }) },
    ...stop,
  ];
}

/**
 * A stage that is done for each item of a list.
 *
 * 1. The stages of the items come into the run's definition when the list is known; their ids are made of their places, so they stay the same.
 * 2. The stage itself starts them, so many at once as it may, and ends when all of them have.
 * 3. What each of them reported is a list with a place for each item.
 */
import type { Stage } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import { taskEnded } from '../../shared/state/task.ts';
import { isValueName, MAX_ITEM_CHARACTERS, MAX_ITEMS, MAX_STAGES, type StageDefinition } from '../../shared/state/workflow.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { beginInstance } from './begin.ts';
import { afterFailure } from './failure.ts';
import { graphOf } from './graph.ts';
import type { Place } from './submit.ts';
import { complete } from './work.ts';

type Matrix = NonNullable<StageDefinition['matrix']>;
/** A value as JSON has it. */
export type Item = NonNullable<StageDefinition['instance']>['item'];

/** What the outputs of a stage become when it is done for each item: a file becomes a list of files. */
export function gatheredName(output: string): string {
  return isValueName(output) || /(\/|\[\])$/.test(output) ? output : `${output}[]`;
}

/** The name in the run of what an instance makes; each has its own. */
export function instanceOutput(id: string, output: string): string {
  return isValueName(output) ? output : `${id}.${output}`;
}

/** The name by which whoever does the work knows an output. */
export function plainOutput({ id, instance }: Pick<StageDefinition, 'id' | 'instance'>, output: string): string {
  return instance && output.startsWith(`${id}.`) ? output.slice(id.length + 1) : output;
}

/** What is wrong with a list of items; empty when nothing is. */
export function findItemsProblem(items: unknown, what: string): string {
  if (!Array.isArray(items)) return `${what} is no list.`;
  if (items.length > MAX_ITEMS) return `${what} has ${items.length} items; a stage is done for at most ${MAX_ITEMS}.`;
  const long = items.findIndex((item) => (JSON.stringify(item) ?? '').length > MAX_ITEM_CHARACTERS);
  if (long < 0) return '';
  return `Item ${long + 1} of ${what} has more than ${MAX_ITEM_CHARACTERS} characters; put what is long into an artifact, and its name into the list.`;
}

/** The definition with a stage for each item; a sentence where there can be none. */
export function expandMatrix(definition: WorkflowDefinition, def: StageDefinition, items: readonly Item[]): WorkflowDefinition | string {
  const { matrix } = def;
  if (!matrix) return definition;
  const instances = items.map((item, place) => makeInstance(def, matrix, item, { index: place + 1, count: items.length }));
  const others = definition.stages.filter(({ instance }) => instance?.of !== def.id);
  const taken = instances.find(({ id }) => others.some((other) => other.id === id));
  if (taken) return `The stage ${taken.id} is there already, so an item of ${def.id} cannot have that id.`;
  if (others.length + instances.length > MAX_STAGES) return `With ${items.length} items the run has more than ${MAX_STAGES} stages.`;
  return { ...definition, stages: others.flatMap((stage) => (stage.id === def.id ? [stage, ...instances] : [stage])) };
}

function makeInstance(
  def: StageDefinition,
  { each }: Matrix,
  item: Item,
  { index, count }: { index: number; count: number },
): StageDefinition {
  const id = `${def.id}-${index}`;
  const own = (name: string): string => (each.outputs.includes(name) ? instanceOutput(id, name) : name);
  const criteria = each.criteria?.map((criterion) =>
    criterion.kind === 'artifact' ? { ...criterion, check: { ...criterion.check, artifact: own(criterion.check.artifact) } } : criterion,
  );
  return {
    ...each,
    id,
    name: `${def.name} (${index} of ${count})`,
    needs: def.needs,
    outputs: each.outputs.map(own),
    ...(criteria ? { criteria } : {}),
    optional: def.optional,
    always: def.always,
    instance: { of: def.id, index, item },
  };
}

/** The stages of a stage's items, in their order. */
export function listInstances(definition: WorkflowDefinition, of: string): StageDefinition[] {
  return graphOf(definition).instances.get(of) ?? [];
}

interface Tally {
  waiting: StageDefinition[];
  open: Stage[];
  lost: Stage[];
  done: number;
}

/** Starts what may start, and ends with the last of them. */
export function advanceMatrix(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const at = { run: place.run.id, stage: def.id };
  const instances = listInstances(place.definition, def.id);
  if (instances.length === 0)
    return [{ type: 'stage/skip', ...at, reason: 'Its list is empty, so there is nothing to do.', cause: 'condition' }];
  const tally = tallyInstances(place, instances);
  const [first] = tally.lost;
  if (first && def.matrix?.failFast && tally.waiting.length + tally.open.length > 0) return endRest(place, tally, first);
  if (tally.open.length + tally.waiting.length > 0) {
    const free = (def.matrix?.maxParallel ?? instances.length) - tally.open.length;
    return tally.waiting.slice(0, Math.max(0, free)).flatMap((instance) => beginInstance(place, instance));
  }
  if (first) {
    const message = `${tally.done} of ${instances.length} succeeded; ${first.id} ${first.status}: ${first.reason}`.slice(0, 2_000);
    return afterFailure(place, def, stage, { code: first.code ?? 'matrix', message });
  }
  const values = gatherValues(place, def, instances);
  if (def.outputs.some((name) => !isValueName(name))) return [{ type: 'stage/check', ...at, values }];
  return complete(place, def, stage, { values });
}

function tallyInstances({ state, run }: Place, instances: readonly StageDefinition[]): Tally {
  const tally: Tally = { waiting: [], open: [], lost: [], done: 0 };
  for (const instance of instances) {
    const stage = stageOf(state, run.id, instance.id);
    if (!stage) tally.waiting.push(instance);
    else if (!stageEnded(stage)) tally.open.push(stage);
    else if (stage.status === 'failed' || stage.status === 'canceled') tally.lost.push(stage);
    else if (stage.status === 'completed') tally.done += 1;
  }
  // What failed comes before what was ended because of it.
  tally.lost.sort((a, b) => Number(a.status === 'canceled') - Number(b.status === 'canceled'));
  return tally;
}

function endRest({ state, run }: Place, { waiting, open }: Tally, first: Stage): Command[] {
  const reason = `${first.id} ${first.status}, and one that fails ends the others.`;
  const skipped = waiting.map(({ id }): Command => ({ type: 'stage/skip', run: run.id, stage: id, reason, cause: 'blocked' }));
  const ended = open.flatMap((stage): Command[] => {
    const task = state.tasks.get(stage.task ?? '');
    if (!task) return [{ type: 'stage/cancel', run: run.id, stage: stage.id, reason }];
    if (taskEnded(task))
      return stage.stuck || stage.status === 'checking' ? [{ type: 'stage/cancel', run: run.id, stage: stage.id, reason }] : [];
    return task.cancelReason === undefined ? [{ type: 'task/cancel', task: task.id, reason }] : [];
  });
  return [...skipped, ...ended];
}

/** A list for each value, with null where an item has none; `items` and `done` count. */
function gatherValues({ state, run }: Place, def: StageDefinition, instances: readonly StageDefinition[]): Record<string, unknown> {
  const stages = instances.map(({ id }) => stageOf(state, run.id, id));
  const list = (name: string): unknown[] => stages.map((stage) => (stage?.status === 'completed' ? (stage.values[name] ?? null) : null));
  const lists = def.outputs.filter(isValueName).map((name) => [name, list(name)] as const);
  return { ...Object.fromEntries(lists), items: instances.length, done: stages.filter((stage) => stage?.status === 'completed').length };
}

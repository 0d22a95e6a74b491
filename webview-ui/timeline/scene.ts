/**
 * The timeline that the webview shows, indexed for drawing: spans by row, sorted by start.
 *
 * 1. `reach[i]` is the latest end of the spans up to i. It never falls, so the first visible span is found by bisection.
 * 2. A change touches only the rows that it names.
 */
import type { TimelineChange, TimelineMark, TimelineModel, TimelineRow, TimelineRun, TimelineSpan } from '../../shared/webview/timeline.ts';

export type Item = TimelineSpan | TimelineMark;

export interface Layer {
  readonly spans: readonly TimelineSpan[];
  readonly reach: readonly number[];
}

/** One row with what is on it: bars (the stage or its attempts), waits over them, marks on top. */
export interface Lane {
  readonly row: TimelineRow;
  readonly bars: Layer;
  readonly waits: Layer;
  readonly marks: readonly TimelineMark[];
}

export interface Scene {
  run: TimelineRun;
  lanes: Lane[];
  /** Index of each row in `lanes`. */
  readonly places: Map<string, number>;
  readonly items: Map<string, Item>;
}

/** What is selected: a row, and mostly something on it. */
export interface Selection {
  row: string;
  item?: string | undefined;
}

/** The name of the stage that a row belongs to. */
export function stageName(scene: Scene, row: TimelineRow): string {
  return scene.lanes[scene.places.get(`stage/${row.stage}`) ?? -1]?.row.label ?? row.stage;
}

/** When an item begins, ms since the epoch. */
export const startOf = (item: Item): number => ('at' in item ? item.at : item.start);

function layerOf(spans: TimelineSpan[]): Layer {
  spans.sort((a, b) => a.start - b.start);
  const reach: number[] = [];
  let latest = -Infinity;
  for (const span of spans) reach.push((latest = Math.max(latest, span.end ?? Infinity)));
  return { spans, reach };
}

function laneOf(row: TimelineRow, items: Iterable<Item>): Lane {
  const bars: TimelineSpan[] = [];
  const waits: TimelineSpan[] = [];
  const marks: TimelineMark[] = [];
  for (const item of items) {
    if ('at' in item) marks.push(item);
    else (item.kind === 'wait' ? waits : bars).push(item);
  }
  marks.sort((a, b) => a.at - b.at);
  return { row, bars: layerOf(bars), waits: layerOf(waits), marks };
}

/** Indexes a whole timeline. */
export function openScene(model: TimelineModel): Scene {
  const scene: Scene = { run: model.run, lanes: [], places: new Map(), items: new Map() };
  const byRow = new Map<string, Item[]>(model.rows.map((row) => [row.id, []]));
  for (const item of [...model.spans, ...model.marks]) {
    scene.items.set(item.id, item);
    byRow.get(item.row)?.push(item);
  }
  scene.lanes = model.rows.map((row) => laneOf(row, byRow.get(row.id) ?? []));
  placeLanes(scene);
  return scene;
}

function placeLanes(scene: Scene): void {
  scene.places.clear();
  for (const [index, lane] of scene.lanes.entries()) scene.places.set(lane.row.id, index);
}

/** Applies a change in place; returns the ids of the rows that look different. */
export function changeScene(scene: Scene, change: TimelineChange): Set<string> {
  const touched = new Set(change.rows.map((row) => row.id));
  const replaced = new Set(change.gone);
  for (const item of [...change.spans, ...change.marks]) replaced.add(item.id);
  const fresh = new Map<string, Item[]>();
  for (const item of [...change.spans, ...change.marks]) {
    touched.add(item.row);
    const group = fresh.get(item.row);
    if (group) group.push(item);
    else fresh.set(item.row, [item]);
  }
  for (const id of replaced) {
    const old = scene.items.get(id);
    if (old) touched.add(old.row);
    scene.items.delete(id);
  }
  for (const item of [...change.spans, ...change.marks]) scene.items.set(item.id, item);
  if (change.run) scene.run = change.run;
  const rows = new Map(change.rows.map((row) => [row.id, row]));
  const order = change.order ?? scene.lanes.map((lane) => lane.row.id);
  scene.lanes = order.flatMap((id) => {
    const old = scene.lanes[scene.places.get(id) ?? -1];
    const row = rows.get(id) ?? old?.row;
    if (!row) return [];
    if (old && !touched.has(id)) return [old];
    const kept = old ? itemsOf(old).filter((item) => !replaced.has(item.id)) : [];
    return [laneOf(row, [...kept, ...(fresh.get(id) ?? [])])];
  });
  placeLanes(scene);
  return touched;
}

/** Everything on a lane in the order of time; what begins together keeps the order stage, wait, mark. */
export function itemsOf(lane: Lane): Item[] {
  const items: Item[] = [...lane.bars.spans, ...lane.waits.spans, ...lane.marks];
  return items.sort((a, b) => startOf(a) - startOf(b));
}

/** Index of the first span of the layer that ends after `time`. */
export function firstReaching(layer: Layer, time: number): number {
  let low = 0;
  let high = layer.reach.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((layer.reach[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The item on the lane whose begin is nearest to `time`. */
export function nearestItem(lane: Lane, time: number): Item | undefined {
  let best: Item | undefined;
  for (const item of itemsOf(lane)) {
    if (best === undefined || Math.abs(startOf(item) - time) < Math.abs(startOf(best) - time)) best = item;
  }
  return best;
}

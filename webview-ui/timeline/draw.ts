/**
 * Where everything goes: (scene, view, frame) -> draw list. Pure geometry in CSS pixels; canvas.ts paints it.
 *
 * 1. Only what can be seen is in the list: rows and spans outside are found by arithmetic and bisection, not visited.
 * 2. Spans and marks that would lie on one another are drawn as one, with the gravest tone, so a row holds at most as many as fit.
 * 3. A span keeps a least width, so that nothing that happened is invisible.
 */
import type { TimelineMark, TimelineRow, TimelineSpan, Tone } from '../../shared/webview/timeline.ts';
import { chooseStep, formatMoment } from './clock.ts';
import { firstReaching, startOf, type Lane, type Layer, type Scene, type Selection } from './scene.ts';
import { AXIS, lastMoment, ROW, toTime, toX, type Frame, type View } from './viewport.ts';

/** A span, or `count` of them, as a box. */
export interface Bar {
  readonly id: string;
  readonly row: string;
  readonly kind: TimelineSpan['kind'];
  x: number;
  y: number;
  w: number;
  h: number;
  tone: Tone;
  count: number;
  text: string;
}

/** A mark, or several, at its middle. */
export interface Glyph {
  readonly ids: string[];
  readonly row: string;
  readonly kind: TimelineMark['kind'];
  readonly x: number;
  readonly y: number;
  tone: Tone;
}

export interface Label {
  readonly row: TimelineRow;
  readonly y: number;
  readonly indent: number;
  /** True when nothing is on the row yet. */
  readonly empty: boolean;
}

export interface DrawList {
  readonly frame: Frame;
  readonly ticks: readonly { x: number; text: string }[];
  readonly labels: readonly Label[];
  readonly bars: readonly Bar[];
  readonly glyphs: readonly Glyph[];
  /** Where the present moment of a live run is. */
  readonly nowX: number | undefined;
  /** The selected row, and the box of what is selected on it; a mark's box is a square. */
  readonly selection: { row: string; box?: { x: number; y: number; w: number; h: number; round: boolean } } | undefined;
  /** The scroll bar of the rows. */
  readonly thumb: { y: number; h: number } | undefined;
}

const LEAST_WIDTH = 2;
/** Spans narrower than this that begin within it of one another are one bar. */
const HEAP = 4;
const GLYPH_GAP = 16;
const TICK_GAP = 88;
const INDENT = 16;
const HEIGHT = { stage: 14, attempt: 10, wait: 14 } as const;
const GRAVITY: Record<Tone, number> = { idle: 0, skipped: 1, success: 2, canceled: 3, running: 4, waiting: 5, failure: 6 };

const graver = (a: Tone, b: Tone): Tone => (GRAVITY[b] > GRAVITY[a] ? b : a);

/** Lays out what can be seen at `now`. */
export function layOut(scene: Scene, view: View, frame: Frame, at: { now: number; selection?: Selection | undefined }): DrawList {
  const bars: Bar[] = [];
  const glyphs: Glyph[] = [];
  const labels: Label[] = [];
  const first = Math.max(0, Math.floor(view.top / ROW));
  const last = Math.min(scene.lanes.length, Math.ceil((view.top + frame.height - AXIS) / ROW));
  for (let index = first; index < last; index++) {
    const lane = scene.lanes[index];
    if (!lane) continue;
    const y = AXIS + index * ROW - view.top;
    const empty = lane.bars.spans.length + lane.marks.length === 0;
    labels.push({ row: lane.row, y, indent: lane.row.kind === 'attempts' ? INDENT : 0, empty });
    layOutSpans(lane.bars, y, { view, frame, now: at.now, bars });
    layOutSpans(lane.waits, y, { view, frame, now: at.now, bars });
    layOutMarks(lane, y, { view, frame, glyphs });
  }
  const nowX = scene.run.live ? toX(view, frame, lastMoment(scene.run, at.now)) : undefined;
  return {
    frame,
    ticks: layOutTicks(view, frame, scene.run.start),
    labels,
    bars,
    glyphs,
    nowX: nowX !== undefined && nowX >= frame.labels && nowX <= frame.width ? nowX : undefined,
    selection: at.selection && layOutSelection(scene, at.selection, { view, frame, now: at.now }),
    thumb: layOutThumb(view, frame, scene.lanes.length),
  };
}

function layOutSpans(layer: Layer, y: number, to: { view: View; frame: Frame; now: number; bars: Bar[] }): void {
  const { view, frame } = to;
  const scale = (frame.width - frame.labels) / (view.end - view.start);
  const left = frame.labels - LEAST_WIDTH;
  let open: Bar | undefined;
  for (let index = firstReaching(layer, view.start); index < layer.spans.length; index++) {
    const span = layer.spans[index];
    if (!span || span.start > view.end) break;
    const from = frame.labels + (span.start - view.start) * scale;
    const until = frame.labels + ((span.end ?? Math.max(to.now, span.start)) - view.start) * scale;
    if (until < left) continue;
    const x = Math.max(from, left);
    const w = Math.max(Math.min(until, frame.width + LEAST_WIDTH) - x, LEAST_WIDTH);
    if (open && w < HEAP && x < open.x + HEAP) {
      open.w = Math.max(open.w, x + w - open.x);
      open.tone = graver(open.tone, span.tone);
      open.count += 1;
      open.text = '';
      continue;
    }
    const h = HEIGHT[span.kind];
    const bar: Bar = {
      id: span.id,
      row: span.row,
      kind: span.kind,
      x,
      y: y + (ROW - h) / 2,
      w,
      h,
      tone: span.tone,
      count: 1,
      text: span.label,
    };
    to.bars.push(bar);
    open = w < HEAP ? bar : undefined;
  }
}

function layOutMarks(lane: Lane, y: number, to: { view: View; frame: Frame; glyphs: Glyph[] }): void {
  let open: Glyph | undefined;
  for (const mark of lane.marks) {
    if (mark.at < view0(to.view, to.frame)) continue;
    if (mark.at > to.view.end) break;
    const x = toX(to.view, to.frame, mark.at);
    if (open && x - open.x < GLYPH_GAP) {
      open.ids.push(mark.id);
      open.tone = graver(open.tone, mark.tone);
      continue;
    }
    open = { ids: [mark.id], row: mark.row, kind: mark.kind, x, y: y + ROW / 2, tone: mark.tone };
    to.glyphs.push(open);
  }
}

/** The begin of the view, less half a glyph, so that a mark at the edge is not cut off. */
const view0 = (view: View, frame: Frame): number => toTime(view, frame, frame.labels - GLYPH_GAP / 2);

/** The selected item is framed where it is, also when it was drawn as part of a heap. */
function layOutSelection(scene: Scene, selection: Selection, to: { view: View; frame: Frame; now: number }): DrawList['selection'] {
  const { view, frame } = to;
  const item = scene.items.get(selection.item ?? '');
  const place = scene.places.get(selection.row);
  if (!item || place === undefined) return { row: selection.row };
  const middle = AXIS + (place + 0.5) * ROW - view.top;
  const from = toX(view, frame, startOf(item));
  if ('at' in item) return { row: selection.row, box: { x: from - 10, y: middle - 10, w: 20, h: 20, round: true } };
  const h = HEIGHT[item.kind];
  const x = Math.max(from, frame.labels - 4);
  const w = Math.max(Math.min(toX(view, frame, item.end ?? Math.max(to.now, item.start)), frame.width + 4) - x, LEAST_WIDTH);
  return { row: selection.row, box: { x, y: middle - h / 2, w, h, round: false } };
}

function layOutTicks(view: View, frame: Frame, origin: number): { x: number; text: string }[] {
  const width = frame.width - frame.labels;
  if (width <= 0) return [];
  const step = chooseStep((view.end - view.start) / width, TICK_GAP);
  const ticks: { x: number; text: string }[] = [];
  for (let index = Math.ceil((view.start - origin) / step); origin + index * step <= view.end; index++) {
    ticks.push({ x: toX(view, frame, origin + index * step), text: formatMoment(index * step, step) });
  }
  return ticks;
}

function layOutThumb(view: View, frame: Frame, rows: number): { y: number; h: number } | undefined {
  const room = frame.height - AXIS;
  const all = rows * ROW;
  if (all <= room || room <= 0) return undefined;
  return { y: AXIS + (view.top / all) * room, h: Math.max((room / all) * room, 16) };
}

/** What lies at a place: marks before bars, and the row in any case. A second hit on a heap of marks gives the next of them. */
export function hitTest(list: DrawList, x: number, y: number, previous?: string): Selection | undefined {
  if (y < AXIS) return undefined;
  const label = list.labels.find((candidate) => y >= candidate.y && y < candidate.y + ROW);
  if (!label) return undefined;
  const row = label.row.id;
  if (x < list.frame.labels) return { row };
  const glyph = list.glyphs.findLast((candidate) => candidate.row === row && Math.abs(candidate.x - x) <= 8);
  if (glyph) return { row, item: glyph.ids[(glyph.ids.indexOf(previous ?? '') + 1) % glyph.ids.length] };
  const bar = list.bars.findLast((candidate) => candidate.row === row && x >= candidate.x - 2 && x <= candidate.x + candidate.w + 2);
  return bar ? { row, item: bar.id } : { row };
}

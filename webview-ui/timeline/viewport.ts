/** Which part of the time is shown, and how far the rows are scrolled. Pure; times in ms, sizes in CSS pixels. */
import type { TimelineRun } from '../../shared/webview/timeline.ts';

/** `fit` shows the whole run, `follow` keeps the newest moment in sight, `free` stays where somebody put it. */
export interface View {
  mode: 'fit' | 'follow' | 'free';
  start: number;
  end: number;
  /** Pixels that the rows are scrolled down. */
  top: number;
}

/** The canvas: its size, and the width of the column of labels on its left. */
export interface Frame {
  width: number;
  height: number;
  labels: number;
}

export const ROW = 24;
export const AXIS = 24;
const SHORTEST = 20;
const SHORTEST_FIT = 1_000;
const PADDING = 0.04;

/** What the timeline reaches to. */
export const lastMoment = (run: TimelineRun, now: number): number => run.end ?? Math.max(now, run.start);

/** The view that shows the whole run. */
export function fitView(view: View, run: TimelineRun, now: number): View {
  const length = Math.max(lastMoment(run, now) - run.start, SHORTEST_FIT);
  return { ...view, mode: 'fit', start: run.start - length * PADDING, end: run.start + length * (1 + PADDING) };
}

/** The view at `now`, for a run that may have grown meanwhile. */
export function advanceView(view: View, run: TimelineRun, now: number): View {
  if (view.mode === 'fit') return fitView(view, run, now);
  if (view.mode === 'free') return view;
  const length = view.end - view.start;
  const end = lastMoment(run, now) + length * PADDING;
  return { ...view, start: end - length, end };
}

/** Starts or ends following; what was shown keeps its scale. */
export function toggleFollow(view: View, run: TimelineRun, now: number): View {
  return view.mode === 'free' ? advanceView({ ...view, mode: 'follow' }, run, now) : { ...view, mode: 'free' };
}

/** Scales the shown time by `factor` (below 1 zooms in) around `anchor`. A view that follows a live run keeps following it. */
export function zoomView(view: View, run: TimelineRun, zoom: { factor: number; now: number; anchor?: number }): View {
  const { factor, now } = zoom;
  const follows = view.mode !== 'free' && run.live && zoom.anchor === undefined;
  const anchor = zoom.anchor ?? (view.start + view.end) / 2;
  const longest = Math.max(lastMoment(run, now) - run.start, SHORTEST_FIT) * 2;
  const length = Math.min(Math.max((view.end - view.start) * factor, SHORTEST), longest);
  const share = (anchor - view.start) / (view.end - view.start);
  const zoomed: View = { ...view, mode: 'free', start: anchor - length * share, end: anchor + length * (1 - share) };
  return follows ? advanceView({ ...zoomed, mode: 'follow' }, run, now) : boundView(zoomed, run, now);
}

/** Moves the shown time by `delta` ms. */
export function panView(view: View, run: TimelineRun, delta: number, now: number): View {
  if (delta === 0) return view;
  return boundView({ ...view, mode: 'free', start: view.start + delta, end: view.end + delta }, run, now);
}

/** Scrolls the rows to `top`, as far as there are rows. */
export function scrollView(view: View, top: number, frame: Frame, rows: number): View {
  const most = Math.max(0, rows * ROW - (frame.height - AXIS));
  return { ...view, top: Math.min(Math.max(0, top), most) };
}

/** A tenth of the view always shows some of the run. */
function boundView(view: View, run: TimelineRun, now: number): View {
  const length = view.end - view.start;
  const earliest = run.start - length * 0.9;
  const latest = Math.max(lastMoment(run, now) - length * 0.1, earliest);
  const start = Math.min(Math.max(view.start, earliest), latest);
  return { ...view, start, end: start + length };
}

/** Moves the view so that `from` to `to` (ms) and the row at index `place` can be seen; a selection that is in sight moves nothing. */
export function revealView(view: View, target: { from: number; to: number; place: number }, frame: Frame): View {
  const length = view.end - view.start;
  const { from, to, place } = target;
  const margin = length * 0.05;
  let start = view.start;
  if (to < view.start + margin || from > view.end - margin) start = from - length * 0.3;
  const room = frame.height - AXIS;
  const top = place * ROW < view.top ? place * ROW : (place + 1) * ROW > view.top + room ? (place + 1) * ROW - room : view.top;
  return start === view.start ? { ...view, top } : { mode: 'free', start, end: start + length, top };
}

/** Where a moment lies on the canvas. */
export const toX = (view: View, frame: Frame, time: number): number =>
  frame.labels + ((time - view.start) / (view.end - view.start)) * (frame.width - frame.labels);

/** The moment at a place on the canvas. */
export const toTime = (view: View, frame: Frame, x: number): number =>
  view.start + ((x - frame.labels) / (frame.width - frame.labels)) * (view.end - view.start);

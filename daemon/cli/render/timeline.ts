// When each stage of a run was under way, and when it waited for a person, as bars on one line of time. Pure.
import { runEnded, type Stage } from '../../../shared/state/run.ts';
import { ASCII_GLYPHS, type Look } from './paint.ts';
import type { Picture } from './stages.ts';
import { cutText, padText, widthOf } from './text.ts';
import { formatDuration } from './time.ts';

interface Span {
  from: number;
  to: number;
}

/** Narrower bars say nothing. */
const MIN_CELLS = 10;

/** One line for each stage that began, in the order in which they did, under a line of time; none where there is no room for bars. */
export function renderTimeline(picture: Picture, now: number, look: Look): string[] {
  const { run, state } = picture;
  const whole = { from: Date.parse(run.submittedAt), to: run.endedAt === undefined ? now : Date.parse(run.endedAt) };
  const stages = [...(state.stages.get(run.id)?.values() ?? [])].filter(({ status }) => status !== 'skipped');
  const end = formatDuration(whole.to - whole.from);
  const took = stages.map((stage) => formatDuration(spanOf(stage, whole.to).to - Date.parse(stage.startedAt)));
  const ids = Math.min(24, Math.max(0, ...stages.map(({ id }) => widthOf(id))));
  const right = Math.max(0, ...took.map(widthOf));
  const cells = look.width - ids - right - 7;
  if (stages.length === 0 || cells < MIN_CELLS || whole.to <= whole.from) return [];
  const { bars, waits } = look.glyphs === ASCII_GLYPHS ? { bars: '#', waits: '.' } : { bars: '█', waits: '░' };
  const rows = stages.map((stage, i) => {
    const bar = drawBar(spanOf(stage, whole.to), listWaits(picture, stage, whole.to), { whole, cells, bars, waits });
    const painted = stage.status === 'failed' ? look.paint.red(bar) : look.paint.cyan(bar);
    return `   ${padText(cutText(stage.id, ids), ids)}  ${padText(painted, cells)}  ${look.paint.dim(padText(took[i] ?? '', right, 'left'))}`;
  });
  const scale = `${' '.repeat(ids + 5)}0${padText(end, cells - 1, 'left')}`;
  const waited = rows.some((row) => row.includes(waits));
  const legend = waited ? [look.paint.dim(`   ${bars} at work  ${waits} waits for a person`)] : [];
  const open = runEnded(run) ? '' : ' so far';
  return [look.paint.dim(`${scale}${open}`.slice(0, look.width)), ...rows, ...legend];
}

function spanOf(stage: Stage, end: number): Span {
  return { from: Date.parse(stage.startedAt), to: stage.endedAt === undefined ? end : Date.parse(stage.endedAt) };
}

/** When somebody was to answer a question of the stage. */
function listWaits({ state, run }: Picture, stage: Stage, end: number): Span[] {
  return [...state.approvals.values()]
    .filter((approval) => approval.run === run.id && approval.stage === stage.id)
    .map(({ requestedAt, answeredAt, status }) => ({
      from: Date.parse(requestedAt),
      to: answeredAt === undefined ? (status === 'pending' ? end : Date.parse(requestedAt)) : Date.parse(answeredAt),
    }));
}

interface Scale {
  whole: Span;
  cells: number;
  bars: string;
  waits: string;
}

/** A bar in its place; what lasted no cell is one all the same. */
function drawBar(span: Span, waits: readonly Span[], { whole, cells, bars, waits: wait }: Scale): string {
  const per = (whole.to - whole.from) / cells;
  const cellOf = (at: number): number => Math.min(cells - 1, Math.max(0, Math.floor((at - whole.from) / per)));
  const first = cellOf(span.from);
  const last = Math.max(first, cellOf(span.to - 1));
  const drawn = Array.from({ length: last - first + 1 }, (_, i) => {
    const middle = whole.from + (first + i + 0.5) * per;
    return waits.some(({ from, to }) => from <= middle && middle < to) ? wait : bars;
  });
  return ' '.repeat(first) + drawn.join('');
}

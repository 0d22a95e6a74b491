// The live view of a run, and the lines that stand for it when nothing can be redrawn. Pure.
import { shortId } from '../ids.ts';
import type { Look, Paint } from './paint.ts';
import { describeStages, type Mark, type Picture, type StageRow } from './stages.ts';
import { cleanLine, cutStart, cutText, padText, widthOf } from './text.ts';
import { formatDuration, formatWhole } from './time.ts';

/** How long one picture of the turning mark is shown. */
const TURN_MS = 100;

/** The run as a block of lines, each at most `look.width` cells wide. */
export function renderRun(picture: Picture, now: number, look: Look): string[] {
  const rows = describeStages(picture);
  const ids = Math.min(24, Math.max(...rows.map((row) => widthOf(row.id))));
  const times = rows.map((row) => elapsedOf(row, now));
  const time = Math.max(0, ...times.map(widthOf));
  return [renderHeading(picture, now, look), ...rows.map((row, i) => renderRow(row, { now, look, ids, time, elapsed: times[i] ?? '' }))];
}

function renderHeading({ run }: Picture, now: number, { width, paint }: Look): string {
  const ended = run.endedAt === undefined ? now : Date.parse(run.endedAt);
  const elapsed = formatWhole(ended - Date.parse(run.submittedAt));
  const fixed = `${run.workflow.name} ${shortId(run.id)}`;
  const into = run.into === undefined ? '' : ` into ${cleanLine(run.into)}`;
  const room = width - widthOf(fixed) - widthOf(elapsed) - 4;
  const place = room < 8 ? '' : cutStart(`${cleanLine(run.repo ?? '')}${into}`, room);
  const left = `${paint.bold(run.workflow.name)} ${paint.cyan(shortId(run.id))}  ${paint.dim(place)}`;
  return `${padText(left, width - widthOf(elapsed) - 1)} ${paint.dim(elapsed)}`;
}

interface RowLayout {
  now: number;
  look: Look;
  ids: number;
  time: number;
  elapsed: string;
}

function renderRow(row: StageRow, { now, look, ids, time, elapsed }: RowLayout): string {
  const { width, paint } = look;
  const room = Math.max(4, width - ids - time - 6);
  const since = row.since === undefined ? '' : ` for ${formatWhole(now - Date.parse(row.since))}`;
  const waiting = widthOf(since) < room ? since : '';
  const said = row.progress === undefined ? row.text : `${row.text}: ${row.progress}`;
  // The time that it waits must not be cut off.
  const text = cutText(said, room - widthOf(waiting)) + waiting;
  const mark = paintMark(row.mark, now, look);
  return ` ${mark} ${padText(cutText(row.id, ids), ids)}  ${padText(styleText(row.mark, text, paint), room)} ${paint.dim(padText(elapsed, time, 'left'))}`.trimEnd();
}

function elapsedOf(row: StageRow, now: number): string {
  if (row.startedAt === undefined || row.mark === 'skipped') return '';
  if (row.endedAt === undefined) return formatWhole(now - Date.parse(row.startedAt));
  return formatDuration(Date.parse(row.endedAt) - Date.parse(row.startedAt));
}

function paintMark(mark: Mark, now: number, { glyphs, paint }: Look): string {
  switch (mark) {
    case 'done':
      return paint.green(glyphs.done);
    case 'failed':
      return paint.red(glyphs.failed);
    case 'skipped':
      return paint.dim(glyphs.skipped);
    case 'canceled':
      return paint.yellow(glyphs.failed);
    case 'waiting':
      return paint.yellow(glyphs.waiting);
    case 'running':
      return paint.cyan(glyphs.running[Math.floor(now / TURN_MS) % glyphs.running.length] ?? '');
    case 'notBegun':
      return paint.dim(glyphs.notBegun);
    default:
      return mark satisfies never;
  }
}

function styleText(mark: Mark, text: string, paint: Paint): string {
  if (mark === 'failed') return paint.red(text);
  if (mark === 'waiting') return paint.yellow(text);
  return mark === 'notBegun' || mark === 'skipped' ? paint.dim(text) : text;
}

/** One line for a stage that moved; none for one that has not begun. */
export function renderMove(row: StageRow, ids: number, look: Look): string {
  const took =
    row.endedAt !== undefined && row.startedAt !== undefined && row.mark !== 'skipped'
      ? ` (${formatDuration(Date.parse(row.endedAt) - Date.parse(row.startedAt))})`
      : '';
  const mark = paintMark(row.mark, 0, { ...look, glyphs: { ...look.glyphs, running: ['>'] } });
  return `${mark} ${padText(row.id, ids)}  ${styleText(row.mark, row.text, look.paint)}${took}`;
}

/** The rows that matter most, when a terminal is not high enough for all: what is under way, then what ended badly. */
export function fitRun(lines: readonly string[], rows: readonly StageRow[], height: number): string[] {
  if (lines.length <= height) return [...lines];
  const order: Mark[] = ['waiting', 'running', 'failed', 'canceled', 'notBegun', 'done', 'skipped'];
  const room = Math.max(1, height - 2);
  const kept = new Set(
    rows
      .map((row, i) => ({ i, rank: order.indexOf(row.mark) }))
      .sort((a, b) => a.rank - b.rank || a.i - b.i)
      .slice(0, room)
      .map(({ i }) => i),
  );
  const [heading = '', ...body] = lines;
  const hidden = rows.length - kept.size;
  return [heading, ...body.filter((_, i) => kept.has(i)), ` … ${hidden} more stage${hidden === 1 ? '' : 's'}`];
}

/** The run's status as a coloured word. */
export function renderStatus(status: string, paint: Paint): string {
  if (status === 'success' || status === 'granted' || status === 'used' || status === 'completed' || status === 'ready')
    return paint.green(status);
  if (status === 'failure' || status === 'failed' || status === 'timeout' || status === 'denied' || status === 'expired')
    return paint.red(status);
  if (status === 'waiting_approval' || status === 'pending' || status === 'canceled' || status === 'paused') return paint.yellow(status);
  return status === 'running' || status === 'busy' ? paint.cyan(status) : status;
}

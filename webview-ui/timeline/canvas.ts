/** Paints a draw list. It decides nothing about place; in high contrast a tone is an outline and a pattern, never a colour alone. */
import type { Tone } from '../../shared/webview/timeline.ts';
import type { Bar, DrawList, Glyph, Label } from './draw.ts';
import { MARK_ICONS, TONE_ICONS } from './icons.ts';
import type { Theme } from './theme.ts';
import { AXIS, ROW } from './viewport.ts';

type Context = CanvasRenderingContext2D;

const TINT = '32%';
/** Narrower bars are all outline. */
const WIDE = 6;
const FEW = 200;
const ROOM_FOR_TEXT = 28;
const paths = new Map<string, Path2D>();

/** Texts of a row that need words: its label, and what an empty row waits for. */
export interface RowText {
  label: string;
  hint: string;
}

/** Makes the canvas `width` by `height` CSS pixels at the screen's resolution; returns its context. */
export function sizeCanvas(canvas: HTMLCanvasElement, width: number, height: number): Context | null {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Paints everything. */
export function paint(context: Context, list: DrawList, theme: Theme, textOf: (label: Label) => RowText): void {
  const { width, height, labels } = list.frame;
  context.fillStyle = theme.background;
  context.fillRect(0, 0, width, height);
  paintSelectedRow(context, list, theme);
  clip(context, [labels, AXIS, width - labels, height - AXIS], () => {
    paintGrid(context, list, theme);
    paintHints(context, list, theme, textOf);
    paintBars(context, list.bars, theme);
    for (const glyph of list.glyphs) paintGlyph(context, glyph, theme);
    paintSelection(context, list, theme);
    if (list.nowX !== undefined) fillLine(context, theme.tones.running, [list.nowX, AXIS, 1.5, height]);
  });
  clip(context, [0, AXIS, labels - 1, height - AXIS], () => {
    for (const label of list.labels) paintLabel(context, label, theme, { text: textOf(label).label, width: labels });
  });
  paintAxis(context, list, theme);
  if (list.thumb) fillLine(context, theme.thumb, [width - 8, list.thumb.y, 8, list.thumb.h]);
}

function clip(context: Context, [x, y, w, h]: [number, number, number, number], draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(x, y, w, h);
  context.clip();
  draw();
  context.restore();
}

function fillLine(context: Context, style: string, [x, y, w, h]: [number, number, number, number]): void {
  context.fillStyle = style;
  context.fillRect(x, y, w, h);
}

function paintSelectedRow(context: Context, list: DrawList, theme: Theme): void {
  const label = list.labels.find((candidate) => candidate.row.id === list.selection?.row);
  if (!label) return;
  if (!theme.contrast) return fillLine(context, theme.selected, [0, label.y, list.frame.width, ROW]);
  context.strokeStyle = theme.focus;
  context.setLineDash([4, 2]);
  context.strokeRect(0.5, label.y + 0.5, list.frame.width - 1, ROW - 1);
  context.setLineDash([]);
}

function paintGrid(context: Context, list: DrawList, theme: Theme): void {
  context.globalAlpha = theme.contrast ? 0.4 : 0.6;
  for (const tick of list.ticks) fillLine(context, theme.line, [Math.round(tick.x), AXIS, 1, list.frame.height]);
  context.globalAlpha = 1;
}

function paintHints(context: Context, list: DrawList, theme: Theme, textOf: (label: Label) => RowText): void {
  context.font = theme.font;
  context.fillStyle = theme.muted;
  context.textBaseline = 'middle';
  for (const label of list.labels) if (label.empty) context.fillText(textOf(label).hint, list.frame.labels + 8, label.y + ROW / 2 + 0.5);
}

/** Waits come last, because they lie over their stage. */
function paintBars(context: Context, bars: readonly Bar[], theme: Theme): void {
  const looks = new Map<Look, Bar[]>();
  for (const bar of bars) {
    const look = bar.kind === 'wait' ? 'wait' : bar.tone;
    const group = looks.get(look);
    if (group) group.push(bar);
    else looks.set(look, [bar]);
  }
  const waits = looks.get('wait');
  looks.delete('wait');
  for (const [look, group] of looks) paintLook(context, group, look, theme);
  if (waits) paintLook(context, waits, 'wait', theme);
  context.font = theme.mono;
  context.fillStyle = theme.foreground;
  context.textBaseline = 'middle';
  for (const bar of bars) {
    if (bar.kind !== 'attempt' || bar.w < ROOM_FOR_TEXT || (theme.contrast && PATTERNS[bar.tone])) continue;
    context.fillText(bar.text, bar.x + 5, bar.y + bar.h / 2 + 0.5);
  }
}

type Look = Tone | 'wait';

/** A few bars are rounded and dashed; of many each is some rectangles on whole pixels, which cost a hundredth of a path. */
function paintLook(context: Context, bars: readonly Bar[], look: Look, theme: Theme): void {
  const colour = theme.tones[look === 'wait' ? 'waiting' : look];
  const fill = look === 'wait' || theme.contrast ? (patternFor(context, look, colour) ?? theme.background) : tint(colour, theme);
  const wide = bars.filter((bar) => bar.w >= WIDE);
  context.fillStyle = colour;
  const outlined = wide.length > FEW ? bars : bars.filter((bar) => bar.w < WIDE);
  for (const { x, y, w, h } of outlined) context.fillRect(Math.round(x), y, Math.max(Math.round(w), 2), h);
  if (wide.length > FEW) {
    for (const style of [theme.background, fill]) {
      context.fillStyle = style;
      for (const { x, y, w, h } of wide) context.fillRect(Math.round(x) + 1, y + 1, Math.round(w) - 2, h - 2);
    }
    return;
  }
  const path = new Path2D();
  for (const { x, y, w, h } of wide) path.roundRect(x + 0.5, y + 0.5, w - 1, h - 1, 2);
  for (const style of [theme.background, fill]) {
    context.fillStyle = style;
    context.fill(path);
  }
  context.setLineDash(look === 'skipped' || look === 'canceled' || look === 'idle' ? [3, 2] : []);
  context.strokeStyle = colour;
  context.stroke(path);
  context.setLineDash([]);
}

const tint = (colour: string, theme: Theme): string => `color-mix(in srgb, ${colour} ${TINT}, ${theme.background})`;

/** Stripes for a wait, dots for what runs, a lattice for what failed; nothing for what is done or left out. */
const PATTERNS: Partial<Record<Look, string>> = {
  wait: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5',
  waiting: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5',
  running: 'M3 2.5v1',
  failure: 'M0 0L6 6M6 0L0 6',
};
const tiles = new Map<string, CanvasPattern>();

function patternFor(context: Context, look: Look, colour: string): CanvasPattern | undefined {
  const path = PATTERNS[look];
  if (path === undefined) return undefined;
  const ratio = window.devicePixelRatio || 1;
  const key = `${look} ${colour} ${ratio}`;
  const known = tiles.get(key);
  if (known) return known;
  const tile = document.createElement('canvas');
  tile.width = tile.height = Math.round(6 * ratio);
  const inner = tile.getContext('2d');
  if (!inner) return undefined;
  inner.scale(tile.width / 6, tile.height / 6);
  inner.strokeStyle = colour;
  inner.stroke(new Path2D(path));
  const pattern = context.createPattern(tile, 'repeat') ?? undefined;
  pattern?.setTransform(new DOMMatrix().scale(6 / tile.width));
  if (pattern) tiles.set(key, pattern);
  return pattern;
}

function paintIcon(context: Context, icon: string, at: { x: number; y: number; size: number; colour: string }): void {
  let path = paths.get(icon);
  if (!path) paths.set(icon, (path = new Path2D(icon)));
  const scale = at.size / 16;
  context.save();
  context.translate(at.x - at.size / 2, at.y - at.size / 2);
  context.scale(scale, scale);
  context.strokeStyle = at.colour;
  context.lineWidth = 1.4 / scale;
  context.lineCap = context.lineJoin = 'round';
  context.stroke(path);
  context.restore();
}

function paintGlyph(context: Context, glyph: Glyph, theme: Theme): void {
  const colour = theme.tones[glyph.tone];
  context.beginPath();
  context.arc(glyph.x, glyph.y, 8, 0, 2 * Math.PI);
  context.fillStyle = theme.background;
  context.fill();
  context.strokeStyle = colour;
  context.lineWidth = 1.2;
  context.stroke();
  context.lineWidth = 1;
  if (glyph.ids.length > 1) {
    context.font = theme.mono;
    context.fillStyle = theme.foreground;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(glyph.ids.length > 9 ? '9+' : String(glyph.ids.length), glyph.x, glyph.y + 0.5);
    context.textAlign = 'start';
    return;
  }
  const icon = glyph.kind === 'answered' ? TONE_ICONS[glyph.tone] : MARK_ICONS[glyph.kind];
  paintIcon(context, icon, { x: glyph.x, y: glyph.y, size: 10, colour: theme.contrast ? theme.foreground : colour });
}

function paintSelection(context: Context, list: DrawList, theme: Theme): void {
  const box = list.selection?.box;
  if (!box) return;
  context.strokeStyle = theme.focus;
  context.lineWidth = 2;
  context.beginPath();
  if (box.round) context.arc(box.x + box.w / 2, box.y + box.h / 2, box.w / 2, 0, 2 * Math.PI);
  else context.rect(box.x - 2, box.y - 2, box.w + 4, box.h + 4);
  context.stroke();
  context.lineWidth = 1;
}

/** The text, or as much of it as fits and an ellipsis. */
function shorten(context: Context, text: string, width: number): string {
  const key = `${context.font} ${width} ${text}`;
  let short = shortened.get(key);
  if (short !== undefined) return short;
  short = text;
  for (let end = text.length - 1; end > 0 && context.measureText(short).width > width; end--) short = `${text.slice(0, end).trimEnd()}…`;
  if (shortened.size > 2_000) shortened.clear();
  shortened.set(key, short);
  return short;
}
const shortened = new Map<string, string>();

function paintLabel(context: Context, label: Label, theme: Theme, { text, width }: { text: string; width: number }): void {
  const middle = label.y + ROW / 2;
  const { tone } = label.row;
  paintIcon(context, TONE_ICONS[tone], {
    x: 16 + label.indent,
    y: middle,
    size: 12,
    colour: theme.contrast ? theme.foreground : theme.tones[tone],
  });
  context.font = theme.font;
  context.fillStyle = label.row.kind === 'attempts' || label.empty ? theme.muted : theme.foreground;
  context.textBaseline = 'middle';
  const left = 28 + label.indent;
  context.fillText(shorten(context, text, width - left - 8), left, middle + 0.5);
}

function paintAxis(context: Context, list: DrawList, theme: Theme): void {
  const { width, height, labels } = list.frame;
  fillLine(context, theme.line, [labels - 1, 0, 1, height]);
  fillLine(context, theme.line, [0, AXIS - 1, width, 1]);
  clip(context, [labels, 0, width - labels, AXIS], () => {
    context.font = theme.mono;
    context.fillStyle = theme.muted;
    context.textBaseline = 'middle';
    for (const tick of list.ticks) {
      fillLine(context, theme.line, [Math.round(tick.x), AXIS - 6, 1, 6]);
      context.fillStyle = theme.muted;
      // Half a number would be read as another one.
      if (tick.x + 4 + context.measureText(tick.text).width > width) continue;
      context.fillText(tick.text, tick.x + 4, AXIS / 2);
    }
  });
}

/** Paints one look as it is in the chart, for the legend. */
export function paintSwatch(canvas: HTMLCanvasElement, look: Look, theme: Theme): void {
  const context = sizeCanvas(canvas, 24, 12);
  if (!context) return;
  context.clearRect(0, 0, 24, 12);
  const bar: Bar = { id: '', row: '', kind: 'stage', x: 0, y: 0, w: 24, h: 12, tone: 'idle', count: 1, text: '' };
  paintLook(context, [bar], look, theme);
}

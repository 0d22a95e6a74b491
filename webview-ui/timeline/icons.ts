/** Icons as SVG paths in a box of 16 by 16, drawn with a line, on the canvas and in buttons alike. */
import type { TimelineMark, Tone } from '../../shared/webview/timeline.ts';

export const TONE_ICONS: Record<Tone, string> = {
  idle: 'M11 8a3 3 0 1 1-6 0a3 3 0 1 1 6 0',
  waiting: 'M5.3 6a2.7 2.7 0 1 1 4.2 2.2c-1 .7-1.5 1-1.5 2.3M8 13v.4',
  running: 'M5 3.5l7.5 4.5L5 12.5z',
  success: 'M3 8.5l3.5 3.5L13 4.5',
  failure: 'M4 4l8 8M12 4l-8 8',
  skipped: 'M3 4l4 4l-4 4M9 4l4 4l-4 4',
  canceled: 'M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 1 1 11 0M4.2 4.2l7.6 7.6',
};

/** An answer has no icon of its own: it shows what was answered. */
export const MARK_ICONS: Record<Exclude<TimelineMark['kind'], 'answered'>, string> = {
  asked: TONE_ICONS.waiting,
  tool: 'M3 4.5l3.5 3.5L3 11.5M8 12h5',
  unasked: 'M3 4.5l3.5 3.5L3 11.5M11 3v6M11 12v.4',
  commit: 'M11 8a3 3 0 1 1-6 0a3 3 0 1 1 6 0M1 8h4M11 8h4',
  merge: 'M4 2v12M4 5c0 5 8 2 8 9',
  undo: 'M6.5 3L3 6.5L6.5 10M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6',
};

export const BUTTON_ICONS = {
  zoomIn: 'M11.5 7a4.5 4.5 0 1 1-9 0a4.5 4.5 0 1 1 9 0M10.3 10.3L14 14M7 5v4M5 7h4',
  zoomOut: 'M11.5 7a4.5 4.5 0 1 1-9 0a4.5 4.5 0 1 1 9 0M10.3 10.3L14 14M5 7h4',
  fit: 'M2 3v10M14 3v10M4.5 8h7M6.5 6l-2 2l2 2M9.5 6l2 2l-2 2',
  follow: 'M3 4l6 4l-6 4zM12.5 3v10',
  table: 'M2 3h12v10H2zM2 6.5h12M2 10h12M6 3v10',
} as const;

const SVG = 'http://www.w3.org/2000/svg';

/** An icon for a button or a line of text; it says nothing to a screen reader. */
export function makeIcon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(SVG, 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

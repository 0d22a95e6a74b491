/** Wheel, drag, click and hover on the chart, as calls that say what is wanted. */

export interface PointerActions {
  zoom(factor: number, x: number): void;
  pan(dx: number): void;
  scroll(dy: number): void;
  select(x: number, y: number): void;
  open(): void;
  hover(x: number, y: number): void;
  leave(): void;
  /** Width of the column of labels, in CSS pixels. */
  labels(): number;
}

const CLICK_SLACK = 4;
const LINE = 16;

/** Listens on `chart`. Over the chart the wheel zooms and, with Shift or sideways, pans; over the labels it scrolls the rows. */
export function listenToPointer(chart: HTMLElement, actions: PointerActions): void {
  chart.addEventListener('wheel', (event) => onWheel(event, actions), { passive: false });
  let drag: { x: number; y: number; moved: boolean } | undefined;
  chart.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    drag = { x: event.offsetX, y: event.offsetY, moved: false };
    chart.setPointerCapture(event.pointerId);
  });
  chart.addEventListener('pointermove', (event) => {
    const [x, y] = [event.offsetX, event.offsetY];
    if (!drag) return actions.hover(x, y);
    if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < CLICK_SLACK) return;
    chart.classList.add('dragging');
    actions.leave();
    actions.pan(drag.x - x);
    actions.scroll(drag.y - y);
    drag = { x, y, moved: true };
  });
  const end = (event: PointerEvent): void => {
    if (drag && !drag.moved && event.type === 'pointerup') actions.select(drag.x, drag.y);
    drag = undefined;
    chart.classList.remove('dragging');
  };
  chart.addEventListener('pointerup', end);
  chart.addEventListener('pointercancel', end);
  chart.addEventListener('pointerleave', () => actions.leave());
  chart.addEventListener('dblclick', () => actions.open());
}

function onWheel(event: WheelEvent, actions: PointerActions): void {
  event.preventDefault();
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE;
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  if (event.shiftKey) actions.pan(dx + dy);
  else if (event.offsetX < actions.labels() && !event.ctrlKey) actions.scroll(dy);
  else if (Math.abs(dx) > Math.abs(dy)) actions.pan(dx);
  // A pinch comes as a wheel with Ctrl and small steps.
  else actions.zoom(Math.exp(Math.max(-200, Math.min(200, dy)) * (event.ctrlKey ? 0.01 : 0.002)), event.offsetX);
}

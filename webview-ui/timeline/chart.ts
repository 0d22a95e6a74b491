/** The canvas with its focus, its tooltip and its size; what a key or the pointer wants goes to `actions`. */
import { say } from '../../shared/webview/timeline-text.ts';
import { paint, sizeCanvas, type RowText } from './canvas.ts';
import { hitTest, layOut, type DrawList, type Label } from './draw.ts';
import { commandFor, type Command } from './keyboard.ts';
import { make } from './make.ts';
import { listenToPointer } from './pointer.ts';
import type { Scene, Selection } from './scene.ts';
import { readTheme, watchTheme, type Theme } from './theme.ts';
import { AXIS, type Frame, type View } from './viewport.ts';
import { rowHint, rowLabel, type Words } from './wording.ts';

export interface ChartActions {
  command(command: Command): void;
  zoomAt(factor: number, x: number): void;
  /** Moves by pixels. */
  pan(dx: number): void;
  scroll(dy: number): void;
  select(selection: Selection | undefined): void;
  /** What the tooltip says about an item or row. */
  describe(selection: Selection): string;
  /** The size or the theme is another. */
  changed(): void;
}

const NARROWEST_LABELS = 96;
const WIDEST_LABELS = 240;

export class Chart {
  readonly element: HTMLElement;
  readonly #canvas = make('canvas', '');
  readonly #tip = make('div', 'tip');
  readonly #words: Words;
  #list: DrawList | undefined;
  #theme: Theme = readTheme();
  #frame: Frame = { width: 0, height: 0, labels: NARROWEST_LABELS };

  constructor(words: Words, actions: ChartActions) {
    this.#words = words;
    const help = make('p', 'hidden', say(words, 'help'));
    help.id = 'timeline-help';
    this.#canvas.setAttribute('aria-hidden', 'true');
    this.#tip.setAttribute('aria-hidden', 'true');
    this.element = make('div', 'chart', this.#canvas, this.#tip, help);
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'application');
    this.element.setAttribute('aria-describedby', help.id);
    this.element.addEventListener('keydown', (event) => {
      const command = commandFor(event);
      if (!command) return;
      event.preventDefault();
      actions.command(command);
    });
    this.#listen(actions);
    new ResizeObserver(() => this.#resize(actions)).observe(this.element);
    watchTheme(() => {
      this.#theme = readTheme();
      actions.changed();
    });
    this.#watchResolution(actions);
  }

  get frame(): Frame {
    return this.#frame;
  }

  get theme(): Theme {
    return this.#theme;
  }

  /** Lays out and paints the scene. */
  draw(scene: Scene, view: View, now: number, selection: Selection | undefined): void {
    if (this.#frame.width === 0 || this.#frame.height <= AXIS) return;
    this.element.setAttribute('aria-label', say(this.#words, 'timelineOf', scene.run.title));
    this.#list = layOut(scene, view, this.#frame, { now, selection });
    const context = sizeCanvas(this.#canvas, this.#frame.width, this.#frame.height);
    if (context) paint(context, this.#list, this.#theme, (label) => this.#textOf(label));
  }

  #textOf({ row }: Label): RowText {
    return { label: rowLabel(this.#words, row), hint: rowHint(this.#words, row) };
  }

  #resize(actions: ChartActions): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    this.#frame = { width, height, labels: Math.round(Math.min(Math.max(width * 0.26, NARROWEST_LABELS), WIDEST_LABELS)) };
    actions.changed();
  }

  /** A window moved to another screen keeps its size in CSS pixels, so no resize tells. */
  #watchResolution(actions: ChartActions): void {
    const query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    const changed = (): void => {
      actions.changed();
      this.#watchResolution(actions);
    };
    query.addEventListener('change', changed, { once: true });
  }

  #listen(actions: ChartActions): void {
    let selected: string | undefined;
    const hit = (x: number, y: number): Selection | undefined => this.#list && hitTest(this.#list, x, y, selected);
    listenToPointer(this.element, {
      zoom: actions.zoomAt,
      pan: actions.pan,
      scroll: actions.scroll,
      select: (x, y) => {
        const selection = hit(x, y);
        selected = selection?.item;
        actions.select(selection);
      },
      open: () => actions.command({ do: 'open' }),
      hover: (x, y) => this.#showTip(hit(x, y), { x, y }, actions),
      leave: () => this.#tip.classList.remove('shown'),
      labels: () => this.#frame.labels,
    });
  }

  #showTip(target: Selection | undefined, at: { x: number; y: number }, actions: ChartActions): void {
    const text = target && (target.item !== undefined || at.x < this.#frame.labels) ? actions.describe(target) : '';
    this.#tip.classList.toggle('shown', text !== '');
    if (text === '') return;
    this.#tip.textContent = text;
    const x = Math.max(4, Math.min(at.x + 12, this.#frame.width - this.#tip.offsetWidth - 4));
    const y = at.y + 20 + this.#tip.offsetHeight > this.#frame.height ? at.y - 8 - this.#tip.offsetHeight : at.y + 20;
    this.#tip.style.transform = `translate(${x}px, ${y}px)`;
  }
}

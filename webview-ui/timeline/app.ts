/**
 * The timeline webview: what it shows, what it remembers, and when it draws.
 *
 * 1. It shows what arrived and decides nothing; what a person wants goes out as an intent.
 * 2. A change that does not fit the last revision asks for everything anew.
 * 3. At most one frame is drawn per animation frame, and none while nothing changes.
 */
import { say } from '../../shared/webview/timeline-text.ts';
import type { TimelineIntent, TimelineModel, ToTimeline } from '../../shared/webview/timeline.ts';
import { makeAnnouncer, type Announcer } from './announce.ts';
import { Chart } from './chart.ts';
import { makeDetails, type Details } from './details.ts';
import { connectHost, type Host } from './host.ts';
import { moveSelection, ZOOM_STEP, type Command } from './keyboard.ts';
import { make } from './make.ts';
import { changeScene, openScene, stageName, startOf, type Scene, type Selection } from './scene.ts';
import { makeTable, type Table } from './table.ts';
import { makeLegend, makeToolbar, type Toolbar } from './toolbar.ts';
import { advanceView, fitView, panView, revealView, scrollView, toggleFollow, toTime, zoomView, type View } from './viewport.ts';
import { describeItem, describeRow, type Description, type Words } from './wording.ts';

const KEEP_AFTER_MS = 200;
const TABLE_EVERY_MS = 250;
const CALM_MS = 1_000;
const FASTEST_MS = 50;

interface Parts {
  chart: Chart;
  toolbar: Toolbar;
  details: Details;
  table: Table;
  announcer: Announcer;
  legend: ReturnType<typeof makeLegend>;
}

export class App {
  readonly #root: HTMLElement;
  readonly #host: Host;
  readonly #calm = window.matchMedia('(prefers-reduced-motion: reduce)');
  #words: Words = {};
  #parts: Parts | undefined;
  #scene: Scene | undefined;
  #revision = -1;
  /** The daemon's clock less ours. */
  #skew = 0;
  #view: View = { mode: 'fit', start: 0, end: 1, top: 0 };
  #selection: Selection | undefined;
  #tableShown = false;
  #frameAsked = false;
  #themeShown: unknown;
  #timers: Partial<Record<'tick' | 'keep' | 'table', ReturnType<typeof setTimeout>>> = {};

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#host = connectHost((message) => this.#receive(message));
    this.#host.post({ type: 'ready' });
  }

  #now(): number {
    return Date.now() + this.#skew;
  }

  #receive(message: ToTimeline): void {
    switch (message.type) {
      case 'loading':
        this.#words = message.text;
        this.#keepSoon(message.run);
        this.#scene = this.#parts = undefined;
        this.#root.replaceChildren(this.#notice(say(this.#words, 'loading'), say(this.#words, 'loadingHint', message.run)));
        return;
      case 'model':
        this.#words = message.text;
        this.#revision = message.revision;
        this.#open(message.model);
        return;
      case 'change':
        if (!this.#scene || message.revision !== this.#revision + 1) return this.#host.post({ type: 'resync' });
        this.#revision = message.revision;
        this.#skew = message.change.now - Date.now();
        changeScene(this.#scene, message.change);
        if (this.#selection && !this.#scene.places.has(this.#selection.row)) this.#selection = undefined;
        this.#parts?.announcer.follow(this.#scene);
        this.#tableSoon();
        this.#invalidate();
        return;
      default:
        message satisfies never;
    }
  }

  #notice(title: string, hint: string): HTMLElement {
    return make('div', 'notice', make('strong', '', title), make('p', 'muted', hint));
  }

  #open(model: TimelineModel): void {
    const first = this.#scene === undefined;
    this.#skew = model.now - Date.now();
    this.#scene = openScene(model);
    this.#parts ??= this.#build();
    if (first) this.#restore(this.#scene);
    this.#parts.announcer.follow(this.#scene);
    this.#parts.table.reveal(this.#tableShown);
    this.#tableSoon();
    this.#keepSoon(model.run.id);
    this.#invalidate();
  }

  #restore(scene: Scene): void {
    const memory = this.#host.recall();
    this.#view = fitView(this.#view, scene.run, this.#now());
    if (memory?.run !== scene.run.id) return;
    if (memory.view.end > memory.view.start) this.#view = memory.view;
    if (memory.selection && scene.places.has(memory.selection.row)) this.#selection = memory.selection;
    this.#tableShown = memory.table;
  }

  #build(): Parts {
    const words = this.#words;
    const open = (intent: TimelineIntent): void => this.#host.post({ type: 'open', intent });
    const region = make('div', 'hidden');
    region.setAttribute('role', 'status');
    const chart = new Chart(words, {
      command: (command) => this.#run(command),
      zoomAt: (factor, x) => this.#zoomAt(factor, x),
      pan: (dx) => this.#pan(dx),
      scroll: (dy) => this.#look(scrollView(this.#view, this.#view.top + dy, chart.frame, this.#scene?.lanes.length ?? 0)),
      select: (selection) => this.#select(selection),
      describe: (selection) => this.#oneLine(this.#describe(selection)),
      changed: () => this.#invalidate(),
    });
    const parts: Parts = {
      chart,
      toolbar: makeToolbar(words, (button) => {
        if (button === 'zoomIn' || button === 'zoomOut') this.#run({ do: 'zoom', factor: button === 'zoomIn' ? 1 / ZOOM_STEP : ZOOM_STEP });
        else this.#run({ do: button });
      }),
      details: makeDetails(words, open),
      table: makeTable(words, { open, select: (selection) => this.#select(selection, false) }),
      announcer: makeAnnouncer(words, region),
      legend: makeLegend(words),
    };
    const main = make('div', 'main', chart.element, parts.table.element);
    this.#root.replaceChildren(parts.toolbar.element, main, parts.details.element, parts.legend.element, region);
    return parts;
  }

  #run(command: Command): void {
    const scene = this.#scene;
    const chart = this.#parts?.chart;
    if (!scene || !chart) return;
    const now = this.#now();
    switch (command.do) {
      case 'select':
        return this.#select(moveSelection(scene, this.#selection, command.move, (this.#view.start + this.#view.end) / 2));
      case 'zoom':
        return this.#look(zoomView(this.#view, scene.run, { factor: command.factor, now, ...this.#anchor(scene) }));
      case 'pan':
        return this.#look(panView(this.#view, scene.run, (this.#view.end - this.#view.start) * command.share, now));
      case 'fit':
        return this.#look(fitView(this.#view, scene.run, now));
      case 'follow':
        return scene.run.live ? this.#look(toggleFollow(this.#view, scene.run, now)) : undefined;
      case 'table':
        this.#tableShown = !this.#tableShown;
        this.#parts?.table.reveal(this.#tableShown);
        return this.#look(this.#view);
      case 'clear':
        return this.#select(undefined);
      case 'open': {
        const intent = this.#selection && this.#describe(this.#selection).links[0];
        return intent && this.#host.post({ type: 'open', intent });
      }
      default:
        command satisfies never;
    }
  }

  /** Zooming by key or button keeps the selection in place, when it is in sight and the view does not follow the run. */
  #anchor(scene: Scene): { anchor?: number } {
    const item = scene.items.get(this.#selection?.item ?? '');
    if (!item || (scene.run.live && this.#view.mode !== 'free')) return {};
    const at = startOf(item);
    return at >= this.#view.start && at <= this.#view.end ? { anchor: at } : {};
  }

  #zoomAt(factor: number, x: number): void {
    const chart = this.#parts?.chart;
    if (!this.#scene || !chart) return;
    const anchor = toTime(this.#view, chart.frame, Math.max(x, chart.frame.labels));
    this.#look(zoomView(this.#view, this.#scene.run, { factor, now: this.#now(), anchor }));
  }

  #pan(dx: number): void {
    const chart = this.#parts?.chart;
    if (!this.#scene || !chart) return;
    const perPixel = (this.#view.end - this.#view.start) / (chart.frame.width - chart.frame.labels);
    this.#look(panView(this.#view, this.#scene.run, dx * perPixel, this.#now()));
  }

  #look(view: View): void {
    this.#view = view;
    this.#keepSoon();
    this.#invalidate();
  }

  /** `reveal` brings it into sight and says it; a row of the table already is and does. */
  #select(selection: Selection | undefined, reveal = true): void {
    this.#selection = selection;
    const scene = this.#scene;
    const place = scene?.places.get(selection?.row ?? '');
    if (scene && this.#parts && selection && place !== undefined && reveal) {
      const item = scene.items.get(selection.item ?? '');
      const from = item ? startOf(item) : this.#view.start;
      const to = item ? ('at' in item ? item.at : (item.end ?? this.#now())) : this.#view.end;
      const shown = item || place === undefined ? { from, to, place } : { from: -Infinity, to: Infinity, place };
      this.#view = revealView(this.#view, shown, this.#parts.chart.frame);
      this.#parts.announcer.say(this.#oneLine(this.#describe(selection)));
    }
    this.#tableSoon();
    this.#look(this.#view);
  }

  #describe(selection: Selection): Description {
    const lane = this.#scene?.lanes[this.#scene.places.get(selection.row) ?? -1];
    if (!this.#scene || !lane) return { what: '', name: '', tone: 'idle', state: '', from: '', took: '', note: '', links: [] };
    const item = this.#scene.items.get(selection.item ?? '');
    if (!item) return describeRow(this.#words, lane.row);
    return describeItem(this.#words, item, lane.row, {
      now: this.#now(),
      origin: this.#scene.run.start,
      stage: stageName(this.#scene, lane.row),
    });
  }

  #oneLine({ what, name, state, took, note }: Description): string {
    return [`${what} ${name}`, state, took, note].filter((part) => part.trim() !== '').join(', ');
  }

  #invalidate(): void {
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    requestAnimationFrame(() => {
      this.#frameAsked = false;
      this.#draw();
    });
  }

  #draw(): void {
    const scene = this.#scene;
    const parts = this.#parts;
    if (!scene || !parts) return;
    const now = this.#now();
    if (scene.run.live || this.#view.mode === 'fit') this.#view = advanceView(this.#view, scene.run, now);
    this.#view = scrollView(this.#view, this.#view.top, parts.chart.frame, scene.lanes.length);
    parts.chart.draw(scene, this.#view, now, this.#selection);
    parts.toolbar.update(scene.run, now, { follow: scene.run.live && this.#view.mode !== 'free', table: this.#tableShown });
    parts.details.show(this.#selection && this.#describe(this.#selection));
    if (this.#themeShown !== parts.chart.theme) {
      this.#themeShown = parts.chart.theme;
      parts.legend.paint(parts.chart.theme);
    }
    if (scene.run.live) this.#tickAfter(parts.chart);
  }

  /** A live run is drawn again when it has grown by a pixel; with reduced motion once a second. */
  #tickAfter(chart: Chart): void {
    const perPixel = (this.#view.end - this.#view.start) / Math.max(1, chart.frame.width - chart.frame.labels);
    const delay = this.#calm.matches ? CALM_MS : Math.min(Math.max(perPixel, FASTEST_MS), CALM_MS);
    this.#after('tick', delay, () => this.#invalidate());
    if (this.#tableShown) this.#after('table', CALM_MS, () => this.#fillTable());
  }

  #tableSoon(): void {
    this.#after('table', this.#tableShown ? TABLE_EVERY_MS : CALM_MS, () => this.#fillTable());
  }

  #fillTable(): void {
    if (this.#scene) this.#parts?.table.update(this.#scene, this.#now(), this.#selection);
  }

  #keepSoon(run = this.#scene?.run.id): void {
    this.#after('keep', KEEP_AFTER_MS, () => {
      if (run === undefined) return;
      const memory = this.#scene ? undefined : this.#host.recall();
      if (memory?.run === run) return;
      const { mode, start, end, top } = this.#view;
      const selection = this.#selection ? { selection: { row: this.#selection.row, item: this.#selection.item } } : {};
      this.#host.keep({ run, view: { mode, start, end, top }, ...selection, table: this.#tableShown });
    });
  }

  /** Runs `then` after `delay` ms, once, however often it is asked for meanwhile. */
  #after(name: 'tick' | 'keep' | 'table', delay: number, then: () => void): void {
    if (this.#timers[name] !== undefined) return;
    this.#timers[name] = setTimeout(() => {
      delete this.#timers[name];
      then();
    }, delay);
  }
}

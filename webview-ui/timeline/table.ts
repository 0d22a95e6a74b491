/**
 * The timeline as a table: what the canvas shows, for screen readers, and for everybody by a toggle.
 *
 * 1. Rows keep their elements while they mean the same item, so that a screen reader does not lose its place.
 * 2. It never holds more rows than were asked for; the rest is behind a button that says how many there are.
 * 3. While it is hidden its buttons are not in the tab order: nobody tabs into what cannot be seen.
 */
import { say } from '../../shared/webview/timeline-text.ts';
import type { TimelineIntent } from '../../shared/webview/timeline.ts';
import { makeLinks } from './details.ts';
import { make } from './make.ts';
import { itemsOf, stageName, type Item, type Lane, type Scene, type Selection } from './scene.ts';
import { describeItem, describeRow, type Description, type Words } from './wording.ts';

const PAGE = 200;
const COLUMNS = ['columnWhat', 'columnName', 'columnState', 'columnStart', 'columnDuration', 'columnNote', 'columnOpen'] as const;

/** One row of the table: an item, or a stage on which nothing has begun. */
export interface Entry {
  lane: Lane;
  item: Item | undefined;
}

/** The first `limit` entries, and how many there are: each stage, followed by what is on it and by its attempts. */
export function listEntries(scene: Scene, limit: number): { entries: Entry[]; total: number } {
  const entries: Entry[] = [];
  let total = 0;
  for (const lane of scene.lanes) {
    if (entries.length < limit) {
      const items: (Item | undefined)[] = itemsOf(lane);
      entries.push(...(items.length === 0 ? [undefined] : items).map((item) => ({ lane, item })));
    }
    total += Math.max(1, lane.bars.spans.length + lane.waits.spans.length + lane.marks.length);
  }
  return { entries: entries.slice(0, limit), total };
}

export interface TableActions {
  open(intent: TimelineIntent): void;
  select(selection: Selection): void;
}

export interface Table {
  readonly element: HTMLElement;
  update(scene: Scene, now: number, selection: Selection | undefined): void;
  /** Visible to everybody, or to screen readers only. */
  reveal(visible: boolean): void;
}

interface Line {
  element: HTMLTableRowElement;
  cells: HTMLTableCellElement[];
  links: string;
}

/** Makes the table. */
export function makeTable(words: Words, actions: TableActions): Table {
  const body = make('tbody', '');
  const caption = make('caption', 'hidden');
  const head = make('tr', '', ...COLUMNS.map((column) => Object.assign(make('th', '', say(words, column)), { scope: 'col' })));
  const more = make('button', 'link');
  more.type = 'button';
  const element = make('section', 'table hidden', make('table', '', caption, make('thead', '', head), body), more);
  const lines = new Map<string, Line>();
  let limit = PAGE;
  let visible = false;
  let last: [Scene, number, Selection | undefined] | undefined;
  const update = (scene: Scene, now: number, selection: Selection | undefined): void => {
    last = [scene, now, selection];
    const { entries, total } = listEntries(scene, limit);
    setText(caption, say(words, 'timelineOf', scene.run.title));
    const shown = entries.map(({ lane, item }) => {
      const key = item?.id ?? lane.row.id;
      const line = lines.get(key) ?? makeLine(() => actions.select({ row: lane.row.id, item: item?.id }));
      lines.set(key, line);
      const at = { now, origin: scene.run.start, stage: stageName(scene, lane.row) };
      fillLine(line, item ? describeItem(words, item, lane.row, at) : describeRow(words, lane.row), (links) =>
        makeLinks(words, links, actions.open),
      );
      line.element.classList.toggle('stage', key === lane.row.id);
      const selected = selection?.row === lane.row.id && selection.item === item?.id;
      if (selected) line.element.setAttribute('aria-current', 'true');
      else line.element.removeAttribute('aria-current');
      return { key, line };
    });
    keepOnly(lines, body, shown);
    more.hidden = total <= limit;
    setText(more, say(words, 'showMore', Math.min(PAGE, total - limit), total));
    setTabOrder(element, visible);
  };
  more.addEventListener('click', () => {
    limit += PAGE;
    if (last) update(...last);
  });
  const reveal = (next: boolean): void => {
    visible = next;
    element.classList.toggle('hidden', !next);
    setTabOrder(element, next);
  };
  return { element, update, reveal };
}

/** Sets a text only where it is another: to set it is to lay out the table again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function makeLine(select: () => void): Line {
  const cells = COLUMNS.map((_, index) => (index === 1 ? Object.assign(make('th', ''), { scope: 'row' }) : make('td', '')));
  const element = make('tr', '', ...cells);
  element.addEventListener('click', select);
  for (const index of [3, 4]) cells[index]?.classList.add('time');
  return { element, cells, links: '' };
}

function fillLine(line: Line, description: Description, link: (links: Description['links']) => HTMLButtonElement[]): void {
  const { what, name, state, from, took, note, links } = description;
  for (const [index, text] of [what, name, state, from, took, note].entries()) {
    const cell = line.cells[index];
    if (cell) setText(cell, text);
  }
  const signature = JSON.stringify(links);
  if (signature === line.links) return;
  line.links = signature;
  line.cells[6]?.replaceChildren(...link(links));
}

/** Leaves just `shown` in the body, in that order, and moves only what is out of place. */
function keepOnly(lines: Map<string, Line>, body: HTMLElement, shown: readonly { key: string; line: Line }[]): void {
  const keys = new Set(shown.map(({ key }) => key));
  for (const [key, line] of lines) {
    if (keys.has(key)) continue;
    line.element.remove();
    lines.delete(key);
  }
  for (const [index, { line }] of shown.entries()) {
    if (body.children[index] !== line.element) body.insertBefore(line.element, body.children[index] ?? null);
  }
}

function setTabOrder(element: HTMLElement, visible: boolean): void {
  for (const button of element.querySelectorAll('button')) button.tabIndex = visible ? 0 : -1;
}

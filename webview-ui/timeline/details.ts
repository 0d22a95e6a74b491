/** The strip below the chart: what is selected, and buttons for what can be opened. */
import { say } from '../../shared/webview/timeline-text.ts';
import type { TimelineIntent } from '../../shared/webview/timeline.ts';
import { makeIcon, TONE_ICONS } from './icons.ts';
import { make } from './make.ts';
import { linkLabel, type Description, type Words } from './wording.ts';

export interface Details {
  readonly element: HTMLElement;
  show(description: Description | undefined): void;
}

/** Makes the strip; `open` is told which link was pressed. */
export function makeDetails(words: Words, open: (intent: TimelineIntent) => void): Details {
  const text = make('div', 'text');
  const buttons = make('div', 'links');
  const element = make('section', 'details', text, buttons);
  let shown = '';
  let linked = '';
  return {
    element,
    show(description) {
      const next = JSON.stringify(description ?? null);
      if (next === shown) return;
      shown = next;
      text.replaceChildren(...(description ? describe(description) : [make('span', 'muted', say(words, 'nothingSelected'))]));
      // The buttons stay while only a duration grows: one of them may have the focus.
      const links = JSON.stringify(description?.links ?? []);
      if (links !== linked) buttons.replaceChildren(...makeLinks(words, description?.links ?? [], open));
      linked = links;
    },
  };
}

/** One button per link. */
export function makeLinks(words: Words, links: readonly TimelineIntent[], open: (intent: TimelineIntent) => void): HTMLButtonElement[] {
  return links.map((intent) => {
    const button = make('button', 'link', linkLabel(words, intent));
    button.type = 'button';
    button.addEventListener('click', () => open(intent));
    return button;
  });
}

function describe(description: Description): HTMLElement[] {
  const { what, name, state, from, took, note, tone } = description;
  const badge = make('span', 'badge', makeIcon(TONE_ICONS[tone]), state);
  badge.dataset['tone'] = tone;
  const head = make(
    'div',
    'line',
    make('span', 'muted', what),
    make('strong', '', name),
    badge,
    make('span', 'time', [from, took].filter(Boolean).join('  +')),
  );
  return [head, make('div', 'line note', note)];
}

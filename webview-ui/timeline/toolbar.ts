/** The line above the chart (what run, how it stands, the buttons) and the legend below it. */
import { say } from '../../shared/webview/timeline-text.ts';
import type { TimelineRun, Tone } from '../../shared/webview/timeline.ts';
import { paintSwatch } from './canvas.ts';
import { formatDuration } from './clock.ts';
import { BUTTON_ICONS, makeIcon, TONE_ICONS } from './icons.ts';
import { make } from './make.ts';
import type { Theme } from './theme.ts';
import { toneWord, type Words } from './wording.ts';

export type Button = keyof typeof BUTTON_ICONS;

export interface Toolbar {
  readonly element: HTMLElement;
  update(run: TimelineRun, now: number, pressed: { follow: boolean; table: boolean }): void;
}

/** Makes the toolbar; `press` is told which button was pressed. */
export function makeToolbar(words: Words, press: (button: Button) => void): Toolbar {
  const title = make('h1', 'title');
  const state = make('span', 'badge');
  const elapsed = make('span', 'time');
  const startedBy = make('span', 'muted');
  const omitted = make('span', 'muted');
  const names = Object.keys(BUTTON_ICONS) as Button[];
  const buttons = new Map(names.map((name) => [name, makeButton(say(words, name), name, press)]));
  const bar = make('div', 'buttons', ...buttons.values());
  bar.setAttribute('role', 'toolbar');
  bar.setAttribute('aria-label', say(words, 'toolbar'));
  return {
    element: make('header', 'toolbar', make('div', 'heading', title, state, elapsed, startedBy, omitted), bar),
    update(run, now, pressed) {
      title.textContent = run.title;
      const word = toneWord(words, run.tone);
      if (state.dataset['tone'] !== run.tone) {
        state.dataset['tone'] = run.tone;
        state.replaceChildren(makeIcon(TONE_ICONS[run.tone]), word);
      }
      state.title = run.summary;
      elapsed.textContent = say(words, 'elapsed', formatDuration((run.end ?? Math.floor(now / 1000) * 1000) - run.start));
      startedBy.textContent = run.startedBy === undefined ? '' : say(words, 'startedBy', run.startedBy);
      omitted.textContent = run.omitted > 0 ? say(words, 'omitted', run.omitted) : '';
      const follow = buttons.get('follow');
      follow?.setAttribute('aria-pressed', String(pressed.follow));
      if (follow) follow.disabled = !run.live;
      buttons.get('table')?.setAttribute('aria-pressed', String(pressed.table));
    },
  };
}

function makeButton(label: string, name: Button, press: (button: Button) => void): HTMLButtonElement {
  const button = make('button', 'icon', makeIcon(BUTTON_ICONS[name]));
  button.type = 'button';
  button.title = label;
  button.dataset['button'] = name;
  button.setAttribute('aria-label', label);
  button.addEventListener('click', () => press(name));
  return button;
}

const LEGEND: readonly (Tone | 'wait')[] = ['running', 'wait', 'success', 'failure', 'skipped'];

/** Makes the legend; call `paint` with the theme, and again when it changes. */
export function makeLegend(words: Words): { element: HTMLElement; paint(theme: Theme): void } {
  const swatches = LEGEND.map((look) => ({ look, canvas: make('canvas', 'swatch') }));
  const entries = swatches.map(({ look, canvas }) => make('li', '', canvas, toneWord(words, look === 'wait' ? 'waiting' : look)));
  const element = make('ul', 'legend', ...entries);
  element.setAttribute('aria-label', say(words, 'legend'));
  return {
    element,
    paint(theme) {
      for (const { look, canvas } of swatches) paintSwatch(canvas, look, theme);
    },
  };
}

/**
 * The timeline with 10,000 spans in a real browser: what a frame costs while somebody pans and zooms, beside a baseline that draws
 * every span each time; and how long it takes from an event to the pixel. Run: node --import tsx test/bench/timeline.ts
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { TimelineFeed } from '../../shared/webview/timeline-change.ts';
import type { TimelineModel } from '../../shared/webview/timeline.ts';
import type { State } from '../../shared/state/evolve.ts';
import { TimelineBrowser, until, type Page } from '../webview-ui/page.ts';
import { attempt, BEGIN, begin, endAttempt, RUN, stageOf, submitted } from '../webview-ui/record.ts';

const STAGES = 20;
const ATTEMPTS = 500;
const FRAMES = 300;
const EVENTS = 100;
const SIZE = { width: 1600, height: 1100 };

const definition = {
  workflow: 'many',
  version: 1,
  inputs: {},
  stages: Array.from({ length: STAGES }, (_, index) => stageOf(`stage-${index}`)),
};

/** A live run of 20 stages with 500 attempts each; all rows are in sight at once. */
function makeState(): State {
  const state = submitted(definition);
  for (const { id } of definition.stages) {
    begin(state, id, 1);
    endAttempt(state, id, 1, 2, 'failed');
    for (let number = 2; number <= ATTEMPTS; number++) {
      attempt(state, id, number, number * 2);
      endAttempt(state, id, number, number * 2 + 1.5, number % 7 === 0 ? 'succeeded' : 'failed');
    }
  }
  return state;
}

const quantile = (values: number[], q: number): number => values.sort((a, b) => a - b)[Math.floor((values.length - 1) * q)] ?? 0;
const both = (values: number[]): string => `p50 ${quantile(values, 0.5).toFixed(1)} ms, p95 ${quantile(values, 0.95).toFixed(1)} ms`;

/** Runs `step` (an expression, with the frame's number in `n`) before each of many frames; ms of script per frame, and between frames. */
async function measureFrames(page: Page, step: string): Promise<{ script: number[]; between: number[] }> {
  return page.evaluate<{ script: number[]; between: number[] }>(`(async () => {
    const script = [], between = [];
    let last;
    for (let n = 0; n < ${FRAMES}; n++) {
      window.spent = 0;
      ${step};
      const at = await new Promise((resolve) => window.plainFrame(resolve));
      script.push(window.spent);
      if (last !== undefined) between.push(at - last);
      last = at;
    }
    return { script, between };
  })()`);
}

// Times what the page does in its animation frames, from outside.
const STOPWATCH = `
  window.plainFrame = window.requestAnimationFrame.bind(window);
  window.spent = 0;
  window.requestAnimationFrame = (draw) => window.plainFrame((at) => {
    const begun = performance.now();
    draw(at);
    window.spent += performance.now() - begun;
  });
`;

// Zooms in and out around the middle, and pans in between.
const WHEEL = `document.querySelector('.chart').dispatchEvent(new WheelEvent('wheel', n % 60 < 20
  ? { deltaY: -60, clientX: 900, clientY: 400, bubbles: true, cancelable: true }
  : n % 60 < 40
    ? { deltaX: n % 120 < 60 ? 40 : -40, clientX: 900, clientY: 400, bubbles: true, cancelable: true }
    : { deltaY: 60, clientX: 900, clientY: 400, bubbles: true, cancelable: true }))`;

/** The same spans with the same look, each drawn in each frame, in a canvas of the same size. */
function naiveScript(model: TimelineModel): string {
  const rows = new Map(model.rows.map((row, index) => [row.id, index]));
  const spans = model.spans.map((span) => [
    rows.get(span.row),
    span.start - BEGIN,
    (span.end ?? model.now) - BEGIN,
    span.tone === 'failure' ? 1 : 0,
  ]);
  return `
    const naive = document.createElement('canvas');
    naive.width = ${SIZE.width}; naive.height = ${SIZE.height};
    document.body.replaceChildren(naive);
    const pen = naive.getContext('2d');
    const spans = ${JSON.stringify(spans)};
    window.drawNaive = (n) => window.requestAnimationFrame(() => {
      const phase = n % 60;
      const scale = 1.35 / ${(model.now - BEGIN).toFixed(0)} * 1000 * Math.pow(1.13, phase < 20 ? phase : phase < 40 ? 20 : 60 - phase);
      const shift = 600 - 300 * scale + (phase >= 20 && phase < 40 ? (phase - 20) * 4 : 0);
      pen.fillStyle = '#1f1f1f';
      pen.fillRect(0, 0, naive.width, naive.height);
      for (const [row, start, end, failed] of spans) {
        const x = 240 + shift + start * scale, w = Math.max(2, (end - start) * scale);
        pen.beginPath();
        pen.roundRect(x, 24 + row * 24 + 7, w, 10, 2);
        pen.fillStyle = pen.strokeStyle = failed ? '#f14c4c' : '#89d185';
        pen.globalAlpha = 0.32;
        pen.fill();
        pen.globalAlpha = 1;
        pen.stroke();
      }
    });`;
}

/** From the fold of an event to the frame after the one that painted it, with the panel's own pace and a real message between. */
async function measureEvents(page: Page, state: State, feed: TimelineFeed): Promise<{ total: number[]; make: number[]; page: number[] }> {
  const total: number[] = [];
  const make: number[] = [];
  const inPage: number[] = [];
  for (let index = 0; index < EVENTS; index++) {
    const begun = performance.now();
    if (index > 0) endAttempt(state, 'stage-0', ATTEMPTS + index, ATTEMPTS * 2 + 9.5 + index);
    attempt(state, 'stage-0', ATTEMPTS + 1 + index, ATTEMPTS * 2 + 10 + index);
    await sleep(16);
    const making = performance.now();
    const message = feed.tellChange({ state, definition }, BEGIN + 1_100_000);
    make.push(performance.now() - making);
    const spent = await page.evaluate(`new Promise((resolve) => {
      const posted = performance.now();
      window.addEventListener('message', () => window.plainFrame(() => window.plainFrame(() => resolve(performance.now() - posted))), { once: true });
      window.postMessage(${JSON.stringify(message)});
    })`);
    inPage.push(Number(spent));
    total.push(performance.now() - begun);
  }
  return { total, make, page: inPage };
}

const browser = await TimelineBrowser.open();
try {
  const { page, send } = await browser.load();
  await page.setViewportSize(SIZE);
  await page.evaluate(`(() => { ${STOPWATCH} })()`);
  const state = makeState();
  const feed = new TimelineFeed(RUN, {});
  const building = performance.now();
  const message = feed.tellAll({ state, definition }, BEGIN + 1_100_000);
  const built = performance.now() - building;
  if (message.type !== 'model') throw new Error('The feed told no model.');
  const opening = performance.now();
  await send(message);
  await until(page, `document.querySelector('.chart canvas')?.width > 0`);
  console.log(
    `${message.model.spans.length} spans on ${message.model.rows.length} rows; model made in ${built.toFixed(0)} ms, shown after ${(performance.now() - opening).toFixed(0)} ms`,
  );
  await sleep(500);
  const own = await measureFrames(page, WHEEL);
  await page.locator('[data-button=fit]').click();
  const events = await measureEvents(page, state, feed);
  await page.evaluate(`(() => { ${naiveScript(message.model)} })()`);
  const naive = await measureFrames(page, 'window.drawNaive(n)');
  const fps = (list: number[]): string => (1_000 / (list.reduce((sum, value) => sum + value, 0) / list.length)).toFixed(1);
  console.log(`ours      script per frame ${both(own.script)}; between frames ${both(own.between)}; ${fps(own.between)} fps`);
  console.log(`every one script per frame ${both(naive.script)}; between frames ${both(naive.between)}; ${fps(naive.between)} fps`);
  console.log(
    `ratio     script p50 ${(quantile(naive.script, 0.5) / quantile(own.script, 0.5)).toFixed(1)}, p95 ${(quantile(naive.script, 0.95) / quantile(own.script, 0.95)).toFixed(1)}; between frames p50 ${(quantile(naive.between, 0.5) / quantile(own.between, 0.5)).toFixed(1)}`,
  );
  console.log(
    `event to pixel ${both(events.total)}; of that the panel's pace 16 ms, making the change ${both(events.make)}, the page with two frames ${both(events.page)}`,
  );
} finally {
  await browser.close();
}

import assert from 'node:assert/strict';
import { diffTimeline } from '../../shared/webview/timeline-change.ts';
import { buildTimeline } from '../../shared/webview/timeline-model.ts';
import type { TimelineMark, TimelineModel, TimelineSpan, Tone } from '../../shared/webview/timeline.ts';
import { chooseStep, formatDuration, formatMoment } from '../../webview-ui/timeline/clock.ts';
import { hitTest, layOut } from '../../webview-ui/timeline/draw.ts';
import { commandFor, moveSelection } from '../../webview-ui/timeline/keyboard.ts';
import { changeScene, itemsOf, openScene, type Scene } from '../../webview-ui/timeline/scene.ts';
import {
  AXIS,
  advanceView,
  fitView,
  panView,
  revealView,
  ROW,
  scrollView,
  toTime,
  toX,
  zoomView,
  type View,
} from '../../webview-ui/timeline/viewport.ts';
import { BEGIN, CHECKUP, finish, RUN, waitingCheckup } from './record.ts';

const FRAME = { width: 900, height: 400, labels: 100 };
const VIEW: View = { mode: 'free', start: 0, end: 8_000, top: 0 };

const span = (id: string, start: number, end: number | undefined, more: Partial<TimelineSpan> = {}): TimelineSpan => ({
  ...{ id, row: 'row-0', kind: 'attempt', label: id, tone: 'success', status: '', start, note: '', links: [] },
  ...(end === undefined ? {} : { end }),
  ...more,
});
const mark = (id: string, at: number, tone: Tone = 'success'): TimelineMark => ({
  ...{ id, row: 'row-0', kind: 'commit', label: id, tone, status: '', at, note: '', links: [] },
});

function sceneOf(spans: TimelineSpan[], marks: TimelineMark[] = [], rows = 1): Scene {
  const run = { id: 'r', title: 't', version: 1, tone: 'running', status: '', start: 0, live: true, summary: '', omitted: 0 } as const;
  const row = { kind: 'stage', stage: 's', label: 'l', tone: 'running', status: '', note: '' } as const;
  return openScene({
    run,
    now: 0,
    rows: Array.from({ length: rows }, (_, index) => ({ ...row, needs: [], id: `row-${index}` })),
    spans,
    marks,
  });
}

describe('the draw list', () => {
  it('puts spans where their times are: 800 pixels for 8 seconds', () => {
    const { bars } = layOut(sceneOf([span('a', 1_000, 3_000)]), VIEW, FRAME, { now: 8_000 });
    assert.deepEqual(
      bars.map(({ id, x, w }) => [id, x, w]),
      [['a', 200, 200]],
    );
  });

  it('draws an open span up to now', () => {
    const { bars } = layOut(sceneOf([span('a', 1_000, undefined)]), VIEW, FRAME, { now: 5_000 });
    assert.equal(bars[0]?.w, 400);
  });

  it('leaves out what cannot be seen, and cuts what sticks out', () => {
    const scene = sceneOf([span('before', -9_000, -8_000), span('across', -5_000, 100_000), span('after', 9_000, 9_500)]);
    const { bars } = layOut(scene, VIEW, FRAME, { now: 100_000 });
    assert.deepEqual(
      bars.map((bar) => bar.id),
      ['across'],
    );
    assert.ok(bars[0]!.x >= FRAME.labels - 2 && bars[0]!.w <= FRAME.width - FRAME.labels + 4);
  });

  it('finds a long span that began before many that have ended', () => {
    const short = Array.from({ length: 500 }, (_, index) => span(`s${index}`, -9_000 + index, -8_999 + index));
    const { bars } = layOut(sceneOf([span('long', -10_000, 4_000), ...short]), VIEW, FRAME, { now: 8_000 });
    assert.deepEqual(
      bars.map((bar) => bar.id),
      ['long'],
    );
  });

  it('draws 10,000 spans of less than a pixel as no more bars than there is room for, with the gravest tone', () => {
    const spans = Array.from({ length: 10_000 }, (_, index) =>
      span(`s${index}`, index * 0.8, index * 0.8 + 0.5, { tone: index === 5_000 ? 'failure' : 'success' }),
    );
    const { bars } = layOut(sceneOf(spans), VIEW, FRAME, { now: 8_000 });
    assert.ok(bars.length <= 401, `${bars.length} bars on 800 pixels`);
    assert.equal(
      bars.reduce((sum, bar) => sum + bar.count, 0),
      10_000,
    );
    const failed = bars.filter((bar) => bar.tone === 'failure');
    assert.equal(failed.length, 1);
    assert.ok(Math.abs(failed[0]!.x - 500) <= 2, `the failure is drawn at ${failed[0]!.x}`);
  });

  it('keeps a least width for what took no time', () => {
    const { bars } = layOut(sceneOf([span('a', 1_000, 1_000)]), VIEW, FRAME, { now: 8_000 });
    assert.equal(bars[0]?.w, 2);
  });

  it('lays out only the rows in sight', () => {
    const list = layOut(sceneOf([], [], 1_000), { ...VIEW, top: 100 * ROW + 5 }, FRAME, { now: 0 });
    assert.equal(list.labels[0]?.row.id, 'row-100');
    assert.ok(list.labels.length <= Math.ceil((FRAME.height - AXIS) / ROW) + 1);
    assert.ok(list.thumb && list.thumb.y > AXIS);
  });

  it('heaps marks that would lie on one another', () => {
    const { glyphs } = layOut(sceneOf([], [mark('a', 1_000), mark('b', 1_050, 'failure'), mark('c', 4_000)]), VIEW, FRAME, { now: 8_000 });
    assert.deepEqual(
      glyphs.map((glyph) => [glyph.ids, glyph.tone]),
      [
        [['a', 'b'], 'failure'],
        [['c'], 'success'],
      ],
    );
  });

  it('frames the selection also where its bar was drawn as part of a heap', () => {
    const scene = sceneOf([span('a', 1_000, 1_000.1), span('b', 1_001, 1_001.1)]);
    const list = layOut(scene, VIEW, FRAME, { now: 8_000, selection: { row: 'row-0', item: 'b' } });
    assert.equal(list.bars.length, 1);
    assert.ok(Math.abs((list.selection?.box?.x ?? 0) - 200.1) < 0.01);
  });

  it('has ticks that do not crowd', () => {
    for (const length of [50, 8_000, 3_600_000, 90 * 86_400_000]) {
      const { ticks } = layOut(sceneOf([]), { ...VIEW, end: length }, FRAME, { now: 0 });
      assert.ok(ticks.length >= 2 && ticks.length <= 10, `${ticks.length} ticks for ${length} ms`);
    }
  });
});

describe('what lies under the pointer', () => {
  const list = layOut(sceneOf([span('a', 1_000, 3_000)], [mark('m', 2_000), mark('n', 2_050)]), VIEW, FRAME, { now: 8_000 });
  const y = AXIS + ROW / 2;
  it('is a mark before a bar, a bar before the row, and nothing on the axis', () => {
    assert.deepEqual(hitTest(list, 300, y), { row: 'row-0', item: 'm' });
    assert.deepEqual(hitTest(list, 220, y), { row: 'row-0', item: 'a' });
    assert.deepEqual(hitTest(list, 700, y), { row: 'row-0' });
    assert.deepEqual(hitTest(list, 50, y), { row: 'row-0' });
    assert.equal(hitTest(list, 300, 5), undefined);
    assert.equal(hitTest(list, 300, 300), undefined);
  });
  it('is the next of a heap at the next click', () => {
    assert.equal(hitTest(list, 300, y, 'm')?.item, 'n');
    assert.equal(hitTest(list, 300, y, 'n')?.item, 'm');
  });
});

describe('the view', () => {
  const run = { ...sceneOf([]).run };
  it('fits the run with room on both sides, and grows with it', () => {
    const fit = fitView(VIEW, run, 10_000);
    assert.ok(fit.start < 0 && fit.end > 10_000);
    assert.ok(advanceView(fit, run, 20_000).end > 20_000);
  });
  it('zooms around the pointer, which stays on its moment', () => {
    const zoomed = zoomView(VIEW, run, { factor: 0.5, now: 8_000, anchor: 2_000 });
    assert.equal(zoomed.end - zoomed.start, 4_000);
    assert.equal(Math.round(toX(zoomed, FRAME, 2_000)), Math.round(toX(VIEW, FRAME, 2_000)));
    assert.equal(zoomed.mode, 'free');
  });
  it('that follows keeps following when keys zoom', () => {
    const zoomed = zoomView({ ...VIEW, mode: 'fit' }, run, { factor: 0.5, now: 8_000 });
    assert.equal(zoomed.mode, 'follow');
    assert.ok(zoomed.end > 8_000 && zoomed.start > 4_000);
  });
  it('neither zooms without end nor pans the run out of sight', () => {
    let view = VIEW;
    for (let step = 0; step < 100; step++) view = zoomView(view, run, { factor: 0.5, now: 8_000, anchor: 4_000 });
    assert.ok(view.end - view.start >= 19.9);
    for (let step = 0; step < 100; step++) view = zoomView(view, run, { factor: 2, now: 8_000, anchor: 4_000 });
    assert.ok(view.end - view.start <= 16_001);
    assert.ok(panView(VIEW, run, 1e9, 8_000).start < 8_000);
    assert.ok(panView(VIEW, run, -1e9, 8_000).end > 0);
  });
  it('scrolls only as far as there are rows', () => {
    assert.equal(scrollView(VIEW, 1e6, FRAME, 3).top, 0);
    assert.equal(scrollView(VIEW, 1e6, FRAME, 100).top, 100 * ROW - (FRAME.height - AXIS));
  });
  it('moves only when the selection is out of sight', () => {
    assert.deepEqual(revealView(VIEW, { from: 2_000, to: 3_000, place: 2 }, FRAME), VIEW);
    const moved = revealView(VIEW, { from: 20_000, to: 21_000, place: 50 }, FRAME);
    assert.ok(moved.start < 20_000 && moved.end > 20_000 && moved.top > 0 && moved.mode === 'free');
  });
  it('converts between places and moments', () => {
    assert.equal(toTime(VIEW, FRAME, toX(VIEW, FRAME, 1_234)), 1_234);
  });
});

describe('the scene', () => {
  it('is the same after changes as when it is opened anew', () => {
    const state = waitingCheckup();
    const before = buildTimeline(state, CHECKUP, RUN, BEGIN + 42_000) as TimelineModel;
    finish(state);
    const after = buildTimeline(state, CHECKUP, RUN, BEGIN + 62_000) as TimelineModel;
    const changed = openScene(before);
    const change = diffTimeline(before, after);
    assert.ok(change);
    const touched = changeScene(changed, change);
    const fresh = openScene(after);
    const shape = (scene: Scene) => scene.lanes.map((lane) => [lane.row, itemsOf(lane), lane.bars.reach, lane.waits.reach]);
    assert.deepEqual(shape(changed), shape(fresh));
    assert.deepEqual([...changed.items.keys()].sort(), [...fresh.items.keys()].sort());
    assert.deepEqual(changed.run, fresh.run);
    assert.ok(!touched.has('stage/scan'), 'a row that did not change was touched');
  });

  it('loses what is gone', () => {
    const scene = sceneOf([span('a', 0, 1), span('b', 2, 3)]);
    changeScene(scene, { now: 0, rows: [], spans: [], marks: [], gone: ['a'] });
    assert.deepEqual([scene.items.has('a'), scene.lanes[0]?.bars.spans.map((s) => s.id)], [false, ['b']]);
  });
});

describe('the keys', () => {
  const key = (name: string, more: object = {}) =>
    commandFor({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });
  it('leave to VS Code what is not theirs', () => {
    for (const pressed of [
      key('p', { ctrlKey: true }),
      key('=', { ctrlKey: true }),
      key('Tab'),
      key('F1'),
      key('ArrowUp', { altKey: true }),
    ]) {
      assert.equal(pressed, undefined);
    }
  });
  it('mean the same in upper case', () => assert.deepEqual(key('F'), { do: 'follow' }));

  it('move the selection along a row, between rows at the same moment, and onto rows where nothing began', () => {
    const model = buildTimeline(waitingCheckup(), CHECKUP, RUN, BEGIN + 42_000);
    assert.ok(model);
    const scene = openScene(model);
    const first = moveSelection(scene, undefined, 'down', BEGIN);
    assert.deepEqual(first, { row: 'stage/scan', item: 'stage/scan' });
    const bottom = moveSelection(scene, first, 'bottom', BEGIN);
    assert.deepEqual(bottom, { row: 'stage/report', item: undefined });
    const merge = moveSelection(scene, bottom, 'up', BEGIN + 41_000);
    assert.equal(merge?.row, 'stage/merge');
    const lane = { row: 'attempts/repair/1', item: 'attempt/repair-1' };
    assert.equal(moveSelection(scene, lane, 'right', BEGIN)?.item, 'attempt/repair-2');
    assert.equal(moveSelection(scene, lane, 'left', BEGIN)?.item, 'attempt/repair-1');
    assert.equal(moveSelection(scene, lane, 'last', BEGIN)?.item, 'commit/repair-2/abcdef0123456789');
    assert.equal(moveSelection(scene, first, 'up', BEGIN), first);
  });
});

describe('durations', () => {
  it('are short and exact enough', () => {
    const cases: [number, string][] = [
      [340, '340 ms'],
      [12_340, '12.3 s'],
      [59_990, '1 min 00 s'],
      [125_000, '2 min 05 s'],
      [3_780_000, '1 h 03 min'],
      [187_200_000, '2 d 4 h'],
      [-5, '0 ms'],
    ];
    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
  });
  it('of the axis are as exact as its step', () => {
    assert.equal(formatMoment(5_000, 1_000), '0:05');
    assert.equal(formatMoment(3_723_000, 1_000), '1:02:03');
    assert.equal(formatMoment(1_250, 50), '0:01.250');
    assert.equal(formatMoment(-2_000, 1_000), '-0:02');
    assert.equal(chooseStep(10, 88), 1_000);
  });
});

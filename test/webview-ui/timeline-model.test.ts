import assert from 'node:assert/strict';
import { diffTimeline, TimelineFeed } from '../../shared/webview/timeline-change.ts';
import { buildTimeline } from '../../shared/webview/timeline-model.ts';
import { MAX_ITEMS, TimelineModel, ToTimeline } from '../../shared/webview/timeline.ts';
import type { State } from '../../shared/state/evolve.ts';
import {
  ask,
  attempt,
  BEGIN,
  begin,
  CHECKUP,
  complete,
  endAttempt,
  event,
  finish,
  of,
  record,
  RUN,
  stageOf,
  submitted,
  waitingCheckup,
} from './record.ts';

const build = (state: State, seconds: number, definition = CHECKUP): TimelineModel => {
  const model = buildTimeline(state, definition, RUN, BEGIN + seconds * 1_000);
  assert.ok(model);
  return TimelineModel.parse(model);
};
const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : (ms - BEGIN) / 1_000);
const rowOf = (model: TimelineModel, id: string) => model.rows.find((row) => row.id === id);
const spanOf = (model: TimelineModel, id: string) => model.spans.find((span) => span.id === id);
const markOf = (model: TimelineModel, id: string) => model.marks.find((mark) => mark.id === id);

describe('the model of a timeline', () => {
  it('is undefined for a run that the state does not have', () => {
    assert.equal(buildTimeline(submitted(), CHECKUP, 'another', BEGIN), undefined);
  });

  it('has the stages of the definition in its order before anything began, with what they need', () => {
    const model = build(submitted(), 1);
    assert.deepEqual(
      model.rows.map((row) => [row.id, row.tone, row.needs]),
      [
        ['stage/scan', 'idle', []],
        ['stage/plan', 'idle', ['Look at the repository']],
        ['stage/repair', 'idle', ['Plan the repairs']],
        ['stage/test', 'idle', ['Repair']],
        ['stage/verify', 'idle', ['Repair']],
        ['stage/merge', 'idle', ["Run the repository's own tests", 'Look again']],
        ['stage/report', 'idle', ['Look at the repository', 'Merge the repairs']],
      ],
    );
    assert.deepEqual([model.spans, model.marks, model.run.live], [[], [], true]);
  });

  it('says by which trigger the run was started, and nothing where somebody did', () => {
    const state = submitted();
    assert.equal(build(state, 1).run.startedBy, undefined);
    const run = state.runs.get(RUN);
    const startedBy = { trigger: 'nightly.cron', kind: 'cron', firing: 'f', summary: 'it was 03:00 UTC', depth: 0 } as const;
    if (run) state.runs.set(RUN, { ...run, startedBy });
    assert.equal(build(state, 1).run.startedBy, 'nightly.cron: it was 03:00 UTC');
  });

  it('needs only what has not ended', () => {
    assert.deepEqual(rowOf(build(waitingCheckup(), 42), 'stage/report')?.needs, ['Merge the repairs']);
  });

  it('has a stage as a span, open while it is under way, and what its task waits for', () => {
    const state = submitted();
    record(state, 1, event('stage.started', of('scan'), { round: 1 }));
    const data = { wants: 'worker', action: 'work', priority: 0, timeoutMs: 1_000, maxAttempts: 3, payload: {}, artifacts: {} };
    record(state, 2, event('task.submitted', of('scan', { task: 'task-scan' }), data));
    const model = build(state, 3);
    const { start, end, tone } = spanOf(model, 'stage/scan') ?? {};
    assert.deepEqual([seconds(start), end, tone], [1, undefined, 'running']);
    assert.equal(rowOf(model, 'stage/scan')?.waitsFor, 'agent');
  });

  it('puts attempts that follow one another into one lane below their stage', () => {
    const model = build(waitingCheckup(), 42);
    const lane = model.rows.filter((row) => row.kind === 'attempts' && row.stage === 'repair');
    assert.deepEqual(
      lane.map((row) => [row.id, row.label, row.tone]),
      [['attempts/repair/1', '1-2', 'success']],
    );
    assert.equal(model.rows.indexOf(lane[0]!), model.rows.findIndex((row) => row.id === 'stage/repair') + 1);
    const failed = spanOf(model, 'attempt/repair-1');
    assert.deepEqual([failed?.label, failed?.tone, seconds(failed?.start), seconds(failed?.end)], ['1', 'failure', 9.8, 13]);
    assert.equal(failed?.note, 'worker: The process ended with 1.');
    assert.deepEqual(failed?.links, [{ kind: 'log', run: RUN, stage: 'repair', attempt: 'repair-1' }]);
  });

  it('gives attempts that overlap lanes of their own, which they keep', () => {
    const state = submitted();
    begin(state, 'scan', 1);
    attempt(state, 'scan', 2, 2);
    const lanesOf = (model: TimelineModel) => Object.fromEntries(model.spans.filter((s) => s.kind === 'attempt').map((s) => [s.id, s.row]));
    const before = lanesOf(build(state, 3));
    assert.deepEqual(before, { 'attempt/scan-1': 'attempts/scan/1', 'attempt/scan-2': 'attempts/scan/2' });
    endAttempt(state, 'scan', 1, 4, 'failed');
    attempt(state, 'scan', 3, 5);
    assert.deepEqual(lanesOf(build(state, 6)), { ...before, 'attempt/scan-3': 'attempts/scan/1' });
  });

  it('shows a question as a mark and a wait, and its answer as another mark', () => {
    const state = waitingCheckup();
    const model = build(state, 42);
    assert.equal(rowOf(model, 'stage/merge')?.tone, 'waiting');
    const wait = spanOf(model, 'wait/ask-merge');
    assert.deepEqual([wait?.row, wait?.kind, seconds(wait?.start), wait?.end], ['stage/merge', 'wait', 34, undefined]);
    assert.deepEqual(wait?.links, [
      { kind: 'diff', run: RUN, subject: 'approval', id: 'ask-merge' },
      { kind: 'approval', run: RUN, approval: 'ask-merge' },
      { kind: 'artifact', run: RUN, name: 'plan.json', digest: 'plan-digest' },
    ]);
    assert.equal(markOf(model, 'answered/ask-merge'), undefined);
    const denied = markOf(model, 'answered/ask-test');
    assert.deepEqual([denied?.tone, denied?.status, seconds(denied?.at), denied?.note], ['failure', 'denied', 32, 'ada: not now']);
    assert.deepEqual([rowOf(model, 'stage/test')?.tone, rowOf(model, 'stage/test')?.note], ['skipped', 'Somebody said no.']);
    assert.ok(!spanOf(model, 'wait/ask-test')?.links.some((link) => link.kind === 'approval'), 'an answered question is asked again');
  });

  it('shows the last tool calls of an attempt, and apart those that nobody was asked about', () => {
    const state = waitingCheckup();
    const call = { tool: 'Bash', kind: 'execute' as const, status: 'completed' as const, summary: 'make' };
    const second = { ...of('repair'), attempt: 'repair-2' };
    for (let i = 0; i < 20; i += 1) record(state, 30 + i, event('agent.tool_called', second, { ...call, call: 'same', answer: 'allowed' }));
    record(state, 51, event('agent.tool_called', second, { ...call, call: 'x', answer: 'not_asked' }));
    const marks = build(state, 62).marks.filter(({ id }) => id.startsWith('tool/repair-2/'));
    assert.deepEqual([marks.length, marks[0]?.id, marks.at(-1)?.id], [16, 'tool/repair-2/5', 'tool/repair-2/20']);
    assert.deepEqual(
      marks.slice(-2).map(({ kind, label, status }) => [kind, label, status]),
      [
        ['tool', 'make', 'execute, allowed, completed'],
        ['unasked', 'make', 'execute, not asked, completed'],
      ],
    );
  });

  it('shows commits on their attempt and the merge on its stage', () => {
    const state = waitingCheckup();
    finish(state);
    const model = build(state, 62);
    const commit = markOf(model, 'commit/repair-2/abcdef0123456789');
    assert.deepEqual([commit?.row, commit?.label, commit?.status], ['attempts/repair/1', 'Add a .gitignore', 'abcdef01']);
    const merge = markOf(model, `merge/${RUN}`);
    assert.deepEqual([merge?.row, merge?.tone, merge?.status, seconds(merge?.at)], ['stage/merge', 'success', '12345678', 51]);
    assert.deepEqual(merge?.links, [{ kind: 'diff', run: RUN, subject: 'merge', id: '1234567890abcdef' }]);
    assert.deepEqual([model.run.live, model.run.tone, seconds(model.run.end)], [false, 'success', 62]);
  });

  it('shows an undo', () => {
    const state = waitingCheckup();
    finish(state);
    record(state, 100, event('workspace.undo_started', of(), { branch: 'main', merge: '1234567890abcdef', by: 'ada' }));
    record(state, 101, event('workspace.undone', of(), { branch: 'main', merge: '1234567890abcdef', commit: 'c' }));
    const undo = markOf(build(state, 102), `undo/${RUN}`);
    assert.deepEqual([undo?.status, undo?.note, seconds(undo?.at)], ['undone', 'ada', 100]);
  });

  it('leaves the oldest out beyond the bound and counts them', () => {
    const state = submitted({ ...CHECKUP, stages: [stageOf('scan')] });
    begin(state, 'scan', 0);
    endAttempt(state, 'scan', 1, 1);
    for (let number = 2; number <= MAX_ITEMS + 5; number++) {
      attempt(state, 'scan', number, number);
      endAttempt(state, 'scan', number, number + 0.5);
    }
    const model = build(state, 30_000, { ...CHECKUP, stages: [stageOf('scan')] });
    assert.deepEqual([model.spans.length, model.run.omitted], [MAX_ITEMS, 6]);
    assert.ok(spanOf(model, `attempt/scan-${MAX_ITEMS + 5}`), 'the newest attempt was left out');
  });
});

describe('the changes of a timeline', () => {
  it('are none when only the clock went on', () => {
    const state = waitingCheckup();
    assert.equal(diffTimeline(build(state, 42), build(state, 43)), undefined);
  });

  it('hold what is new or different and nothing else', () => {
    const state = waitingCheckup();
    const before = build(state, 42);
    record(
      state,
      50,
      event('approval.granted', of('merge'), { approval: 'ask-merge', by: 'ada', reason: '' }),
      event('run.continued', of(), {}),
    );
    const change = diffTimeline(before, build(state, 50));
    assert.deepEqual(change?.spans.map((span) => span.id).sort(), ['stage/merge', 'wait/ask-merge']);
    assert.deepEqual(change?.marks.map((mark) => mark.id).sort(), ['answered/ask-merge', 'asked/ask-merge']);
    assert.deepEqual(
      change?.rows.map((row) => row.id),
      ['stage/merge'],
    );
    assert.deepEqual([change?.order, change?.gone, change?.run?.status], [undefined, [], 'running']);
  });

  it('name the order of the rows when a lane came', () => {
    const state = submitted();
    const before = build(state, 0.1);
    begin(state, 'scan', 0.2);
    assert.deepEqual(diffTimeline(before, build(state, 1))?.order?.slice(0, 3), ['stage/scan', 'attempts/scan/1', 'stage/plan']);
  });

  it('come from a feed as messages that parse, with revisions in a row', () => {
    const state = submitted();
    const feed = new TimelineFeed(RUN, { zoomIn: 'Größer' });
    const input = { state, definition: CHECKUP };
    const loading = feed.tellAll(undefined, BEGIN);
    assert.deepEqual(loading, { type: 'loading', run: RUN, text: { zoomIn: 'Größer' } });
    assert.equal(feed.tellChange(undefined, BEGIN), undefined);
    const first = ToTimeline.parse(feed.tellChange(input, BEGIN));
    assert.equal(first.type, 'model');
    assert.equal(feed.tellChange(input, BEGIN + 1_000), undefined);
    begin(state, 'scan', 1);
    const second = ToTimeline.parse(feed.tellChange(input, BEGIN + 1_000));
    complete(state, 'scan', 2);
    ask(state, 'plan', 'q', 3);
    const third = ToTimeline.parse(feed.tellChange(input, BEGIN + 2_000));
    assert.ok(first.type === 'model' && second.type === 'change' && third.type === 'change');
    assert.deepEqual([second.revision, third.revision], [first.revision + 1, first.revision + 2]);
  });

  it('with a time or a text out of bounds are refused at the door', () => {
    const model = build(waitingCheckup(), 42);
    assert.ok(!ToTimeline.safeParse({ type: 'model', revision: 1, model: { ...model, now: Number.NaN }, text: {} }).success);
    assert.ok(
      !ToTimeline.safeParse({
        type: 'model',
        revision: 1,
        model: { ...model, rows: [{ ...model.rows[0], label: 'x'.repeat(501) }] },
        text: {},
      }).success,
    );
  });
});

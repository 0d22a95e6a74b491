// Long because: all rows of the views are told from one small record, which each test carries on.
import assert from 'node:assert/strict';
import type { NewEvent } from '../../../shared/events/envelope.ts';
import { emptyState, evolve, type State } from '../../../shared/state/evolve.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import { describeAgent } from '../../../extension/views/describeAgent.ts';
import { describeApproval, sayAnswer, sayQuestion, whatToShow } from '../../../extension/views/describeApproval.ts';
import { describeRun } from '../../../extension/views/describeRun.ts';
import { findChanged, plantForest, type Node } from '../../../extension/views/nodes.ts';
import { sayStatus, statusWord } from '../../../extension/views/sayStatus.ts';
import { clip, sayDuration, sayTime } from '../../../extension/views/words.ts';
import { READER } from '../reader.ts';

const TEXT = `workflow: checkup
version: 1
stages:
  - { id: scan, name: Look, agent: data-plane, action: scan, worktree: own }
  - { id: test, name: Test, agent: command, command: [npm, test], needs: [scan] }
  - { id: merge, name: Merge, needs: [test], merge: { from: scan } }
`;

let seq = 0;
/** Records events at a minute after three o'clock. */
function record(state: State, minute: number, ...events: NewEvent[]): void {
  seq += 1;
  const at = new Date(Date.parse('2026-01-02T03:00:00.000Z') + minute * 60_000).toISOString();
  evolve(state, {
    seq,
    at,
    principal: 'user',
    events: events.map((event, index) => ({ ...event, id: `e-${seq}.${index}`, tenant: 'local' })),
  });
}

const of = { run: 'run1', repo: '/home/a/shop' };
const stream = { v: 1 as const, stream: 'run/run1' };
const ask = (id: string, summary = 'Run npm test'): NewEvent => {
  const data = {
    approval: id,
    key: 'command',
    kind: 'agent.execute',
    summary,
    risk: 'medium' as const,
    digest: 'd',
    why: ['It runs code.'],
    expiresAt: '2026-01-02T04:00:00.000Z',
    show: {},
  };
  return { ...of, ...stream, type: 'approval.requested', stage: 'test', data };
};

function begin(): { state: State; definition: WorkflowDefinition } {
  const loaded = loadWorkflow({ text: TEXT, file: 'a.yaml' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const state = emptyState();
  record(state, 1, {
    ...of,
    ...stream,
    type: 'run.submitted',
    data: { workflow: { name: 'checkup', version: 1, digest: 'x' }, inputs: {}, into: 'main' },
  });
  record(state, 1, { ...of, ...stream, type: 'run.started', data: {} });
  record(state, 2, { ...of, ...stream, type: 'stage.started', stage: 'scan', data: { round: 1 } });
  const submitted = { wants: 'data-plane', action: 'scan', priority: 0, timeoutMs: 1, maxAttempts: 3, payload: {}, artifacts: {} };
  record(state, 2, { ...of, ...stream, type: 'task.submitted', stage: 'scan', task: 't1', data: submitted });
  return { state, definition: loaded.definition };
}

function rowsOf(state: State, definition: WorkflowDefinition | undefined): { row: Node; lines: string[] } {
  const run = state.runs.get('run1');
  assert.ok(run);
  const row = describeRun({ run, state, definition, named: false }, READER);
  return { row, lines: row.children.map((child) => `${child.label}: ${child.description}`) };
}

describe('the rows of a run', () => {
  it('say what every stage does, or waits for and since when', () => {
    const { state, definition } = begin();
    const { row, lines } = rowsOf(state, definition);
    assert.equal(`${row.label}: ${row.description}`, 'Check-up: running since 03:01');
    assert.deepEqual(lines, ['Look: waits for the agent data-plane since 03:02', 'Test: waits for: Look', 'Merge: waits for: Test']);
    assert.equal(row.context, 'run active pausable');
    assert.equal(row.open, 'expanded');
  });

  it('have an attempt below its stage, whose click opens its log', () => {
    const { state, definition } = begin();
    record(state, 3, {
      ...of,
      ...stream,
      type: 'attempt.starting',
      stage: 'scan',
      task: 't1',
      attempt: 'a1',
      agent: 'data-plane',
      data: { token: 1, host: 'h', bootId: 'b' },
    });
    record(state, 3, { ...of, ...stream, type: 'attempt.running', stage: 'scan', task: 't1', attempt: 'a1', data: { pid: 7 } });
    const [scan] = rowsOf(state, definition).row.children;
    const [attempt] = scan?.children ?? [];
    assert.equal(attempt?.description, 'data-plane, running since 03:03');
    assert.deepEqual(attempt?.command?.args, ['attempt:a1']);
    assert.deepEqual(scan?.command?.args, ['attempt:a1']);
    const work = { ...of, ...stream, attempt: 'a1' };
    const steps = [
      { text: 'look', status: 'completed' as const },
      { text: 'mend', status: 'pending' as const },
    ];
    record(state, 3, { ...work, type: 'agent.planned', data: { done: 1, total: 2, steps } });
    const called = { call: 'c', tool: '', kind: 'execute', status: 'completed', answer: 'not_asked', summary: 'make' } as const;
    record(state, 3, { ...work, type: 'agent.tool_called', data: called });
    record(state, 3, { ...work, type: 'usage.reported', data: { tokens: 1_200, cost: 0.5, source: 'agent' } });
    const [busy] = rowsOf(state, definition).row.children[0]?.children ?? [];
    assert.equal(busy?.description, 'data-plane, running since 03:03, plan 1/2, 1.2k tokens');
    assert.deepEqual(
      busy?.children.map(({ label, description }) => `${label}: ${description}`),
      ['look: done', 'mend: '],
    );
    assert.deepEqual(
      busy?.tooltip?.flatMap((line) => ('name' in line && ['Plan', 'Tool Calls', 'Used'].includes(line.name) ? [line.value] : [])),
      ['1 of 2 done, now: mend', '1, 1 of them without asking', '1,200 tokens, $0.50 (counted by: agent)'],
    );
    record(state, 4, { ...of, ...stream, type: 'attempt.ended', attempt: 'a1', data: { status: 'failed', message: 'no' } });
    assert.equal(rowsOf(state, definition).row.children[0]?.children[0]?.description, 'data-plane, failed after 1 min 0 s, 1.2k tokens');
  });

  it('say that a person is waited for', () => {
    const { state, definition } = begin();
    record(state, 5, { ...of, ...stream, type: 'stage.started', stage: 'test', data: { round: 1 } });
    record(state, 6, ask('ap1'));
    record(state, 6, { ...of, ...stream, type: 'run.waiting', data: { approvals: ['ap1'] } });
    const { row, lines } = rowsOf(state, definition);
    assert.equal(row.description, 'waits for you since 03:06');
    assert.equal(lines[1], 'Test: waits for you since 03:06');
    assert.match(row.children[1]?.context ?? '', /\basking\b/);
  });

  it('say behind which run a merge waits for its turn, and what handoffs came back', () => {
    const { state, definition } = begin();
    const other = { repo: of.repo, run: 'run-other' };
    const data = { workflow: { name: 'add-tests', version: 1, digest: 'x' }, inputs: {}, into: 'main', commonDir: '/g' };
    for (const about of [of, other]) record(state, 1, { ...about, ...stream, type: 'run.submitted', data });
    for (const stage of ['scan', 'test']) record(state, 2, { ...of, ...stream, type: 'stage.completed', stage, data: { values: {} } });
    assert.equal(rowsOf(state, definition).lines[2], 'Merge: about to start');
    record(state, 3, { ...other, ...stream, type: 'stage.started', stage: 'merge', data: { round: 1, merges: true } });
    assert.equal(rowsOf(state, definition).lines[2], 'Merge: waits for its turn to merge, behind Add tests un-other');
    const handed = { handoff: 'h', from: ['scan'], to: 'scan', missing: [{ item: 'prd.md', detail: 'It is not there.' }] };
    record(state, 4, { ...of, ...stream, type: 'handoff.returned', stage: 'test', data: handed });
    const said = rowsOf(state, definition).row.tooltip?.find((line) => 'name' in line && line.name === 'Handoffs');
    assert.deepEqual(said, { name: 'Handoffs', value: '0 accepted, 1 sent back as incomplete' });
  });

  it('say what may be steered: a run that goes on or is paused, stages that began or did not', () => {
    const { state, definition } = begin();
    const contexts = () => {
      const { row } = rowsOf(state, definition);
      return [row.context, ...row.children.map(({ context }) => context)];
    };
    assert.deepEqual(contexts(), ['run active pausable', 'stage retriable', 'stage skippable', 'stage skippable']);
    record(state, 2, { ...of, ...stream, type: 'run.paused', data: { by: 'user', reason: 'lunch' } });
    assert.equal(contexts()[0], 'run active paused');
    assert.equal(rowsOf(state, definition).row.description, 'paused by user');
    record(state, 3, { ...of, ...stream, type: 'run.cancel_requested', data: { reason: 'enough' } });
    assert.deepEqual(contexts().slice(1), ['stage', 'stage', 'stage']);
  });

  it('say of a stage that another run had done it, and which', () => {
    const { state, definition } = begin();
    const data = { workflow: { name: 'checkup', version: 1, digest: 'x' }, inputs: {}, origin: { run: 'run-0123456789', event: 'e-1.0' } };
    record(state, 1, { ...of, ...stream, type: 'run.submitted', data });
    record(state, 1, { ...of, ...stream, type: 'stage.inherited', stage: 'test', data: { status: 'completed', reason: '', values: {} } });
    const { row, lines } = rowsOf(state, definition);
    assert.equal(lines[1], 'Test: done in run 23456789');
    assert.ok(row.tooltip?.some((line) => 'name' in line && line.value === 'run 23456789, before e-1.0'));
  });

  it('say how the run ended, and what can be done then', () => {
    const { state, definition } = begin();
    record(state, 7, { ...of, ...stream, type: 'stage.failed', stage: 'scan', data: { code: 'x', message: 'It broke.\nBadly.' } });
    record(state, 7, { ...of, ...stream, type: 'run.failed', data: { code: 'x', summary: 'Look failed.' } });
    const failed = rowsOf(state, definition);
    assert.equal(failed.row.description, 'failed: Look failed.');
    assert.deepEqual(failed.lines, ['Look: failed: It broke. Badly.', 'Test: did not run', 'Merge: did not run']);
    assert.equal(failed.row.context, 'run ended');
  });

  it('offer undo once merged, and say so when it was taken back', () => {
    const { state, definition } = begin();
    record(state, 8, {
      ...of,
      ...stream,
      type: 'artifact.recorded',
      data: { name: 'report.md', digest: 'd', size: 1, mediaType: 'text/markdown' },
    });
    record(state, 8, {
      ...of,
      ...stream,
      type: 'workspace.merge_started',
      stage: 'merge',
      data: { into: 'main', from: 'f', expected: 'e', tree: 't', approval: '', message: '' },
    });
    record(state, 8, { ...of, ...stream, type: 'workspace.merged', data: { into: 'main', commit: 'c', previous: 'e' } });
    record(state, 9, { ...of, ...stream, type: 'run.succeeded', data: { summary: '' } });
    assert.equal(rowsOf(state, definition).row.description, 'merged into main, 03:09');
    assert.equal(rowsOf(state, definition).row.context, 'run ended undoable reported');
    record(state, 9, { ...of, ...stream, type: 'workspace.undo_started', data: { branch: 'main', merge: 'c', by: 'user' } });
    record(state, 9, { ...of, ...stream, type: 'workspace.undone', data: { branch: 'main', merge: 'c', commit: 'u' } });
    assert.equal(rowsOf(state, definition).row.description, 'undone on main');
    assert.doesNotMatch(rowsOf(state, definition).row.context, /undoable/);
  });

  it('show the stages that have begun while the definition is not there', () => {
    const { state } = begin();
    assert.deepEqual(rowsOf(state, undefined).lines, ['scan: waits for the agent data-plane since 03:02']);
  });
});

describe('a question', () => {
  it('says who wants what and why, and counts the others', () => {
    const { state, definition } = begin();
    record(state, 6, ask('ap1'));
    const approval = state.approvals.get('ap1');
    assert.ok(approval);
    const view = { approval, state, definition, named: false };
    assert.equal(sayQuestion(view, 2, READER), 'Check-up · Test · command asks: Run npm test. It runs code. (1 of 3)');
    assert.equal(sayQuestion(view, 0, READER), 'Check-up · Test · command asks: Run npm test. It runs code.');
    const row = describeApproval(view, READER);
    assert.equal(row.description, 'Test · since 03:06');
    assert.match(row.spoken, /Risk medium/);
    assert.equal(whatToShow(approval), 'details');
    assert.equal(whatToShow({ ...approval, show: { diff: 'd' } }), 'diff');
    assert.equal(whatToShow({ ...approval, kind: 'agent.edit', show: { 'plan.json': 'd' } }), 'repair');
  });

  it('cannot make a link, a second line or a long text', () => {
    const { state, definition } = begin();
    record(state, 6, ask('ap1', `[Click](command:evil)\n${'x'.repeat(1_500)}`));
    const approval = state.approvals.get('ap1');
    assert.ok(approval);
    const said = sayQuestion({ approval, state, definition, named: false }, 0, READER);
    assert.doesNotMatch(said, /[[\]]|\n/);
    assert.ok(said.length < 420, String(said.length));
  });

  it('says to whoever comes too late who was quicker', () => {
    const { state } = begin();
    record(state, 6, ask('ap1'));
    record(state, 7, { ...of, ...stream, type: 'approval.denied', data: { approval: 'ap1', by: 'anna', reason: '' } });
    const approval = state.approvals.get('ap1');
    assert.ok(approval);
    assert.equal(sayAnswer(approval, READER), 'anna has denied it already.');
  });
});

describe('what is drawn anew', () => {
  const row = (id: string, label = id, children: Node[] = []): Node => ({
    id,
    label,
    icon: { id: 'x' },
    context: '',
    open: 'none',
    spoken: '',
    children,
  });
  const forest = (...roots: Node[]) => plantForest(roots);

  it('is nothing when nothing differs', () =>
    assert.deepEqual(findChanged(forest(row('a', 'a', [row('b')])), forest(row('a', 'a', [row('b')]))), []));
  it('is the row that differs', () =>
    assert.deepEqual(findChanged(forest(row('a', 'a', [row('b')]), row('c')), forest(row('a', 'a', [row('b', 'B')]), row('c'))), ['b']));
  it('is the parent when a row came', () => assert.deepEqual(findChanged(forest(row('a')), forest(row('a', 'a', [row('b')]))), ['a']));
  it('is the highest row only', () =>
    assert.deepEqual(findChanged(forest(row('a', 'a', [row('b')])), forest(row('a', 'A', [row('b', 'B')]))), ['a']));
  it('is all when the top changed', () => assert.equal(findChanged(forest(row('a')), forest(row('b'), row('a'))), undefined));
});

describe('the words', () => {
  it('of the status bar', () => {
    const say = (kind: 'connected', running: number, waiting: number) =>
      sayStatus({ kind, version: '1' }, { running, waiting }, READER.t)?.text;
    assert.equal(say('connected', 0, 0), '$(milestone) Signalbox');
    assert.equal(say('connected', 2, 0), '$(milestone) running 2, waiting for you 0');
    assert.equal(say('connected', 1, 3), '$(bell-dot) running 1, waiting for you 3');
    assert.equal(sayStatus({ kind: 'closed' }, { running: 0, waiting: 0 }, READER.t), undefined);
    assert.equal(statusWord('untrusted', { kind: 'closed' }), 'untrusted');
    assert.equal(statusWord(undefined, { kind: 'stopped' }), 'stopped');
  });

  it('of times and durations', () => {
    assert.equal(sayTime('2026-01-02T03:05:00.000Z', READER), '03:05');
    assert.equal(sayTime('2025-12-31T03:05:00.000Z', READER), '31 Dec 2025, 03:05');
    assert.equal(sayTime('never', READER), 'never');
    const from = '2026-01-02T03:00:00.000Z';
    const took = (ms: number) => sayDuration(from, new Date(Date.parse(from) + ms).toISOString(), READER);
    assert.deepEqual([0, 999, 1_500, 59_000, 61_000, 3_600_000, -5].map(took), [
      '0 ms',
      '999 ms',
      '1.5 s',
      '59 s',
      '1 min 1 s',
      '1 h 0 min',
      '0 ms',
    ]);
    assert.equal(clip('a\n b', 10), 'a b');
    assert.equal(clip('abcdef', 4), 'abc…');
  });

  it('of an agent', () => {
    const { state } = begin();
    record(state, 1, {
      v: 1,
      stream: 'agent/data-plane',
      type: 'agent.registered',
      agent: 'data-plane',
      data: { role: 'Looks', capabilities: ['scan'], tags: [], adapter: 'builtin', slots: 2 },
    });
    const agent = () => describeAgent(state.agents.get('data-plane')!, [state], READER).description;
    assert.equal(agent(), 'offline, 0 of 2 in use');
    record(state, 2, { v: 1, stream: 'agent/data-plane', type: 'agent.ready', agent: 'data-plane', data: {} });
    record(state, 3, {
      ...of,
      ...stream,
      type: 'attempt.starting',
      stage: 'scan',
      task: 't1',
      attempt: 'a1',
      agent: 'data-plane',
      data: { token: 1, host: 'h', bootId: 'b' },
    });
    assert.equal(agent(), 'works on scan, 1 of 2 in use');
  });
});

import assert from 'node:assert/strict';
import { outcomeOf, renderOutcome } from '../../../../daemon/cli/render/outcome.ts';
import { ASCII_GLYPHS, createPaint } from '../../../../daemon/cli/render/paint.ts';
import { fitRun, renderRun } from '../../../../daemon/cli/render/run.ts';
import { describeStages, listQuestions, type Picture } from '../../../../daemon/cli/render/stages.ts';
import { diffRuns } from '../../../../daemon/cli/render/run-diff.ts';
import { renderTimeline } from '../../../../daemon/cli/render/timeline.ts';
import type { RunDetail } from '../../../../shared/protocol/views.ts';
import { widthOf } from '../../../../daemon/cli/render/text.ts';
import { loadDefinition, type Scripts, Simulation } from '../../../support/engine.ts';

const definition = loadDefinition(`
workflow: sample
version: 1
stages:
  - { id: scan, agent: a, action: scan }
  - { id: repair, name: Repair, agent: a, action: repair, needs: [scan], worktree: own, approval: { summary: May it repair }, on_denied: skip }
  - { id: merge, needs: [repair], merge: { from: repair }, on_denied: skip }
  - { id: report, agent: a, action: report, needs: [merge], always: true }
`);

const look = (width: number) => ({ width, paint: createPaint(false), glyphs: ASCII_GLYPHS });

function simulate(scripts: Scripts, into?: string): { picture: Picture; simulation: Simulation } {
  const simulation = new Simulation(scripts);
  simulation.apply({ type: 'agent/register', agent: 'a', role: '', capabilities: [], tags: [], adapter: 'builtin', slots: 2 });
  const repository = {
    repo: '/home/dev/projects/shop',
    gitDir: '/g',
    commonDir: '/g',
    base: 'b'.repeat(40),
    head: 'main',
    ...(into === undefined ? {} : { into }),
  };
  const workflow = { name: 'sample', version: 1, digest: '0'.repeat(64) };
  simulation.drive(definition, [{ type: 'run/start', run: 'r1', workflow, inputs: {}, again: false, repository }]);
  return { simulation, picture: pictureOf(simulation) };
}

function pictureOf(simulation: Simulation): Picture {
  const run = simulation.state.runs.get('r1');
  assert.ok(run);
  return { state: simulation.state, run, definition, progress: new Map() };
}

const commits: Scripts = { work: (stage) => (stage === 'repair' ? { commits: ['one', 'two'] } : {}) };
const asksRepair: Scripts = {
  ...commits,
  proposals: (stage) => (stage === 'repair' ? [{ key: 'advance', summary: 'May it repair?' }] : []),
  effect: () => 'require_approval',
};

describe('a run in the terminal', () => {
  it('says of each stage what it waits for, and since when', () => {
    const { picture, simulation } = simulate(asksRepair, 'main');
    const lines = renderRun(picture, simulation.now + 75_000, look(80));
    assert.match(lines[0] ?? '', /^sample r1 {2}\/home\/dev\/projects\/shop into main +1 min 15 s$/);
    assert.match(lines[1] ?? '', /^ \+ scan +done +0\.0 s$/);
    assert.match(lines[2] ?? '', /^ \? repair +waits for an approval for 1 min 15 s +1 min 15 s$/);
    assert.match(lines[3] ?? '', /^ \. merge +waits for repair$/);
    assert.match(lines[4] ?? '', /^ \. report +waits for merge$/);
  });

  it('counts commits, and says what did not happen and why', () => {
    const { picture } = simulate(commits);
    assert.deepEqual(
      describeStages(picture).map((row) => `${row.id} ${row.mark} ${row.text}`),
      [
        'scan done done',
        'repair done done: 2 commits',
        'merge skipped skipped: No branch to merge into was named; the work stays on its own branch.',
        'report done done',
      ],
    );
  });

  it('keeps every line within the width, and the time that it waits in sight', () => {
    const { picture, simulation } = simulate(asksRepair, 'main');
    for (const width of [24, 40, 60, 100]) {
      const lines = renderRun(picture, simulation.now + 5_000, look(width));
      for (const line of lines) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
      assert.match(lines[2] ?? '', /5 s/);
    }
  });

  it('shows what is under way first when the terminal is low', () => {
    const { picture, simulation } = simulate(asksRepair, 'main');
    const lines = fitRun(renderRun(picture, simulation.now, look(80)), describeStages(picture), 4);
    assert.equal(lines.length, 4);
    assert.match(lines[1] ?? '', /repair/);
    assert.match(lines[3] ?? '', /2 more stages/);
  });

  it('cleans what a stage says of itself', () => {
    const { picture } = simulate({
      work: (stage) => (stage === 'scan' ? { status: 'failed', code: 'x', message: 'bad\u001b[2J\nnews' } : {}),
    });
    assert.match(describeStages(picture)[0]?.text ?? '', /^failed: bad news$/);
  });
});

describe('the outcome of a run', () => {
  it('is success when all went well, with the branch and how to merge it', () => {
    const { picture } = simulate(commits);
    assert.deepEqual(outcomeOf(picture), { exit: 0, word: 'success' });
  });

  it('is success once merged, and says how to take it back', () => {
    const { picture } = simulate(commits, 'main');
    assert.deepEqual(outcomeOf(picture), { exit: 0, word: 'success' });
    const lines = renderOutcome(picture, look(80));
    assert.match(lines.join('\n'), /Merged into main as ffffffffffff\./);
    assert.match(lines.join('\n'), /signalbox undo r1/);
    assert.doesNotMatch(renderOutcome(picture, look(80), { hints: false }).join('\n'), /undo/);
  });

  it('is denied (3) when the merge was not allowed', () => {
    const { picture } = simulate(
      { ...commits, proposals: (stage) => (stage === 'merge' ? [{ key: 'merge' }] : []), effect: () => 'deny' },
      'main',
    );
    assert.deepEqual(outcomeOf(picture), { exit: 3, word: 'denied' });
  });

  it('is failure (1) when a stage failed, and canceled (4) when somebody ended it', () => {
    assert.equal(outcomeOf(simulate({ work: () => ({ status: 'failed', code: 'x', message: 'no' }) }).picture).exit, 1);
    const { simulation } = simulate(asksRepair);
    simulation.drive(definition, [{ type: 'run/cancel', run: 'r1', reason: 'enough' }]);
    assert.deepEqual(outcomeOf(pictureOf(simulation)), { exit: 4, word: 'canceled' });
  });

  it('lists the open questions, oldest first', () => {
    const { picture } = simulate({
      ...commits,
      proposals: (stage) => (stage === 'repair' ? [{ key: 'b' }, { key: 'a' }] : []),
      effect: () => 'require_approval',
    });
    assert.deepEqual(
      listQuestions(picture).map((approval) => approval.key),
      ['b', 'a'],
    );
  });
});

describe('the timeline of a run', () => {
  const at = (s: number) => new Date(s * 1_000).toISOString();
  const { picture } = simulate({});
  const stage = picture.state.stages.get('r1')?.get('scan');
  assert.ok(stage);
  const run = { ...picture.run, submittedAt: at(0), endedAt: at(100), status: 'success' as const };
  const scan = { ...stage, startedAt: at(0), endedAt: at(50) };
  const repair = { ...stage, id: 'repair', startedAt: at(50), endedAt: at(100) };
  const asking: Scripts = { ...commits, proposals: (id) => (id === 'repair' ? [{ key: 'a' }] : []), effect: () => 'require_approval' };
  const [asked] = simulate(asking).picture.state.approvals.values();
  assert.ok(asked);
  const approval = { ...asked, run: 'r1', stage: 'repair', status: 'used' as const, requestedAt: at(50), answeredAt: at(90) };
  const stages = new Map([
    [
      'r1',
      new Map([
        ['scan', scan],
        ['repair', repair],
      ]),
    ],
  ]);
  const drawn: Picture = { ...picture, run, state: { ...picture.state, stages, approvals: new Map([[approval.id, approval]]) } };

  it('shows work and waits in their places, without colour too', () => {
    assert.deepEqual(renderTimeline(drawn, 0, look(37)), [
      '           0         1 min 40 s',
      '   scan    ##########            50 s',
      '   repair            ........##  50 s',
      '   # at work  . waits for a person',
    ]);
  });

  it('keeps to the width, and says nothing where bars would not fit', () => {
    for (const width of [37, 60, 100, 200]) for (const line of renderTimeline(drawn, 0, look(width))) assert.ok(widthOf(line) <= width);
    assert.deepEqual(renderTimeline(drawn, 0, look(24)), []);
  });
});

describe('the difference of two runs', () => {
  const detailOf = (scripts: Scripts): RunDetail => {
    const { state, run } = simulate(scripts).picture;
    const artifacts = [...(state.artifacts.get('r1')?.entries() ?? [])].map(([name, artifact]) => ({ name, ...artifact }));
    const lists = { tasks: [...state.tasks.values()], attempts: [...state.attempts.values()], approvals: [...state.approvals.values()] };
    return { run, stages: [...(state.stages.get('r1')?.values() ?? [])], artifacts, ...lists, definition };
  };
  const good = detailOf({ work: () => ({ artifacts: ['out.json'] }) });

  it('is nothing for the same run', () => {
    assert.deepEqual(diffRuns(good, good).differences, []);
  });

  it('names outcome, stages and artifacts', () => {
    const bad = detailOf({ work: (stage) => (stage === 'scan' ? { status: 'failed', message: 'no' } : {}) });
    const found = diffRuns(good, bad).differences.map(({ about, name, a, b }) => `${about} ${name}: ${a} | ${b}`);
    assert.ok(found.includes('run outcome: success | failure'), found.join('\n'));
    assert.ok(found.includes('stage scan: completed | failed: no'), found.join('\n'));
    assert.ok(
      found.some((line) => line.startsWith('artifact out.json: ') && line.endsWith(' | -')),
      found.join('\n'),
    );
  });
});

import assert from 'node:assert/strict';
import { stageOf } from '../../../shared/state/select.ts';
import type { AttemptEnding } from '../../../daemon/commands.ts';
import { Simulation, type Scripts } from '../../support/engine.ts';
import { AGENTS, load, runOf, simulate as run, start } from '../../support/simulate.ts';

const statuses = (s: Simulation): Record<string, string> =>
  Object.fromEntries(
    [...(s.state.stages.get('run-1')?.values() ?? [])].map((stage) => [
      stage.id,
      stage.skipped ? `${stage.status} ${stage.skipped}` : stage.status,
    ]),
  );
const count = (s: Simulation, type: string, stage: string) => s.events.filter((e) => e.type === type && e.stage === stage).length;
const payloads = (s: Simulation, stage: string) => [...s.state.tasks.values()].filter((t) => t.stage === stage).map((t) => t.payload);

const ROUTED = load(`
  - { id: triage, agent: worker, action: do, outputs: [severity], next: { P0: now, P1: later, otherwise: shelf } }
  - { id: now, agent: worker, action: do, next: review }
  - { id: later, agent: worker, action: do, next: review }
  - { id: shelf, agent: worker, action: do }
  - { id: review, agent: worker, action: do }
`);

describe('routes', () => {
  const triaged = (severity: string): Scripts => ({ work: (stage) => (stage === 'triage' ? { values: { severity } } : {}) });

  it('goes the way that the value names, and passes by what was not chosen', () => {
    const first = run(ROUTED, triaged('P0'));
    assert.deepEqual(statuses(first), {
      triage: 'completed',
      now: 'completed',
      later: 'skipped not_chosen',
      shelf: 'skipped not_chosen',
      review: 'completed',
    });
    assert.equal(runOf(first).status, 'success');
    assert.equal(statuses(run(ROUTED, triaged('P1')))['later'], 'completed');
    const other = run(ROUTED, triaged('P7'));
    assert.deepEqual([statuses(other)['shelf'], statuses(other)['review']], ['completed', 'skipped not_chosen']);
  });

  it('fails visibly where no case holds, instead of ending well with nothing done', () => {
    const strict = load(`
  - { id: a, agent: worker, action: do, outputs: [severity], next: { P0: b } }
  - { id: b, agent: worker, action: do }
`);
    const s = run(strict, { work: () => ({ values: { severity: 'P9' } }) });
    assert.equal(runOf(s).status, 'failure');
    assert.match(runOf(s).summary, /`severity` = "P9"/);
  });

  it('takes the first condition that holds, and fails on one that cannot be evaluated', () => {
    const definition = load(`
  - id: a
    agent: worker
    action: do
    next: [{ if: 'values.score >= 80', to: b }, { if: 'inputs.strict', to: c }, { to: [b, c] }]
  - { id: b, agent: worker, action: do }
  - { id: c, agent: worker, action: do }
`);
    const scored = (score: unknown) =>
      run(definition, { work: (stage) => (stage === 'a' ? { values: { score } } : {}) }, { strict: false });
    assert.deepEqual(statuses(scored(90)), { a: 'completed', b: 'completed', c: 'skipped not_chosen' });
    assert.deepEqual(statuses(scored(10)), { a: 'completed', b: 'completed', c: 'completed' });
    assert.equal(runOf(scored('many')).code, 'condition_failed');
  });

  it('passes by a stage whose own condition does not hold', () => {
    const definition = load(`
  - { id: a, agent: worker, action: do }
  - { id: b, agent: worker, action: do, needs: [a], if: 'stages.a.found > 2' }
`);
    const found = (n: number) => statuses(run(definition, { work: () => ({ values: { found: n } }) }))['b'];
    assert.deepEqual([found(1), found(3)], ['skipped condition', 'completed']);
  });
});

describe('branches that run beside one another', () => {
  const together = (sync: string) =>
    load(`
  - { id: plan, agent: worker, action: do, next: build }
  - id: build
    sync_point: ${sync}
    parallel: [{ id: one, agent: worker, action: do }, { id: two, agent: worker, action: do }, { id: three, agent: worker, action: do }]
    next: ship
  - { id: ship, agent: worker, action: do }
`);
  const failing =
    (...ids: string[]) =>
    (stage: string): Partial<AttemptEnding> =>
      ids.includes(stage) ? { status: 'failed', code: 'command_failed', message: 'no' } : {};

  it('waits for all of them, and goes no further when one failed', () => {
    assert.equal(runOf(run(together('all'))).status, 'success');
    const s = run(together('all'), { work: failing('two') });
    assert.deepEqual([statuses(s)['build'], statuses(s)['ship'], runOf(s).status], ['failed', 'skipped blocked', 'failure']);
  });

  it('goes on with any, or with so many as it says, and ends the rest', () => {
    const any = run(together('any'), { work: failing('one', 'two') });
    assert.deepEqual([runOf(any).status, statuses(any)['ship']], ['success', 'completed']);
    const two = run(together('2'), { work: failing('one', 'two') });
    assert.deepEqual([runOf(two).status, statuses(two)['build']], ['failure', 'failed']);
    assert.match(runOf(two).summary, /1 of 2 succeeded/);
  });
});

describe('failures', () => {
  const looping = load(`
  - { id: other, agent: worker, action: do }
  - { id: design, agent: worker, action: do }
  - { id: build, agent: worker, action: do, needs: [design, other] }
  - { id: test, agent: worker, action: do, needs: [build], on_failure: { back_to: build, at_most: 2 } }
`);

  it('goes back with what was wrong, does again only what depends on it, and then goes on', () => {
    let tests = 0;
    const s = run(looping, {
      work: (stage) => (stage === 'test' && ++tests < 3 ? { status: 'failed', code: 'command_failed', message: `bug ${tests}` } : {}),
    });
    assert.equal(runOf(s).status, 'success');
    assert.deepEqual(
      ['other', 'design', 'build', 'test'].map((id) => count(s, 'task.submitted', id)),
      [1, 1, 3, 3],
    );
    assert.deepEqual(
      payloads(s, 'build').map((p) => p['feedback']),
      [undefined, 'bug 1', 'bug 2'],
    );
  });

  it('goes back to all branches of a stage that waits for them, and tells each what was wrong', () => {
    const definition = load(`
  - { id: plan, agent: worker, action: do, next: build }
  - { id: build, parallel: [{ id: left, agent: worker, action: do }, { id: right, agent: worker, action: do }], next: test }
  - { id: test, agent: worker, action: do, gate: ["coverage >= 80%"], on_failure: { back_to: build } }
`);
    let coverage = 40;
    const s = run(definition, { work: (stage) => (stage === 'test' ? { values: { coverage: (coverage += 30) } } : {}) });
    assert.equal(runOf(s).status, 'success');
    const said = 'This does not hold:\ncoverage >= 80%: `coverage` is 70.';
    for (const branch of ['left', 'right'])
      assert.deepEqual(
        payloads(s, branch).map((p) => p['feedback']),
        [undefined, said],
      );
    assert.equal(count(s, 'task.submitted', 'plan'), 1);
  });

  it('goes back so often and no more', () => {
    const s = run(looping, { work: (stage) => (stage === 'test' ? { status: 'failed', code: 'command_failed', message: 'bug' } : {}) });
    assert.equal(runOf(s).status, 'failure');
    assert.equal(count(s, 'task.submitted', 'build'), 3);
    assert.match(runOf(s).summary, /gone back 2 times/);
  });

  it('does the stage itself again with what was wrong, but not what trying again cannot mend', () => {
    const definition = load('  - { id: a, agent: worker, action: do, on_failure: { retry: 3 } }\n');
    let tries = 0;
    const mended = run(definition, {
      work: () => (++tries < 3 ? { status: 'failed', code: 'command_failed', message: `try ${tries}` } : {}),
    });
    assert.equal(runOf(mended).status, 'success');
    assert.deepEqual(
      payloads(mended, 'a').map((p) => p['feedback']),
      [undefined, 'try 1', 'try 2'],
    );
    const lasting = run(definition, { work: () => ({ status: 'failed', code: 'command_not_found', message: 'no such program' }) });
    assert.equal(count(lasting, 'task.submitted', 'a'), 1);
    assert.equal(runOf(lasting).status, 'failure');
  });

  it('waits longer before each try of a task, less what chance takes away, and gives it to nobody meanwhile', () => {
    const definition = load('  - { id: a, agent: worker, action: do, retry: { attempts: 3, backoff: 10s, factor: 3, jitter: 0.2 } }\n');
    const s = run(definition, {
      work: (_stage, attempt) => (attempt < 3 ? { status: 'failed', code: 'command_failed', message: 'no' } : {}),
    });
    const task = [...s.state.tasks.values()][0];
    assert.deepEqual([task?.status, task?.waitsFor, task?.notBefore], ['pending', 'retry', new Date(s.now + 9_000).toISOString()]);
    s.now += 9_000;
    s.drive(definition, [{ type: 'task/wake', task: task?.id ?? '' }]);
    assert.equal([...s.state.tasks.values()][0]?.notBefore, new Date(s.now + 27_000).toISOString());
    s.now += 27_000;
    s.drive(definition, [{ type: 'task/wake', task: task?.id ?? '' }]);
    assert.equal(runOf(s).status, 'success');
  });

  it('passes by a stage whose failure does not matter', () => {
    const definition = load(`
  - { id: a, agent: worker, action: do, on_failure: skip }
  - { id: b, agent: worker, action: do, needs: [a] }
`);
    const s = run(definition, { work: (stage) => (stage === 'a' ? { status: 'failed', code: 'x', message: 'no' } : {}) });
    assert.deepEqual(statuses(s), { a: 'skipped failure', b: 'completed' });
    assert.equal(runOf(s).status, 'success');
  });
});

describe('a restart', () => {
  it('at any event of a run that branches, loops and chooses gives the same end', () => {
    const definition = load(`
  - { id: plan, agent: worker, action: do, outputs: [kind], next: { big: build, small: patch } }
  - id: build
    parallel: [{ id: left, agent: worker, action: do }, { id: right, agent: worker, action: do }]
    next: test
  - { id: patch, agent: worker, action: do, next: test }
  - { id: test, agent: worker, action: do, on_failure: { back_to: plan, at_most: 3 }, next: ship }
  - { id: ship, agent: worker, action: do, on_failure: { retry: 1 } }
`);
    // What an agent does follows from the record alone, as it would for a real one.
    const scripts = (s: () => Simulation): Scripts => ({
      work: (stage) => {
        const turn = s().state.runs.get('run-1')?.turns?.[stage] ?? 1;
        if (stage === 'plan') return { values: { kind: turn === 1 ? 'small' : 'big' } };
        if (stage === 'test' && turn < 3) return { status: 'failed', code: 'command_failed', message: `red ${turn}` };
        if (stage === 'ship' && (stageOf(s().state, 'run-1', 'ship')?.round ?? 1) === 1)
          return { status: 'failed', code: 'x', message: 'again' };
        return {};
      },
    });
    let now: Simulation;
    const whole = (now = new Simulation(scripts(() => now)));
    whole.drive(definition, [...AGENTS, start()]);
    const ends = (s: Simulation) => ({
      status: runOf(s).status,
      stages: statuses(s),
      returns: runOf(s).returns?.length,
      turns: runOf(s).turns,
    });
    assert.equal(runOf(whole).status, 'success');
    for (let stop = AGENTS.length; stop < whole.events.length; stop++) {
      const cut = (now = new Simulation(scripts(() => now)));
      cut.drive(definition, [...AGENTS, start()], stop);
      const again = (now = cut.restart(definition));
      again.drive(definition, [...AGENTS, start()]);
      assert.deepEqual(ends(again), ends(whole), `stopped after ${stop} of ${whole.events.length} events`);
    }
  });
});

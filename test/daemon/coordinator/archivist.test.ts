import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listDueForArchive, startArchivist } from '../../../daemon/coordinator/archivist.ts';
import { createCoordinator, type Coordinator } from '../../../daemon/coordinator/coordinator.ts';
import { createDoor } from '../../../daemon/coordinator/door.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { loadState } from '../../../daemon/journal/snapshot.ts';
import { openArchive, type ArchiveStore } from '../../../daemon/store/archive.ts';
import type { Command, CommandResult } from '../../../daemon/commands.ts';
import { emptyState } from '../../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import { loadDefinition, Simulation } from '../../support/engine.ts';

const KEEP = { runs: 1, tasks: 4, ageMs: 86_400_000 };
const ORIGIN = { principal: 'test', cause: 'test' };
const DAY = 86_400_000;
const submit = (task: string, of: Partial<Extract<Command, { type: 'task/submit' }>> = {}): Command => ({
  type: 'task/submit',
  task,
  wants: 'w',
  action: 'do',
  priority: 0,
  timeoutMs: 1_000,
  maxAttempts: 2,
  payload: {},
  artifacts: {},
  ...of,
});
const WORKFLOW = loadDefinition('workflow: w\nversion: 1\nstages:\n  - id: one\n    agent: w\n    action: do\n');

/** `count` finished tasks, every third of which needed two attempts. */
function finishTasks(s: Simulation, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) {
    s.apply(submit(`t${i}`));
    const tries = i % 3 === 0 ? 2 : 1;
    for (let token = 1; token <= tries; token++) {
      if (token > 1) {
        s.now += 60_000;
        s.apply({ type: 'task/wake', task: `t${i}` });
      }
      s.apply({ type: 'task/assign', task: `t${i}`, attempt: `t${i}.${token}`, agent: 'w' });
      s.apply({ type: 'attempt/run', attempt: `t${i}.${token}`, token });
      s.apply({
        type: 'attempt/end',
        attempt: `t${i}.${token}`,
        token,
        ending: { status: token < tries ? 'failed' : 'succeeded', values: {} },
      });
    }
  }
}

function simulate(): Simulation {
  const s = new Simulation();
  s.apply({ type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 100 });
  return s;
}

describe('what leaves memory', () => {
  it('is what has finished beyond the number to keep, oldest first; never what goes on', () => {
    const s = simulate();
    s.apply(submit('open'));
    finishTasks(s, 4);
    assert.deepEqual(listDueForArchive(s.state, s.now, KEEP).tasks, []);
    finishTasks(s, 3, 4);
    assert.deepEqual(listDueForArchive(s.state, s.now, KEEP).tasks, ['t0', 't1', 't2']);
    assert.deepEqual(listDueForArchive(s.state, s.now + 2 * DAY, KEEP).tasks.length, 7);
    assert.deepEqual(listDueForArchive(s.state, s.now + 2 * DAY, KEEP, false).tasks, ['t0', 't1', 't2'], 'age is not looked at each time');
  });

  it('takes a run with all of its tasks, attempts and artifacts, and no run whose branch is moving', () => {
    const s = simulate();
    for (const run of ['r1', 'r2', 'r3']) {
      s.drive(WORKFLOW, [{ type: 'run/start', run, workflow: { name: 'w', version: 1, digest: 'd' }, inputs: {}, again: true }]);
      s.now += 1_000;
    }
    assert.deepEqual(listDueForArchive(s.state, s.now, KEEP).runs, ['r1', 'r2']);
    s.apply({ type: 'archive/move', runs: ['r1', 'r2'], tasks: [] });
    for (const table of [s.state.runs, s.state.stages]) assert.deepEqual([...table.keys()], ['r3']);
    assert.deepEqual(new Set([...s.state.tasks.values(), ...s.state.attempts.values()].map((entry) => entry.run)), new Set(['r3']));
    const run = s.state.runs.get('r3');
    assert.ok(run);
    const merge = {
      state: 'undoing',
      into: 'main',
      from: 'f',
      expected: 'e',
      effect: 'x',
      message: '',
      startedAt: run.submittedAt,
    } as const;
    s.state.runs.set('r3', { ...run, merge });
    assert.deepEqual(listDueForArchive(s.state, s.now + 30 * DAY, KEEP).runs, []);
    assert.deepEqual(s.apply({ type: 'archive/move', runs: ['r3'], tasks: [] }), []);
  });

  it('leaves nothing of a task behind, also of one that was tried again', () => {
    const s = simulate();
    finishTasks(s, 7);
    s.apply({ type: 'archive/move', runs: [], tasks: ['t0', 't1', 't2', 'nobody'] });
    assert.deepEqual([...s.state.tasks.keys()], ['t3', 't4', 't5', 't6']);
    assert.deepEqual(new Set([...s.state.attempts.values()].map((a) => a.task)), new Set(s.state.tasks.keys()));
  });
});

describe('the archive beside the record', () => {
  let dir: string;
  let archive: ArchiveStore;
  let coordinator: Coordinator;
  let close: () => Promise<void>;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-archivist-'));
    const { journal } = await openJournal({ dir, installation: 'test', now: 'now' });
    const {
      context: { now: _, ...context },
    } = new Simulation();
    const onFatal = (error: unknown) => assert.fail(String(error));
    coordinator = createCoordinator({ journal, published: emptyState(), tentative: emptyState(), context, now: Date.now, onFatal });
    archive = await openArchive(dir);
    close = () => journal.close();
    await tell({ type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 1_000 });
  });
  afterEach(async () => {
    await close();
    await rm(dir, { recursive: true, force: true });
  });
  const tell = (command: Command): Promise<CommandResult> => coordinator.submit(command, ORIGIN);
  const finish = async (task: string): Promise<void> => {
    await tell(submit(task));
    await tell({ type: 'task/assign', task, attempt: `${task}.1`, agent: 'w' });
    await tell({ type: 'attempt/end', attempt: `${task}.1`, token: 1, ending: { status: 'succeeded', values: { of: task } } });
  };
  const startMoving = () =>
    startArchivist({ state: coordinator.state, archive, keep: { ...KEEP, tasks: 0 }, now: Date.now, tell, log: () => undefined });

  it('knows an id for ever: the same task again is the one that was, another one is refused', async () => {
    const ids = Array.from({ length: 900 }, (_, i) => `t${i}`);
    await Promise.all(ids.map(finish));
    const archivist = startMoving();
    await archivist.move();
    archivist.stop();
    assert.equal(coordinator.state.tasks.size + coordinator.state.attempts.size, 0);
    const door = createDoor(coordinator, archive);
    const seq = coordinator.state.seq;
    for (const id of ids) assert.deepEqual(await door(submit(id), ORIGIN), { ok: true, commit: undefined });
    const other = await door(submit('t7', { action: 'other' }), ORIGIN);
    assert.equal(other.ok ? '' : other.refusal.code, 'id_taken');
    assert.equal(coordinator.state.seq, seq);
    assert.equal((await door(submit('new'), ORIGIN)).ok, true);
    assert.equal(coordinator.state.seq, seq + 1);
    assert.deepEqual((await archive.readTask('t8'))?.task.values, { of: 't8' });
  });

  it('never takes a task twice that is submitted again while it leaves memory', async () => {
    const door = createDoor(coordinator, archive);
    const archivist = startMoving();
    const submitted = new Map<string, number>();
    coordinator.onRecorded((commits) => {
      for (const { events } of commits)
        for (const e of events) if (e.type === 'task.submitted') submitted.set(e.task ?? '', (submitted.get(e.task ?? '') ?? 0) + 1);
    });
    for (let i = 0; i < 60; i++) {
      await finish(`t${i}`);
      const moved = archivist.move();
      for (let again = 0; again < 30; again++) {
        await door(submit(`t${i}`), ORIGIN);
        await new Promise((resolve) => (again % 3 === 0 ? setImmediate(resolve) : process.nextTick(resolve)));
      }
      await moved;
    }
    archivist.stop();
    assert.equal(submitted.size, 60);
    assert.deepEqual(
      [...submitted].filter(([, count]) => count !== 1),
      [],
    );
  });

  it('gives the same state from the journal alone', async () => {
    for (let i = 0; i < 30; i++) await finish(`t${i}`);
    const archivist = startMoving();
    await archivist.move();
    archivist.stop();
    await finish('last');
    await close();
    const { journal } = await openJournal({ dir, installation: 'test', now: 'now' });
    const loaded = await loadState(dir, journal);
    assert.deepEqual(toJson(loaded.state), toJson(fromJson(toJson(coordinator.state))));
    assert.deepEqual([...loaded.state.tasks.keys()], ['last']);
    await journal.close();
    close = async () => undefined;
  });

  it('goes on after a crash between writing and recording', async () => {
    await Promise.all(['a', 'b', 'c'].map(finish));
    const broken = startArchivist({
      state: coordinator.state,
      archive,
      keep: { ...KEEP, tasks: 0 },
      now: Date.now,
      tell: () => new Promise(() => undefined),
      log: () => undefined,
    });
    void broken.move();
    while (!(await archive.readTask('c'))) await new Promise(setImmediate);
    broken.stop();
    archive = await openArchive(dir);
    const again = startMoving();
    await again.move();
    again.stop();
    assert.deepEqual(
      (await archive.listTasks({ limit: 10 })).entries.map((t) => t.id),
      ['c', 'b', 'a'],
    );
    assert.equal(coordinator.state.tasks.size, 0);
  });
});

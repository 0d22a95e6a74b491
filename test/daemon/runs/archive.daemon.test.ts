import assert from 'node:assert/strict';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { fromJson } from '../../../shared/state/serialize.ts';
import { finishRun, makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { git, removeTempFolders } from '../../support/repos.ts';

const KEEP_NOTHING = { SIGNALBOX_KEEP_RUNS: '0', SIGNALBOX_KEEP_TASKS: '0' };

/** Waits until nothing that has finished is in memory. */
async function untilArchived(client: Connected): Promise<void> {
  for (;;) {
    const { snapshot } = await client.call('events/subscribe', { scope: { kind: 'all' } });
    const state = snapshot && fromJson(snapshot);
    if (state && state.runs.size + state.tasks.size + state.attempts.size + state.approvals.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('what left memory', function () {
  this.timeout(60_000);
  let home: string;
  let repo: string;
  let daemon: DaemonProcess;
  let client: Connected;

  before(async () => {
    home = await makeHome();
    repo = makePlantedRepo();
    daemon = await startDaemon({ home, env: KEEP_NOTHING });
    client = await daemon.connect();
    await client.call('run/start', { id: 'the-run', workflow: { name: 'checkup' }, repo, into: 'main' });
    const before = await finishRun(client, 'the-run');
    assert.equal(before.run.status, 'success', before.run.summary);
    await client.call('task/submit', { id: 'the-task', agent: 'command', action: 'run', payload: { argv: ['true'] } });
    await untilArchived(client);
    // And nothing of it comes back with a start.
    await daemon.end('SIGKILL');
    daemon = await startDaemon({ home, env: KEEP_NOTHING });
    client = await daemon.connect();
  });
  after(async () => {
    await daemon.end('SIGKILL');
    await removeHome(home);
    removeTempFolders();
  });

  it('is shown as before: run, tasks, approvals, lists, events', async () => {
    const detail = await client.call('run/get', { run: 'the-run' });
    assert.equal(detail.run.status, 'success');
    assert.ok(
      detail.stages.length > 5 &&
        detail.attempts.length > 5 &&
        detail.approvals.length > 1 &&
        detail.artifacts.some((a) => a.name === 'report.md'),
    );
    assert.deepEqual(
      (await client.call('run/list', {})).runs.map((r) => r.id),
      ['the-run'],
    );
    assert.deepEqual((await client.call('run/list', { repo: '/elsewhere' })).runs, []);
    assert.deepEqual((await client.call('run/list', { active: true })).runs, []);
    assert.deepEqual((await client.call('task/list', { run: 'the-run' })).tasks.length, detail.tasks.length);
    const all = (await client.call('task/list', {})).tasks.map((t) => t.id);
    assert.deepEqual(new Set(all), new Set(['the-task', ...detail.tasks.map((t) => t.id)]));
    const [first] = detail.tasks;
    assert.ok(first);
    assert.deepEqual((await client.call('task/get', { task: first.id })).task, first);
    assert.equal((await client.call('task/get', { task: 'the-task' })).task.status, 'completed');
    const { events } = await client.call('events/read', { scope: { kind: 'run', run: 'the-run' } });
    assert.equal(events[0]?.type, 'dev.signalbox.run.submitted.v1');
    const watched = await client.call('events/subscribe', { scope: { kind: 'run', run: 'the-run' } });
    assert.ok(watched.snapshot);
    assert.equal(fromJson(watched.snapshot).stages.get('the-run')?.size, detail.stages.length);
  });

  it('comes in pages that follow each other', async () => {
    const all = (await client.call('task/list', {})).tasks.map((t) => t.id);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.call('task/list', { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      paged.push(...page.tasks.map((t) => t.id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(paged, all);
    await assert.rejects(client.call('task/list', { cursor: 'nonsense' }), { code: 'cursor_unknown' });
  });

  it('never runs again', async () => {
    const { seq } = await client.call('daemon/status', {});
    assert.equal((await client.call('run/start', { id: 'the-run', workflow: { name: 'checkup' }, repo, into: 'main' })).existing, true);
    assert.equal(
      (await client.call('task/submit', { id: 'the-task', agent: 'command', action: 'run', payload: { argv: ['true'] } })).existing,
      true,
    );
    const { approvals } = await client.call('run/get', { run: 'the-run' });
    const used = approvals.find((a) => a.status === 'used');
    assert.ok(used);
    assert.equal((await client.call('approval/answer', { approval: used.id, answer: 'grant' })).approval.status, 'used');
    await assert.rejects(client.call('approval/answer', { approval: used.id, answer: 'deny' }), { code: 'approval_settled' });
    await assert.rejects(client.call('run/cancel', { run: 'the-run' }), { code: 'run_ended' });
    await assert.rejects(client.call('task/cancel', { task: 'the-task' }), { code: 'invalid_transition' });
    await assert.rejects(client.call('task/submit', { id: 'the-task', agent: 'command', action: 'other' }), { code: 'id_taken' });
    assert.equal((await client.call('daemon/status', {})).seq, seq);
  });

  it('can still be undone, and then shows it', async () => {
    const head = git(repo, 'rev-parse', 'main');
    const { commit } = await client.call('run/undo', { run: 'the-run' });
    assert.equal(git(repo, 'rev-parse', 'main'), commit);
    assert.equal(git(repo, 'rev-parse', `${commit}^1`), head);
    await untilArchived(client);
    const detail = await client.call('run/get', { run: 'the-run' });
    assert.deepEqual([detail.run.merge?.state, detail.stages.length > 5], ['undone', true]);
    const error = await client.call('run/undo', { run: 'the-run' }).catch((e: SignalboxError) => e);
    assert.equal(error instanceof SignalboxError ? error.code : '', 'nothing_to_undo');
  });
});

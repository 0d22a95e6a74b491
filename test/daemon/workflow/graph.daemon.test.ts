// Graphs that grow while they run, with the real daemon and programs that write the files.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { keptIn, readCommits } from '../../../daemon/cli/policy/record.ts';
import { replayRun } from '../../../daemon/cli/replay/replay.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import { emptyState } from '../../../shared/state/evolve.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { makeRepo } from '../../support/repos.ts';

const PLAN = `
import { writeFileSync } from 'node:fs';
writeFileSync(process.env.SIGNALBOX_OUTPUTS + '/tickets.json', JSON.stringify([{ title: 'a' }, { title: 'b' }, { title: 'c' }]));
`;
const BUILD = `
import { readFileSync, writeFileSync } from 'node:fs';
const { item, outputs } = JSON.parse(readFileSync(process.env.SIGNALBOX_TASK, 'utf8'));
writeFileSync(process.env.SIGNALBOX_OUTPUTS + '/note.md', 'made ' + item.title + ' for ' + outputs.join());
writeFileSync('made-' + item.title + '.txt', item.title);
writeFileSync(process.env.SIGNALBOX_REPORT, JSON.stringify({ size: item.title.charCodeAt(0) }));
`;
const CHECK = `
import { readdirSync, readFileSync } from 'node:fs';
const notes = JSON.parse(readFileSync(process.env.SIGNALBOX_INPUTS + '/note.md.json', 'utf8'));
const made = readdirSync('.').filter((name) => name.startsWith('made-'));
if (notes.length !== 3 || made.length !== 3) throw new Error(JSON.stringify({ notes, made }));
`;
const LIST = `
workflow: list
version: 1
stages:
  - { id: plan, agent: command, command: [node, plan.mjs], outputs: ["tickets[]"] }
  - { id: build, needs: [plan], matrix: { over: "tickets[]", max_parallel: 2 }, agent: command, command: [node, build.mjs],
      outputs: [note.md, size], gate: [{ artifact: note.md, without: [TBD] }] }
  - { id: check, needs: [build], agent: command, command: [node, check.mjs], inputs: ["note.md[]"] }
`;

const INNER = `
workflow: inner
version: 1
inputs: { name: { type: string } }
stages:
  - { id: note, agent: command, command: [node, note.mjs, "{inputs.name}"], outputs: [note.md] }
`;
const NOTE = `
import { writeFileSync } from 'node:fs';
writeFileSync(process.env.SIGNALBOX_OUTPUTS + '/note.md', process.argv[2]);
`;
const OUTER = `
workflow: outer
version: 1
stages:
  - { id: one, workflow: inner, with: { name: first }, outputs: [note.md] }
  - { id: each, needs: [one], matrix: [x, y], workflow: inner, with: { name: "{item.value}" }, outputs: [made.md] }
`;

describe('a graph that grows while it runs', () => {
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let repo: string;

  before(async function () {
    this.timeout(60_000);
    repo = makeRepo({
      '.signalbox/workflows/inner.yaml': INNER,
      'note.mjs': NOTE,
      'plan.mjs': PLAN,
      'build.mjs': BUILD,
      'check.mjs': CHECK,
    });
    home = await makeHome();
    daemon = await startDaemon({ home, env: { SIGNALBOX_SANDBOX: 'off' } });
    client = await daemon.connect();
  });
  after(async () => {
    await daemon.end();
    await removeHome(home);
    rmSync(repo, { recursive: true, force: true });
  });

  const start = async (id: string, text: string): Promise<void> => {
    await client.call('run/start', { id, workflow: { file: `${id}.yaml`, text }, repo, again: true });
  };
  const statusOf = ({ stages }: RunDetail) =>
    Object.fromEntries(stages.map(({ id, status, reason }) => [id, reason === '' ? status : reason]));
  const until = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      const answer = await ask().catch(() => undefined);
      if (answer !== undefined) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const replay = async (run: string) => {
    const { differences, steps, unreadable } = await replayRun(run, {
      start: emptyState(),
      commits: readCommits(home),
      kept: keptIn(home),
    });
    assert.deepEqual([differences, unreadable], [[], 0]);
    return steps;
  };

  it('does a stage for each item of a list that another made, gathers what came of it, also when the daemon dies meanwhile', async function () {
    this.timeout(60_000);
    await start('list-1', LIST);
    for (;;) {
      const { stages, approvals } = await client.call('run/get', { run: 'list-1' });
      if (stages.some(({ id }) => id === 'build-2')) break;
      for (const { id, status } of approvals)
        if (status === 'pending') await client.call('approval/answer', { approval: id, answer: 'grant', reason: '' });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await daemon.end('SIGKILL');
    daemon = await startDaemon({ home, env: { SIGNALBOX_SANDBOX: 'off' } });
    client = await daemon.connect();
    const detail = await finishRun(client, 'list-1');
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.deepEqual(
      statusOf(detail),
      Object.fromEntries(['plan', 'build', 'build-1', 'build-2', 'build-3', 'check'].map((id) => [id, 'completed'])),
    );
    assert.deepEqual(detail.stages.find(({ id }) => id === 'build')?.values, { size: [97, 98, 99], items: 3, done: 3 });
    const names = detail.artifacts.map(({ name }) => name);
    assert.ok(
      ['build-2.note.md', 'note.md[]'].every((name) => names.includes(name)),
      names.join(),
    );
    const digest = detail.artifacts.find(({ name }) => name === 'note.md[]')?.digest ?? '';
    const { text } = await client.call('artifact/read', { digest });
    assert.deepEqual(
      JSON.parse(text),
      ['a', 'b', 'c'].map((title) => `made ${title} for note.md,size`),
    );
    assert.deepEqual(
      detail.definition.stages.map(({ id }) => id),
      ['plan', 'build', 'build-1', 'build-2', 'build-3', 'check'],
    );
    assert.ok((await replay('list-1')) > 10);
  });

  it('runs another workflow of the repository, also for each item of a list, once somebody trusts it', async function () {
    this.timeout(60_000);
    await assert.rejects(start('outer-0', OUTER), { code: 'invalid_workflow', message: /5:26: There is no workflow `inner`/ });
    const { digest } = await client.call('trust/show', { repo });
    await client.call('trust/grant', { repo, digest });
    await assert.rejects(start('outer-0', OUTER), { message: /6:.*No stage of `inner` makes `made.md`/ });
    await start('outer-1', OUTER.replace('made.md', 'note.md').replace('outputs: [note.md]', 'outputs: []'));
    const ids = ['outer-1', 'outer-1.0', 'outer-1.1i1', 'outer-1.1i2'];
    const answered = Promise.all(
      ids.slice(1).map((id) => until(() => client.call('run/get', { run: id })).then(() => finishRun(client, id))),
    );
    const detail = await finishRun(client, 'outer-1');
    await answered;
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const made = detail.artifacts.find(({ name }) => name === 'note.md[]');
    assert.deepEqual(JSON.parse((await client.call('artifact/read', { digest: made?.digest ?? '' })).text), ['x', 'y']);
    for (const id of ids) await replay(id);
  });

  it('is planned with its inputs, agents and decisions before anything starts', async function () {
    this.timeout(60_000);
    const head =
      'workflow: plan\nversion: 1\ntrigger: { type: manual, authorized: [human] }\ninputs: { name: { type: string }, deep: { type: boolean, default: false } }\n';
    const text = `${head}stages:
  - { id: one, agent: command, command: [git, push, "{inputs.name}"], outputs: [word], gate: [{ command: [node, --version] }] }
  - { id: two, needs: [one], agent: { role: painter, tags: ["{inputs.name}"] }, prompt: Paint }
  - { id: run, needs: [one], agent: command, command: [echo, "{one.word}"], if: inputs.deep, approvers: [human] }
  - { id: sub, needs: [one], workflow: inner, with: { name: "{inputs.name}" } }
  - { id: merge, needs: [one], merge: { from: one } }
`;
    const seq = (await client.call('daemon/status', {})).seq;
    const params = { workflow: { file: 'plan.yaml', text }, repo, inputs: { name: 'main' } };
    const plan = await client.call('run/plan', { ...params, into: 'main' });
    assert.equal((await client.call('daemon/status', {})).seq, seq, 'nothing was recorded');
    const brief = plan.stages.map(({ stage, step, agent, waits, skipped }) => [stage, step, agent, waits.split('.')[0], skipped]);
    assert.deepEqual(brief, [
      ['one', 1, 'command', '', ''],
      ['two', 2, '', 'Nobody who fits (an agent with the role painter, the tag main) is registered', ''],
      ['run', 2, 'command', '', '`inputs.deep` does not hold.'],
      ['sub', 2, '', '', ''],
      ['merge', 2, '', '', ''],
    ]);
    const [one, , third, sub, merge] = plan.stages.map(({ actions }) =>
      actions.map(({ kind, effect, summary }) => `${effect} ${kind} ${summary}`),
    );
    assert.deepEqual(one, [
      'allow stage.advance Start the stage one of plan',
      'require_approval agent.execute Run git push main',
      'require_approval agent.execute Check one: node --version',
      'allow task.submit Submit to command: git push main',
      'allow task.dispatch Hand to command: git push main',
    ]);
    assert.ok(
      third?.includes('open agent.execute Run echo {one.word}') &&
        third.some((text) => text.startsWith('require_approval stage.advance Sign off')),
    );
    assert.deepEqual(sub, ['allow stage.advance Start the stage sub of plan']);
    assert.ok(merge?.includes('require_approval workspace.merge Merge what one commits into main'));
    const nested = plan.stages.find(({ stage }) => stage === 'sub')?.runs;
    assert.deepEqual([nested?.inputs, nested?.stages[0]?.actions[1]?.summary], [{ name: 'main' }, 'Run node note.mjs main']);
    assert.deepEqual(plan.start, { allowed: true, why: '' });
    const refused = await client.call('run/plan', { ...params, workflow: { file: 'plan.yaml', text: text.replace('[human]', '[ci]') } });
    assert.match(refused.start.why, /plan is started by ci, not by user/);
    await assert.rejects(client.call('run/plan', { ...params, inputs: {} }), { message: /plan needs the input name/ });
  });

  it('takes stages that somebody adds while it runs', async function () {
    this.timeout(60_000);
    const text =
      'workflow: grow\nversion: 1\nstages:\n  - { id: wait, agent: command, command: [node, --version] }\n  - { id: last, needs: [wait], agent: command, command: [node, --version] }\n';
    await start('grow-1', text);
    const more = {
      run: 'grow-1',
      file: 'more.yaml',
      text: 'stages:\n  - { id: extra, needs: [wait], agent: command, command: [node, plan.mjs], next: last }\n',
    };
    const { added } = await client.call('run/extend', more);
    assert.deepEqual(added, ['extra']);
    assert.deepEqual(await client.call('run/extend', more), { run: 'grow-1', added: [], existing: true });
    await assert.rejects(client.call('run/extend', { ...more, text: 'stages:\n  - { id: wait, agent: command, command: [x] }\n' }), {
      code: 'invalid_workflow',
      message: /2:11: Two stages have the id `wait`/,
    });
    const detail = await finishRun(client, 'grow-1');
    assert.deepEqual(statusOf(detail), { wait: 'completed', extra: 'completed', last: 'completed' });
    await replay('grow-1');
  });
});

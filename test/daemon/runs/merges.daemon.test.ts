// A branch takes work up: checked as it would be, in the way that is wanted, and what becomes of conflicts.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Conflicts } from '../../../shared/artifacts/conflicts.ts';
import { taskWorkflow } from '../../../daemon/cli/task-run.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { commitFiles, git, makeRepo, removeTempFolders } from '../../support/repos.ts';

const AGENT = fileURLToPath(new URL('../../support/scripted-agent.mjs', import.meta.url));

const POLICY = `policy: default
version: 1
default: allow
rules:
  - id: pipelines
    on: [agent.edit]
    when: action.unasked && action.paths.exists(p, glob(p.relative, "ci/**"))
    effect: deny
    unasked: revert
    message: Pipelines are not for agents.
  - id: locked
    on: [agent.edit]
    when: action.unasked && action.paths.exists(p, glob(p.relative, "locked/**"))
    effect: deny
    message: Nobody writes there.
  - id: question
    on: [daemon.configure]
    effect: require_approval
    message: Asked.
`;

const workflow = (script: string, merge: string): string => `workflow: work
version: 1
stages:
  - id: make
    agent: command
    command: [sh, -c, ${JSON.stringify(script)}]
  - id: into
    needs: [make]
    merge: { from: make, ${merge} }
`;

/** A tool call that says that it is over, so that somebody looks. */
const TOOL = { tool: { toolCallId: 'call-1', title: 'works', status: 'completed' } };

describe('merges', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let ids = 0;

  before(async () => {
    home = await makeHome();
    mkdirSync(join(home, 'config/policies'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'config/policies/default.yaml'), POLICY);
    mkdirSync(join(home, 'config/agents'), { recursive: true });
    const sed = "sed -i '/^[<=>]\\{7\\}/d' a.txt";
    // What an agent does before a prompt it does whatever it is asked.
    const agents = { scripted: undefined, careless: [{ run: 'echo more >> b.txt' }], resolver: [{ run: sed }] };
    for (const [agent, always] of Object.entries(agents)) {
      const set = JSON.stringify({ always });
      const profile = `agent: ${agent}\nprogram: ${AGENT}\nmode: default\nuncovered: [Everything.]\nenv: { SCRIPTED_AGENT: ${JSON.stringify(set)} }\n`;
      writeFileSync(join(home, 'config/agents', `${agent}.yaml`), profile);
    }
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    for (const agent of Object.keys(agents)) await client.call('agent/add', { agent });
  });
  after(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  const run = async (repo: string, script: string, merge = ''): Promise<RunDetail> => {
    const id = `run-${++ids}`;
    await client.call('run/start', { id, workflow: { file: 'work.yaml', text: workflow(script, merge) }, repo, into: 'main', again: true });
    return finishRun(client, id);
  };

  it('are refused with the output when the merged result does not pass, and the branch stays', async () => {
    const repo = makeRepo({ 'a.txt': 'a\n' });
    // Each side passes alone.
    const test = 'if test -f mine -a -f theirs; then echo both are there; exit 1; fi';
    const checks = `checks: [[sh, -c, ${JSON.stringify(test)}]]`;
    const good = await run(repo, 'echo x > theirs', checks);
    assert.equal(good.run.status, 'success', good.run.summary);
    const before = git(repo, 'rev-parse', 'main');
    const bad = await run(repo, 'echo x > mine', checks);
    assert.deepEqual([bad.run.code, git(repo, 'rev-parse', 'main')], ['merge_checks_failed', before]);
    assert.match(bad.stages.at(-1)?.reason ?? '', /main stays as it is[^]*exit code 1[^]*both are there/);
    // No branch is left of a check; it goes after the attempt has ended.
    while (git(repo, 'branch', '--list', '--format=%(refname)').includes('check')) await delay(20);
    assert.match(bad.stages.at(-1)?.proposed.find(({ key }) => key === 'check:0')?.summary ?? '', /^Run sh -c .* on the merged result/);
  });

  it('that conflict are told with the tasks of both sides, and given to an agent whose work goes the same way', async () => {
    const repo = makeRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const base = git(repo, 'rev-parse', 'main');
    const prompted = async (script: readonly unknown[], into = 'main'): Promise<RunDetail> => {
      const id = `run-${++ids}`;
      const prompt = `Change ${id}: [[${JSON.stringify(script)}]]`;
      const work = taskWorkflow(prompt, { agent: 'scripted' });
      await client.call('run/start', { id, workflow: work, inputs: { prompt }, repo, into, base, again: true });
      return finishRun(client, id);
    };
    const first = await prompted([{ run: 'echo one > a.txt' }]);
    const second = await prompted([{ run: 'echo two > a.txt; echo two > b.txt' }]);
    assert.deepEqual([first.run.status, second.run.code], ['success', 'merge_conflicts']);
    const { merges } = await client.call('merge/list', { repo: first.run.repo ?? '' });
    assert.deepEqual(
      merges.map(({ run: id, status, code }) => [id, status, code]),
      [
        [second.run.id, 'failed', 'merge_conflicts'],
        [first.run.id, 'merged', ''],
      ],
    );
    const { text } = await client.call('artifact/read', { digest: merges[0]?.conflicts ?? '' });
    const [file] = Conflicts.parse(JSON.parse(text)).files;
    assert.deepEqual([file?.path, file?.there.run, file?.here.run], ['a.txt', first.run.id, second.run.id]);
    assert.match(file?.there.task ?? '', new RegExp(`^Change ${first.run.id}`));
    const resolve = async (agent: string) => {
      const id = `run-${++ids}`;
      const { files } = await client.call('merge/resolve', { run: second.run.id, id, agent });
      assert.deepEqual(files, ['a.txt']);
      return finishRun(client, id);
    };
    const careless = await resolve('careless');
    assert.equal(careless.run.code, 'conflict_markers', careless.run.summary);
    const done = await resolve('resolver');
    assert.equal(done.run.status, 'success', done.run.summary);
    const prompt = String(done.run.inputs['prompt']);
    for (const run of [first.run.id, second.run.id]) assert.match(prompt, new RegExp(`Run ${run} was to do this: Change ${run}`));
    assert.equal(git(repo, 'show', 'main:a.txt'), 'one\ntwo');
    assert.equal(git(repo, 'show', 'main:b.txt'), 'two');
    assert.equal(git(repo, 'log', '-1', '--format=%p', 'main').split(' ').length, 1, 'no conflict marker stays in the history');
    await assert.rejects(client.call('merge/resolve', { run: first.run.id, id: 'none', agent: 'resolver' }), {
      code: 'invalid_transition',
    });
  });

  const edits = async (repo: string, script: readonly unknown[]): Promise<RunDetail> => {
    const id = `run-${++ids}`;
    const prompt = `[[${JSON.stringify(script)}]]`;
    const work = taskWorkflow(prompt, { agent: 'scripted' });
    await client.call('run/start', { id, workflow: work, inputs: { prompt }, repo, into: 'main', again: true });
    return finishRun(client, id);
  };

  it('never hold what was put back: a file that changed without being asked for, while the agent goes on', async function () {
    if (process.platform !== 'linux') this.skip();
    const repo = makeRepo({ 'ci/old.yml': 'old\n' });
    const sneak = 'echo new > ci/new.yml; echo changed > ci/old.yml; echo y > b.txt; git add -A; git commit -qm sneaky';
    // The agent waits until it is undone, and would wait for ever.
    const waits = 'while test -f ci/new.yml || grep -q changed ci/old.yml; do sleep 0.05; done';
    const { run: ended, attempts } = await edits(repo, [{ run: sneak }, TOOL, { run: waits }]);
    assert.equal(ended.status, 'success', ended.summary);
    assert.equal(git(repo, 'ls-tree', '-r', '--name-only', 'main'), 'b.txt\nci/old.yml');
    assert.equal(git(repo, 'show', 'main:ci/old.yml'), 'old');
    assert.equal(git(repo, 'log', '--format=%s', 'main', '--', 'ci/new.yml'), '', 'nor does the history');
    const [attempt] = attempts;
    assert.deepEqual(
      attempt?.findings?.map(({ acted, paths }) => [acted, ...paths]),
      [
        ['kept', 'b.txt'],
        ['reverted', 'ci/new.yml', 'ci/old.yml'],
      ],
    );
    const { text } = await client.call('spool/read', { attempt: attempt?.id ?? '' });
    assert.match(
      text,
      /I was told: [^]*Changing ci\/new\.yml, ci\/old\.yml without asking: It was put back\. Pipelines are not for agents/,
    );
  });

  it('do not come about when an agent changes what it may not: it is ended while it works', async () => {
    const repo = makeRepo({ 'a.txt': 'a\n' });
    const { run: ended, attempts } = await edits(repo, [{ run: 'mkdir locked; echo x > locked/x' }, TOOL, { hang: true }]);
    assert.deepEqual([ended.status, attempts[0]?.code], ['failure', 'rogue_edit']);
    assert.match(attempts[0]?.message ?? '', /1 file was changed without being asked for: locked\/x\. Nobody writes there/);
  });

  it('can be linear, and the checks of a trusted repository hold for all that name none', async () => {
    const repo = makeRepo({ 'a.txt': 'a\n', '.signalbox/worktree.yaml': 'checks: [["test", "-f", "wanted"]]\n' });
    assert.equal((await run(repo, 'echo 1 > one; git add one; git commit -qm One; echo 2 > two', 'how: rebase')).run.status, 'success');
    assert.equal(git(repo, 'log', '--format=%s %p', '--max-count=2', 'main').replaceAll(/ [0-9a-f]+/g, ''), 'make\nOne');
    await client.call('trust/grant', { repo, digest: (await client.call('trust/show', { repo })).digest });
    assert.equal((await run(repo, 'echo 3 > three')).run.code, 'merge_checks_failed');
    assert.equal((await run(repo, 'echo 3 > three', 'checks: []')).run.status, 'success', 'the workflow names none');
    assert.equal((await run(repo, 'echo 3 > wanted', 'how: squash')).run.status, 'success');
    commitFiles(repo, { later: 'x' });
  });
});

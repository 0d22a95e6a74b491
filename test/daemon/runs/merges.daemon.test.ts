// A branch takes work up: checked as it would be, in the way that is wanted, and what becomes of conflicts.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { commitFiles, git, makeRepo, removeTempFolders } from '../../support/repos.ts';

const POLICY = `policy: default
version: 1
default: allow
rules:
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
    daemon = await startDaemon({ home });
    client = await daemon.connect();
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

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { idOf, json, Place } from './spawned.ts';

describe('the CLI with work to do', function () {
  this.timeout(60_000);
  const signalbox = Place.forEachTest();

  describe('running a workflow', () => {
    it('waits for an answer from elsewhere, joins what runs already, and ends with what was said', async () => {
      const file = await signalbox.writeWorkflow(['echo one; printf "\\033[31mred\\033[0m"', 'exit 3']);
      const cwd = await signalbox.makeRepository();
      const first = signalbox.begin(['run', file], { cwd });
      await first.until(/To answer: signalbox approve \w+/);
      const second = signalbox.begin(['run', file], { cwd });
      await second.until(/Going on with run \w{8}, started/);
      const { runs } = json('runs', await signalbox.run(['runs', '--json']));
      assert.equal(runs.length, 1);
      const { approvals } = json('approvals', await signalbox.run(['approvals', '--json']));
      assert.equal((await signalbox.run(['approve', idOf(approvals).slice(-8), '--reason', 'fine'])).code, 0);
      await first.until(/granted by user: .*\(fine\)/);
      await first.until(/s1 +waits for an approval/);
      assert.equal((await signalbox.run(['approve', idOf(runs)])).code, 0, 'a run stands for all that it waits for');
      for (const { code, out } of [await first.ended, await second.ended]) {
        assert.equal(code, 1);
        assert.match(out, /failure: s1 failed/);
        assert.doesNotMatch(out, /\u001b/);
      }
      const logs = await signalbox.run(['logs', idOf(runs)]);
      assert.match(logs.out, /one\nred/);
    });

    it('denies with --approve=deny: exit 3, one JSON document', async () => {
      const ended = await signalbox.run(['run', await signalbox.writeWorkflow(['true']), '--approve=deny', '--json']);
      assert.equal(ended.code, 3);
      const document = json('show', ended);
      assert.deepEqual(document.outcome, { exit: 3, word: 'denied' });
      assert.equal(document.approvals[0]?.by, 'user');
      assert.match(ended.err, /denied by user/);
    });

    it('cancels at the first interrupt, and exits 130', async () => {
      const run = signalbox.begin(['run', await signalbox.writeWorkflow(['sleep 60'])]);
      await run.until(/To answer/);
      const { runs } = json('runs', await signalbox.run(['runs', '--json']));
      await signalbox.run(['approve', idOf(runs)]);
      await run.until(/> s0/);
      run.child.kill('SIGINT');
      assert.equal((await run.ended).code, 130);
      const shown = json('show', await signalbox.run(['runs', 'show', idOf(runs), '--json']));
      assert.equal(shown.run.status, 'canceled');
    });

    it('goes on with the same run when the daemon is killed', async () => {
      const run = signalbox.begin(['run', await signalbox.writeWorkflow(['true'])]);
      await run.until(/To answer/);
      const { pid } = await signalbox.endpoint();
      process.kill(pid, 'SIGKILL');
      await run.until(/Connected again/);
      assert.notEqual((await signalbox.endpoint()).pid, pid);
      const { runs } = json('runs', await signalbox.run(['runs', '--json']));
      assert.equal(runs.length, 1);
      await signalbox.run(['approve', idOf(runs)]);
      const { code, out } = await run.ended;
      assert.equal(code, 0);
      assert.match(out, /success: work is done/);
    });

    it('does not start a daemon again that was stopped on purpose', async () => {
      const run = signalbox.begin(['run', await signalbox.writeWorkflow(['true'])]);
      await run.until(/To answer/);
      await signalbox.run(['down']);
      const { code, err } = await run.ended;
      assert.equal(code, 1);
      assert.match(err, /The daemon was stopped.*\nhint: Run \w+ is taken up again/);
      assert.equal((await signalbox.run(['status'])).code, 1);
    });

    it('follows the record as CloudEvents, one a line', async () => {
      const follow = signalbox.begin(['events', '--follow', '--json']);
      await follow.until(/agent\.ready/);
      await signalbox.run(['run', await signalbox.writeWorkflow(['true']), '--approve=deny']);
      await follow.until(/run\.failed/);
      follow.child.kill('SIGINT');
      const { code, out } = await follow.ended;
      assert.equal(code, 130);
      const events = out
        .trimEnd()
        .split('\n')
        .map((line): { id: string; specversion: string } => JSON.parse(line));
      assert.ok(events.every((event) => event.specversion === '1.0'));
      assert.equal(new Set(events.map((event) => event.id)).size, events.length, 'each once');
    });
  });

  it('trusts exactly the files that it showed, and only when told to', async () => {
    const repo = await signalbox.makeRepository();
    await mkdir(join(repo, '.signalbox', 'workflows'), { recursive: true });
    await writeFile(
      join(repo, '.signalbox', 'workflows', 'own.yaml'),
      'workflow: own\nversion: 1\nstages:\n  - { id: a, agent: command, command: [sh, -c, "true"] }\n',
    );
    const asked = await signalbox.run(['trust', repo]);
    assert.equal(asked.code, 2);
    assert.match(asked.out, /own\.yaml\n {2}digest [0-9a-f]{64}/);
    assert.equal((await signalbox.run(['run', 'own', '--repo', repo])).code, 3);
    assert.equal((await signalbox.run(['trust', repo, '--yes'])).code, 0);
    assert.equal((await signalbox.run(['run', 'own', '--repo', repo, '--detach'])).code, 0);
    assert.equal((await signalbox.run(['trust', repo, '--revoke'])).code, 0);
    const unsure = await signalbox.run(['trust', repo, '--json']);
    assert.equal(unsure.code, 2);
    assert.equal(json('error', unsure).error.facts.trusted, false);
  });

  it('shows a whole check-up with `demo`, answered by a principal of its own, and leaves nothing', async () => {
    const { code, out, err } = await signalbox.run(['demo']);
    assert.equal(code, 0, err);
    assert.match(out, /Approved by principal demo: Merge \d+ changed files/);
    assert.match(out, /\+node_modules\//);
    assert.match(out, /success: checkup is done\.\nMerged into main as [0-9a-f]{12}/);
    assert.match(out, /main afterwards:\n {2}\* +[0-9a-f]+ \(HEAD -> main\) Merge checkup/);
    assert.match(out, /To take it back: /);
    assert.doesNotMatch(out, /\u001b/);
    const left = readdirSync(signalbox.folder).filter((name) => name.startsWith('signalbox-demo-'));
    assert.deepEqual(left, []);
    assert.equal(existsSync(join(signalbox.folder, 'home')), false, 'the user’s own state takes no part');
  });

  it('merges with `demo --keep --json`, and `undo` takes it back', async () => {
    const ended = await signalbox.run(['demo', '--keep', '--json']);
    assert.equal(ended.code, 0, ended.err);
    const { run, commit, repo, merged } = json('demo', ended);
    assert.equal(merged, true);
    const read = (...args: string[]) => execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8' }).trim();
    assert.equal(read('rev-parse', 'main'), commit);
    const own = { env: { SIGNALBOX_HOME: join(repo, '..', 'home') } };
    const shown = json('show', await signalbox.run(['runs', 'show', run, '--json'], own));
    assert.ok(shown.approvals.length > 0 && shown.approvals.every((approval) => approval.by === 'demo'));
    writeFileSync(join(repo, '.gitignore'), 'mine\n');
    read('-c', 'user.name=Ann', '-c', 'user.email=ann@example.org', 'commit', '--quiet', '-am', 'my own rules');
    const refused = await signalbox.run(['undo', run, '--json'], own);
    assert.deepEqual([refused.code, read('log', '-1', '--format=%s')], [2, 'my own rules'], 'nobody is there to ask');
    const { error } = JSON.parse(refused.out) as { error: { code: string; facts: { others: { author: string; files: string[] }[] } } };
    assert.deepEqual(
      [error.code, error.facts.others.map(({ author, files }) => [author, files])],
      ['not_confirmed', [['Ann', ['.gitignore']]]],
    );
    const forced = await signalbox.run(['undo', run, '--yes'], own);
    assert.match(forced.out, /"my own rules" of Ann came later and touches the same files: \.gitignore\./);
    assert.match(forced.err, /changed the same lines/, 'it goes on, and git cannot');
    read('reset', '--quiet', '--hard', 'HEAD~1');
    assert.equal((await signalbox.run(['undo', run.slice(-8)], own)).code, 0);
    assert.equal(read('diff', '--stat', `${commit}^1`, 'main'), '');
    assert.equal((await signalbox.run(['undo', run], own)).code, 1, 'not twice');
    await signalbox.run(['down'], own);
  });
});

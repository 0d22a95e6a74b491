// `signalbox policy` as a person or a CI job runs it; only what needs a record starts a daemon.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CLI, environmentOf } from '../../../support/programs.ts';

const TEAM = `policy: team
version: 1
rules:
  - id: force-push
    on: [agent.execute]
    when: action.commands.exists(c, c.program == "git" && c.subcommand == "push" && "-f" in c.options)
    effect: deny
    message: Force-pushing rewrites what others have.
`;

describe('signalbox policy', function () {
  this.timeout(30_000);
  let folder: string;

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-policy-')));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, text);
    return path;
  };
  const signalbox = (...args: string[]) => {
    const env = { ...environmentOf(folder, join(folder, 'home')), NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { cwd: folder, env, encoding: 'utf8' });
    return { status, out: stdout, err: stderr };
  };
  const run = (...args: string[]) => signalbox('policy', ...args);

  it('check says what is in force, and names every problem with its place', async () => {
    await write('home/config/policies/team.yaml', TEAM);
    const good = run('check');
    assert.equal(good.status, 0, good.err);
    assert.match(good.out, /default +[0-9a-f]{12} +\d+ +comes with Signalbox\nteam +[0-9a-f]{12} +1 +yours/);
    await write('home/config/policies/team.yaml', TEAM.replace('"git"', '7').replace('effect: deny', 'effect: denied'));
    const bad = run('check');
    assert.equal(bad.status, 1);
    assert.match(bad.err, /team\.yaml:7:13: .*effect.*write `allow`/);
    const json = run('check', '--json');
    const { ok, problems } = JSON.parse(json.out) as { ok: boolean; problems: { line: number }[] };
    assert.deepEqual([json.status, ok, problems[0]?.line], [1, false, 7]);
  });

  it('check looks at named files and at tests of policies', async () => {
    const policy = await write('a/team.yaml', TEAM);
    assert.equal(run('check', policy, dirname(policy)).status, 1, 'the same policy twice');
    assert.equal(run('check', dirname(policy)).status, 0);
    const test = await write('a/team.test.yaml', 'tests:\n  - { lime: ls, expect: deny }\n');
    assert.match(run('check', test).err, /team\.test\.yaml:2:7: `lime`/);
    assert.equal(run('check', join(folder, 'none.yaml')).status, 1);
  });

  it('check leaves out what an untrusted repository may not say', async () => {
    spawnSync('git', ['init', '-q', '-b', 'main', folder]);
    await write('.signalbox/policies/guard.yaml', TEAM.replace('team', 'guard').replace('effect: deny', 'effect: allow'));
    const { status, out } = run('check');
    assert.equal(status, 0);
    assert.match(out, /guard +[0-9a-f]{12} +0 +the repository's, not trusted/);
    assert.match(out, /guard\.yaml:7:13: Rule `force-push` \(allow\) is ignored until you trust/);
  });

  it('explain reads words, a quoted line, and an action from a file', async () => {
    await write('home/config/policies/team.yaml', TEAM);
    const words = run('explain', '--', 'git', '-C', 'x', 'push', '-f');
    assert.equal(words.status, 0, words.err);
    assert.match(words.out, /^deny {2}git -C x push -f[^]*Decided by\n {2}deny team\/force-push[^]*"-f" in c\.options/);
    const near = JSON.parse(run('explain', '--json', 'git push').out) as { decision: { effect: string }; near: { rule: string }[] };
    assert.deepEqual([near.decision.effect, near.near[0]?.rule], ['require_approval', 'force-push']);
    const file = await write('a.json', '{ "kind": "agent.edit",\n  "pathes": ["x"] }');
    const wrong = run('explain', '--action', file);
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /a\.json:2:3: `pathes` is not a key that is known here\. Did you mean `paths`\?/);
    await write('a.json', '{ "kind": "agent.edit", "paths": ["/etc/passwd"] }');
    assert.match(run('explain', '--action', file).out, /^deny[^]*default\/edit-outside/);
    assert.equal(run('explain').status, 2);
    assert.equal(run('explain', 'ls', '--event', '3').status, 2);
    assert.match(run('explain', '--event', '3').err, /Event 3 is no decision/);
  });

  it('test runs what stands beside the policies, and fails with a difference', async () => {
    await write('home/config/policies/team.yaml', TEAM);
    await write(
      'home/config/policies/team.test.yaml',
      'tests:\n  - { lines: [git push -f, git -C x push -f], expect: deny, rule: force-push }\n',
    );
    const good = run('test');
    assert.equal(good.status, 0, good.out);
    assert.match(good.out, /2 of 2 passed\n2 passed, 0 failed\./);
    const file = await write('p/team.test.yaml', 'tests:\n  - { name: quiet, line: git push -f, expect: allow }\n');
    await write('p/team.yaml', TEAM);
    const bad = run('test', join(folder, 'p'));
    assert.equal(bad.status, 1);
    assert.match(bad.out, /team\.test\.yaml:2:26: quiet: git push -f\n +- allow\n +\+ deny {2}by team\/force-push/);
    const json = JSON.parse(run('test', file, '--json').out) as { ok: boolean; files: { tests: { passed: boolean; effect: string }[] }[] };
    assert.deepEqual([json.ok, json.files[0]?.tests[0]?.effect], [false, 'deny']);
    await rm(join(folder, 'p/team.yaml'));
    assert.match(run('test', file).out, /There is no policy team\.yaml beside this file/);
  });

  it('init writes a policy that loads and whose tests pass, and writes over nothing', async () => {
    const shown = signalbox('init', '--pack', 'cautious', '--dry-run');
    assert.equal(shown.status, 0, shown.err);
    assert.match(shown.out, /Passes\n {2}looking: [^]*Denies\n[^]*would write home\/config\/policies\/default\.yaml/);
    assert.ok(!existsSync(join(folder, 'home/config/policies')));
    assert.equal(signalbox('init', '--pack', 'cautious').status, 0);
    assert.match(run('test').out, /, 0 failed\./);
    const again = signalbox('init');
    assert.deepEqual([again.status, /is there already/.test(again.err)], [1, true]);
    assert.equal(signalbox('init', '--force', '--json').status, 0);
    assert.match(run('check').out, /default +[0-9a-f]{12} +3\d +yours/);
    assert.equal(signalbox('init', '--pack', 'lax').status, 2);
    assert.match(signalbox('init', '--repo').err, /lies in no repository/);
  });

  it('init gives a repository rules of its own, which count beside the others', async () => {
    spawnSync('git', ['init', '-q', '-b', 'main', folder]);
    assert.equal(signalbox('init', '--pack', 'team', '--repo').status, 0);
    assert.match(run('check').out, /team +[0-9a-f]{12} +\d+ +the repository's, not trusted/);
    assert.match(run('test').out, /\.signalbox\/policies\/team\.test\.yaml[^]*, 0 failed\./);
  });

  it('conflicts shows what never decides, with an action, and fails then', async () => {
    await write('home/config/policies/team.yaml', TEAM);
    const good = run('conflicts');
    assert.equal(good.status, 0, good.out);
    await write(
      'home/config/policies/team.yaml',
      `${TEAM}  - { id: all, on: [agent.execute], effect: allow, message: M., when: '"-f" in action.argv && action.risk == "x"' }\n`,
    );
    const bad = run('conflicts');
    assert.equal(bad.status, 1);
    assert.match(bad.out, /^Never match\n {2}allow team\/all on agent\.execute: no action can be like that/);
    const { ok, findings } = JSON.parse(run('conflicts', '--json').out) as { ok: boolean; findings: { kind: string }[] };
    assert.ok(!ok && findings.some(({ kind }) => kind === 'unreachable'));
  });
});

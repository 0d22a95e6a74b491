import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { ParamsOf } from '../../../shared/protocol/methods.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { finishRun, makePlantedRepo, PLANTED } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { armRepo, commitFiles, git, HOSTILE_ATTRIBUTES, makeRepo, makeTrap, removeTempFolders, tempFolder } from '../../support/repos.ts';

let ids = 0;
const startOf = (repo: string, more: Partial<ParamsOf<'run/start'>> = {}): ParamsOf<'run/start'> => ({
  id: `run-${++ids}`,
  workflow: { name: 'checkup' },
  repo,
  ...more,
});

async function refusal(promise: Promise<unknown>): Promise<SignalboxError> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  assert.ok(error instanceof SignalboxError, 'it was not refused');
  return error;
}

describe('a check-up of an odd repository', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;

  before(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home });
    client = await daemon.connect();
  });
  after(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  const checkUp = async (params: ParamsOf<'run/start'>) => {
    const { notices } = await client.call('run/start', params);
    return { ...(await finishRun(client, params.id)), notices };
  };
  const readReport = async (detail: { artifacts: { name: string; digest: string }[] }) => {
    const report = detail.artifacts.find((a) => a.name === 'report.md');
    assert.ok(report, 'there is a report');
    return (await client.call('artifact/read', { digest: report.digest })).text;
  };

  it('refuses a path that is no repository, and one that is not there, saying which', async () => {
    const plain = await refusal(client.call('run/start', startOf(tempFolder())));
    assert.deepEqual([plain.code, plain.facts['reason']], ['repository', 'not_a_repository']);
    const absent = await refusal(client.call('run/start', startOf('/nowhere/at/all')));
    assert.equal(absent.facts['reason'], 'path_missing');
  });

  it('refuses an empty repository, and says what to do', async () => {
    const repo = tempFolder();
    git(repo, 'init', '-q');
    const error = await refusal(client.call('run/start', startOf(repo)));
    assert.equal(error.facts['reason'], 'repository_empty');
    assert.match(error.message, /Commit something first/);
  });

  it('refuses a target branch that is not there before anything is recorded', async () => {
    const error = await refusal(client.call('run/start', startOf(makeRepo(), { into: 'no-such-branch' })));
    assert.equal(error.facts['reason'], 'branch_missing');
  });

  it('finds nothing to repair in a clean repository, asks nothing, and says so', async () => {
    const repo = makeRepo({ 'README.md': '# Clean\n' });
    const before = git(repo, 'rev-parse', 'HEAD');
    const detail = await checkUp(startOf(repo, { into: 'main' }));
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.deepEqual(detail.approvals, []);
    assert.equal(git(repo, 'rev-parse', 'HEAD'), before);
    assert.match(detail.stages.find((s) => s.id === 'merge')?.reason ?? '', /Nothing was repaired/);
  });

  it('works on a bare repository, and merges there', async () => {
    const origin = makePlantedRepo();
    const bare = join(tempFolder(), 'bare.git');
    git(origin, 'clone', '-q', '--bare', origin, bare);
    const detail = await checkUp(startOf(bare, { into: 'main' }));
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.doesNotMatch(git(bare, 'ls-tree', '-r', '--name-only', 'main'), /node_modules/);
  });

  it('leaves a dirty tree alone, says that it is not looked at, and refuses a merge that would overwrite it', async () => {
    const repo = makePlantedRepo();
    writeFileSync(join(repo, 'sum.test.js'), '// mine, not committed\n');
    writeFileSync(join(repo, 'new.txt'), 'untracked\n');
    const detail = await checkUp(startOf(repo, { into: 'main' }));
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.match(detail.notices.join(' '), /2 uncommitted changes/);
    assert.equal(readFileSync(join(repo, 'sum.test.js'), 'utf8'), '// mine, not committed\n');
    assert.equal(git(repo, 'status', '--porcelain'), ' M sum.test.js\n?? new.txt');

    const inTheWay = makePlantedRepo();
    writeFileSync(join(inTheWay, 'debug.log'), 'changed and not committed\n');
    const tip = git(inTheWay, 'rev-parse', 'main');
    const refused = await checkUp(startOf(inTheWay, { into: 'main' }));
    assert.deepEqual([refused.run.status, refused.run.code], ['failure', 'would_overwrite']);
    assert.equal(git(inTheWay, 'rev-parse', 'main'), tip);
    assert.equal(readFileSync(join(inTheWay, 'debug.log'), 'utf8'), 'changed and not committed\n');
  });

  it('looks past submodules, and says so', async () => {
    const inner = makeRepo({ 'inner.log': 'x\n' });
    const repo = makePlantedRepo();
    git(repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'vendored');
    git(repo, 'commit', '-qm', 'submodule');
    const detail = await checkUp(startOf(repo, { into: 'main' }));
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.match(detail.notices.join(' '), /Submodules are not looked at: vendored/);
    assert.match(git(repo, 'ls-tree', 'main', 'vendored'), /^160000 /);
  });

  it('runs nothing that a hostile configuration, attributes or hooks name', async () => {
    const repo = makePlantedRepo({ ...PLANTED, '.gitattributes': HOSTILE_ATTRIBUTES, 'a.txt': 'text\n', 'a.bin': 'binary\n' });
    const trap = makeTrap();
    armRepo(repo, trap);
    const detail = await checkUp(startOf(repo, { into: 'main' }));
    assert.ok(!trap.wasSprung(), 'something of the repository ran');
    assert.equal(detail.run.status, 'success', detail.run.summary);
  });

  it('takes from an untrusted .signalbox/ what makes it stricter, and nothing else', async () => {
    const loose =
      'policy: mine\nversion: 1\nrules:\n  - { id: all, on: [workspace.merge, agent.execute, agent.edit], effect: allow, message: Everything goes. }\n';
    const repo = makePlantedRepo({
      ...PLANTED,
      '.signalbox/policies/loose.yaml': loose,
      '.signalbox/workflows/own.yaml': 'workflow: own\nversion: 1\nstages:\n  - { id: a, agent: command, command: [touch, ran] }\n',
    });
    const own = await refusal(client.call('run/start', startOf(repo, { workflow: { name: 'own' } })));
    assert.equal(own.code, 'not_trusted');
    const detail = await checkUp(startOf(repo, { into: 'main' }));
    assert.ok(
      detail.approvals.some((a) => a.kind === 'workspace.merge'),
      'the merge is still asked about',
    );
    assert.match(detail.notices.join(' '), /nobody has trusted/);

    const strict =
      'policy: mine\nversion: 1\nrules:\n  - { id: none, on: [workspace.merge], effect: deny, message: Nothing is merged here. }\n';
    const denied = makePlantedRepo({ ...PLANTED, '.signalbox/policies/strict.yaml': strict });
    const refused = await checkUp(startOf(denied, { into: 'main' }));
    assert.deepEqual([refused.run.code, refused.approvals.some((a) => a.kind === 'workspace.merge')], ['denied', false]);
    assert.match(refused.run.summary, /Nothing is merged here/);
  });

  it('trusts the content that a person saw, until it changes', async () => {
    const repo = makePlantedRepo({
      ...PLANTED,
      '.signalbox/workflows/own.yaml': 'workflow: own\nversion: 1\nstages:\n  - { id: a, agent: command, command: [git, --version] }\n',
    });
    const shown = await client.call('trust/show', { repo });
    assert.deepEqual([shown.trusted, shown.files], [false, ['.signalbox/workflows/own.yaml']]);
    await client.call('trust/grant', { repo, digest: shown.digest });
    const params = startOf(repo, { workflow: { name: 'own' } });
    await client.call('run/start', params);
    assert.equal((await finishRun(client, params.id)).run.status, 'success');
    commitFiles(repo, { '.signalbox/policies/more.yaml': 'policy: more\nversion: 1\nrules: []\n' });
    assert.equal((await client.call('trust/show', { repo })).trusted, false);
    assert.equal((await refusal(client.call('trust/grant', { repo, digest: shown.digest }))).code, 'invalid_transition');
  });

  it('refuses a .signalbox/ that leads elsewhere', async () => {
    const repo = makeRepo();
    symlinkSync(tempFolder(), join(repo, '.signalbox'));
    const error = await refusal(client.call('run/start', startOf(repo)));
    assert.match(error.message, /\.signalbox/);
  });

  it('never shows, stores or reports the secret that it found', async () => {
    const secret = ['ghp', 'q7Rk2VbXn9LwTz4YpDmC6HsJ8fGaE3uK1oBv'].join('_');
    const repo = makePlantedRepo({ ...PLANTED, 'config.js': `module.exports = { token: '${secret}' };\n` });
    const detail = await checkUp(startOf(repo, { into: 'main' }));
    const report = await readReport(detail);
    assert.match(report, /config\.js:1/);
    assert.match(report, /rotate/i);
    const hits = spawnSync('grep', ['-rlF', secret, home], { encoding: 'utf8' });
    assert.deepEqual([hits.status, hits.stdout], [1, ''], 'the state folder holds the secret');
  });
});

// Kept apart: it shows that the user's own working tree is never where the work is done.
describe('the user’s own working tree', function () {
  this.timeout(60_000);
  it('is as it was while a run waits for the merge', async () => {
    const home = await makeHome();
    const daemon = await startDaemon({ home });
    const client = await daemon.connect();
    try {
      const repo = makePlantedRepo();
      const params = startOf(repo, { into: 'main' });
      await client.call('run/start', params);
      const detail = await finishRun(client, params.id, { answer: ({ kind }) => (kind === 'workspace.merge' ? 'deny' : 'grant') });
      assert.deepEqual([detail.run.status, detail.run.code], ['failure', 'denied']);
      assert.equal(git(repo, 'log', '--format=%s', 'main').trim().split('\n').length, 1);
      assert.equal(git(repo, 'status', '--porcelain'), '');
      assert.ok(existsSync(join(repo, 'debug.log')));
      mkdirSync(join(repo, 'still-usable'));
    } finally {
      client.close();
      await daemon.end();
      await removeHome(home);
      removeTempFolders();
    }
  });
});

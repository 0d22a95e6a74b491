// `signalbox journal` as a person runs it, on the journal of a real daemon.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { CLI, environmentOf } from '../../support/programs.ts';

describe('signalbox journal', function () {
  this.timeout(30_000);
  let home: string;
  let daemon: DaemonProcess | undefined;

  beforeEach(async () => {
    home = await makeHome();
  });
  afterEach(async () => {
    await daemon?.end('SIGKILL');
    daemon = undefined;
    await removeHome(home);
  });

  const run = (...args: string[]) => {
    const env = { ...environmentOf(home), NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'journal', ...args], { env, encoding: 'utf8' });
    return { status, out: stdout, err: stderr };
  };
  const segment = () => join(home, 'journal', '0000000000000001.ndjson');
  /** Lets a daemon record a few things in several batches, and stops it. */
  const record = async () => {
    daemon = await startDaemon({ home });
    const client = await daemon.connect();
    for (const name of ['one', 'two', 'three']) await client.call('token/issue', { name, scopes: ['observe'] });
    client.close();
    return daemon;
  };

  it('says what to do where there is no journal, and what a head is', () => {
    for (const args of [['verify'], ['head'], ['repair', '--to', '1']]) {
      const { status, err } = run(...args);
      assert.equal(status, 1);
      assert.match(err, /There is no journal in .*\n.*made at the first start/);
    }
    assert.equal(run('verify', '--expect', 'nonsense').status, 2);
    assert.equal(run('repair', '--to', 'one').status, 2);
    assert.equal(run('repair').status, 2);
    for (const name of ['verify', 'head', 'repair']) {
      const { status, out } = run(name, '--help');
      assert.equal(status, 0);
      assert.match(out, /Examples:\n {2}signalbox journal [^]*Exit codes: 0/);
    }
  });

  it('prints a head while a daemon runs, and finds it again until the end is gone', async () => {
    const running = await record();
    const kept = run('head');
    assert.equal(kept.status, 0, kept.err);
    const head = JSON.parse(kept.out) as { seq: number; hash: string; installation: string };
    assert.equal(kept.out, `${JSON.stringify(head)}\n`);
    assert.equal(head.installation, (JSON.parse(await readFile(join(home, 'installation.json'), 'utf8')) as { id: string }).id);
    await running.end();
    const file = join(home, 'kept');
    await writeFile(file, kept.out);
    for (const given of [file, kept.out, `${head.seq}:${head.hash}`]) assert.equal(run('verify', '--expect', given).status, 0);
    const foreign = run('verify', '--expect', JSON.stringify({ ...head, installation: 'another' }));
    assert.equal(foreign.status, 1);
    assert.match(foreign.out, /of installation another/);
    const text = await readFile(segment(), 'utf8');
    await writeFile(segment(), text.slice(0, text.indexOf(`{"seq":${head.seq - 1},`)).replace(/\{"batch".*\n$/, ''));
    assert.equal(run('verify').status, 0, 'a missing end does not show by itself');
    const short = run('verify', '--expect', file, '--json');
    assert.equal(short.status, 1);
    const { problems } = JSON.parse(short.out) as { problems: { code: string; message: string }[] };
    assert.equal(problems[0]?.code, 'missing');
  });

  it('refuses to repair while a daemon holds the journal', async () => {
    const running = await record();
    const { status, err, out } = run('repair', '--to', '2', '--json');
    assert.equal(status, 1);
    const { error } = JSON.parse(out) as { error: { code: string; facts: { pid: number } } };
    assert.deepEqual([error.code, error.facts.pid], ['daemon_running', running.child.pid]);
    assert.match(err, /signalbox down/);
  });

  it('repairs what a daemon refuses to start on, and the daemon goes on from there', async () => {
    await (await record()).end();
    daemon = undefined;
    const text = await readFile(segment(), 'utf8');
    await writeFile(segment(), text.replace('"name":"two"', '"name":"owt"'));
    await assert.rejects(startDaemon({ home }), /signalbox journal verify/);
    const found = run('verify');
    assert.equal(found.status, 1);
    const seq = Number(/commit (\d+):/.exec(found.out)?.[1]);
    assert.ok(seq > 1, found.out);
    assert.match(found.out, new RegExp(`0000000000000001\\.ndjson:\\d+: commit ${seq}: .*changed`));
    assert.match(found.out, new RegExp(`signalbox journal repair --to ${seq - 1} `));
    const tooFar = run('repair', '--to', String(seq));
    assert.equal(tooFar.status, 1);
    assert.match(tooFar.err, new RegExp(`--to ${seq - 1} keeps everything that is sound`));
    const planned = run('repair', '--to', String(seq - 1), '--dry-run');
    assert.match(planned.out, /Lost: \d+ commits? and 1 line that nobody can read[^]*Nothing was changed/);
    const done = run('repair', '--to', String(seq - 1), '--json');
    assert.equal(done.status, 0, done.err);
    const { before } = JSON.parse(done.out) as { before: string };
    assert.match(await readFile(join(before, '0000000000000001.ndjson'), 'utf8'), /"name":"owt"/);
    assert.ok((await readdir(home)).some((name) => name.startsWith('journal.before-')));
    assert.match(run('repair', '--to', String(seq - 1)).out, /Nothing to repair/);
    const again = await record();
    assert.equal(await again.end(), 0);
    assert.equal(run('verify').status, 0);
  });
});

// Policies of a running daemon: a changed file counts, a broken one changes nothing, and a start finds the last good ones.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { finishRun, PLANTED } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { makeRepo, removeTempFolders } from '../../support/repos.ts';

const policy = (effect: string, version = 1) =>
  `policy: mine\nversion: ${version}\nrules:\n  - {id: tracker, on: [agent.mcp], effect: ${effect}, message: Because.}\n`;
const BROKEN = 'policy: mine\nversion: 1\nrules:\n  - {id: tracker, on: [agent.mcp], effect: denny, message: Because.}\n';

describe('policies of a running daemon', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Awaited<ReturnType<DaemonProcess['connect']>>;
  const write = (text: string) => writeFile(join(home, 'config', 'policies', 'mine.yaml'), text);

  before(async () => {
    home = await makeHome();
    await mkdir(join(home, 'config', 'policies'), { recursive: true, mode: 0o700 });
    await write(policy('deny'));
    daemon = await startDaemon({ home });
    client = await daemon.connect();
  });
  after(async () => {
    client?.close();
    await daemon?.end('SIGKILL');
    await removeHome(home);
    removeTempFolders();
  });

  const decide = async (): Promise<string | undefined> => {
    const actions = [{ id: 'a', action: { kind: 'agent.mcp' as const, server: 's' } }];
    return (await client.call('policy/evaluate', { actions })).decisions[0]?.decision.effect;
  };
  const notices = async () => (await client.call('daemon/status', {})).notices.join('\n');
  /** Waits for what the next look at the files brings about. */
  const until = async (settled: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; !(await settled()); tries += 1) {
      assert.ok(tries < 200, daemon.output());
      await pause(100);
    }
  };
  const loaded = async () =>
    (await client.call('events/read', {})).events.flatMap(({ type, data }) =>
      type === 'dev.signalbox.policy.loaded.v1' ? [(data as { files: { file: string; artifact: string; digest: string }[] }).files] : [],
    );

  it('records what it starts with, each text as an artifact', async () => {
    assert.equal(await decide(), 'deny');
    const [files = []] = await loaded();
    const mine = files.find(({ file }) => file.endsWith('mine.yaml'));
    assert.ok(files.some(({ file }) => file.endsWith('default.yaml')));
    const { text } = await client.call('artifact/read', { digest: mine?.artifact ?? '', offset: 0 });
    assert.equal(text, policy('deny'));
  });

  it('takes a changed file, and one that is gone, and records both', async () => {
    await write(policy('allow', 2));
    await until(async () => (await decide()) === 'allow');
    await until(async () => (await loaded()).length === 2);
    await rm(join(home, 'config', 'policies', 'mine.yaml'));
    await until(async () => (await decide()) === 'require_approval');
    await write(policy('deny', 3));
    await until(async () => (await decide()) === 'deny');
    await until(async () => (await loaded()).length === 4);
  });

  it('keeps the last good one beside a broken file, and says so until it is mended', async () => {
    await write(BROKEN);
    await until(async () => /mine\.yaml:4:.*effect/.test(await notices()));
    assert.match(await notices(), /The policies that were in force before stay so/);
    const { problems } = await client.call('daemon/status', {});
    assert.deepEqual([problems?.[0]?.file, problems?.[0]?.line], [join(home, 'config', 'policies', 'mine.yaml'), 4]);
    assert.equal(await decide(), 'deny');
    assert.equal((await loaded()).length, 4);
  });

  it('starts with the last good one while the file is broken, and says so', async () => {
    client.close();
    await daemon.end();
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    assert.match(await notices(), /mine\.yaml:4:/);
    assert.equal(await decide(), 'deny');
    assert.equal((await loaded()).length, 4, 'nothing new is in force');
    await write(policy('allow', 4));
    await until(async () => (await decide()) === 'allow');
    assert.equal(await notices(), '');
    assert.deepEqual((await client.call('daemon/status', {})).problems, []);
  });

  it('takes what a repository of a run under way changes', async () => {
    const repo = makeRepo({ ...PLANTED, '.signalbox/policies/own.yaml': policy('deny').replace('mine', 'own') });
    const own = async () => (await loaded()).flat().filter(({ file }) => file.endsWith('own.yaml'));
    await client.call('run/start', { id: 'run', workflow: { name: 'checkup' }, repo, into: 'main' });
    assert.equal((await own()).length, 1);
    await writeFile(join(repo, '.signalbox/policies/own.yaml'), policy('require_approval').replace('mine', 'own'));
    await until(async () => (await own()).length === 2);
    await finishRun(client, 'run');
  });

  it('says which file it cannot read, and keeps what was in force', async () => {
    const folder = join(home, 'config', 'policies', 'odd.yaml');
    await mkdir(folder);
    await until(async () => /odd\.yaml:1:1: The file cannot be read: it is no file\.\n.*stay so/.test(await notices()));
    assert.equal(await decide(), 'allow');
    await rm(folder, { recursive: true });
    await until(async () => (await notices()) === '');
    await writeFile(folder, '#'.repeat(300_000));
    await until(async () => /odd\.yaml:1:1: The file cannot be read: it is larger than 256 KiB/.test(await notices()));
    await rm(folder);
    await until(async () => (await notices()) === '');
  });

  it('does not start on a broken file where nothing good was ever in force', async () => {
    const other = await makeHome();
    try {
      await mkdir(join(other, 'config', 'policies'), { recursive: true, mode: 0o700 });
      await writeFile(join(other, 'config', 'policies', 'mine.yaml'), BROKEN);
      await assert.rejects(startDaemon({ home: other }), /mine\.yaml:4:/);
    } finally {
      await removeHome(other);
    }
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { openArtifactStore } from '../../../daemon/store/artifacts.ts';
import { finishRun, makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { removeTempFolders } from '../../support/repos.ts';
import { CLI, environmentOf } from '../../support/programs.ts';

const LONG_AGO = new Date('2020-01-01T00:00:00.000Z');

describe('garbage collection of the store', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  before(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home, env: { SIGNALBOX_KEEP_RUNS: '0' } });
    client = await daemon.connect();
    await client.call('run/start', { id: 'r', workflow: { name: 'checkup' }, repo: makePlantedRepo(), into: 'main' });
    assert.equal((await finishRun(client, 'r')).run.status, 'success');
  });
  after(async () => {
    await daemon.end('SIGKILL');
    await removeHome(home);
    removeTempFolders();
  });

  const blobs = (): string[] =>
    readdirSync(join(home, 'artifacts'), { recursive: true, withFileTypes: true }).flatMap((f) =>
      f.isFile() ? join(f.parentPath, f.name) : [],
    );
  const spools = (): string[] => readdirSync(join(home, 'spools')).map((name) => join(home, 'spools', name));

  it('keeps what record and archive reach and what is young, counts first, and removes the rest', async () => {
    const reached = [...blobs(), ...spools()].sort();
    assert.ok(reached.length > 10);
    const store = await openArtifactStore(home);
    for (const content of ['old', 'young', 'stored again']) await store.putArtifact(content);
    writeFileSync(join(home, 'spools/nobody.log'), 'xyz');
    const young = new Set([...blobs()].filter((path) => !reached.includes(path)));
    for (const path of [...blobs(), ...spools()]) utimesSync(path, LONG_AGO, LONG_AGO);
    await store.putArtifact('stored again');
    const { digest } = await store.putArtifact('young');
    assert.equal(young.size, 3);

    const env = environmentOf(home);
    const run = (...args: string[]): string => execFileSync(process.execPath, [CLI, 'gc', ...args], { env, encoding: 'utf8' });
    assert.match(run('--dry-run'), /Would remove 1 artifacts \(3 bytes\) and 1 spools \(3 bytes\)/);
    assert.equal(blobs().length + spools().length, reached.length + 4);
    assert.match(run(), /Removed 1 artifacts \(3 bytes\) and 1 spools \(3 bytes\)/);
    assert.match(run(), /Removed 0 artifacts \(0 bytes\) and 0 spools \(0 bytes\)/);
    assert.equal((await client.call('artifact/read', { digest })).text, 'young');
    const left = new Set([...blobs(), ...spools()]);
    assert.deepEqual(
      reached.filter((path) => !left.has(path)),
      [],
    );
  });

  it('keeps what is pinned, until it is unpinned', async () => {
    const store = await openArtifactStore(home);
    const { digest } = await store.putArtifact('pinned');
    const path = join(home, 'artifacts', digest.slice(0, 2), digest);
    utimesSync(path, LONG_AGO, LONG_AGO);
    await assert.rejects(client.call('artifact/pin', { digest: 'c'.repeat(64) }), { code: 'not_found' });
    const pin = () => client.call('artifact/pin', { digest, reason: 'evidence' });
    assert.deepEqual([(await pin()).existing, (await pin()).existing], [false, true]);
    assert.deepEqual(
      (await client.call('artifact/pins', {})).pins.map((one) => [one.digest, one.by, one.reason]),
      [[digest, 'user', 'evidence']],
    );
    assert.equal((await client.call('store/gc', {})).artifacts.count, 0);
    assert.equal((await client.call('artifact/read', { digest })).text, 'pinned');
    await client.call('artifact/pin', { digest, pinned: false });
    assert.deepEqual((await client.call('artifact/pins', {})).pins, []);
  });

  it('says of a blob that was changed, or is gone, that it is', async () => {
    const detail = await client.call('run/get', { run: 'r' });
    const digest = detail.artifacts.find((a) => a.name === 'report.md')?.digest ?? '';
    const path = join(home, 'artifacts', digest.slice(0, 2), digest);
    writeFileSync(path, 'changed');
    await assert.rejects(client.call('artifact/read', { digest }), {
      code: 'not_found',
      facts: { digest, size: 7, reason: 'artifact_changed' },
    });
    await assert.rejects(client.call('artifact/read', { digest: 'b'.repeat(64) }), { code: 'not_found' });
  });
});

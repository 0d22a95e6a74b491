import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { openArtifactStore } from '../../../daemon/store/artifacts.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { finishRun, makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { removeTempFolders } from '../../support/repos.ts';
import { CLI, environmentOf } from '../../support/programs.ts';

describe('redaction of an artifact', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let digest: string;
  let text: string;

  before(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    await client.call('run/start', { id: 'r', workflow: { name: 'checkup' }, repo: makePlantedRepo(), into: 'main' });
    const { artifacts } = await finishRun(client, 'r');
    digest = artifacts.find((a) => a.name === 'report.md')?.digest ?? '';
    text = (await client.call('artifact/read', { digest })).text;
    assert.ok(text.length > 100);
  });
  after(async () => {
    await daemon.end('SIGKILL');
    await removeHome(home);
    removeTempFolders();
  });
  const refusal = async (): Promise<SignalboxError> => {
    const error = await client.call('artifact/read', { digest }).catch((e: unknown) => e);
    assert.ok(error instanceof SignalboxError);
    return error;
  };

  it('removes the content, says who and why, and the chain still verifies', async () => {
    const env = environmentOf(home);
    const said = execFileSync(process.execPath, [CLI, 'redact', digest, '--reason', 'holds a name'], { env, encoding: 'utf8' });
    assert.match(said, /was removed/);
    const error = await refusal();
    assert.deepEqual([error.code, error.facts['by'], error.facts['reason']], ['artifact_redacted', 'user', 'holds a name']);
    const { events } = await client.call('events/read', { limit: 1_000 });
    const recorded = events.filter((e) => e.type === 'dev.signalbox.artifact.redacted.v1').map((e) => e.data);
    assert.deepEqual(recorded, [{ artifact: digest, digest, by: 'user', reason: 'holds a name' }]);
    assert.equal((await verifyJournal(home)).ok, true);
    assert.equal((await client.call('run/get', { run: 'r' })).artifacts.find((a) => a.name === 'report.md')?.digest, digest);
  });

  it('is done once, and holds after a kill -9', async () => {
    const { seq } = await client.call('daemon/status', {});
    assert.deepEqual(await client.call('artifact/redact', { digest, reason: 'again' }), { digest, existing: true });
    assert.equal((await client.call('daemon/status', {})).seq, seq);
    await daemon.end('SIGKILL');
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    assert.equal((await refusal()).facts['reason'], 'holds a name');
  });

  it('does not let the same content come back', async () => {
    const store = await openArtifactStore(home);
    assert.equal((await store.putArtifact(text)).digest, digest);
    await assert.rejects(store.readText(digest), { code: 'artifact_redacted' });
    assert.equal((await refusal()).code, 'artifact_redacted');
  });

  it('refuses what was never there, and whoever may not', async () => {
    await assert.rejects(client.call('artifact/redact', { digest: 'a'.repeat(64), reason: 'x' }), { code: 'not_found' });
    const { token } = await client.call('token/issue', { name: 'reader', scopes: ['observe'] });
    const reader = await daemon.connect(token);
    await assert.rejects(reader.call('artifact/redact', { digest, reason: 'x' }), { code: 'forbidden' });
  });
});

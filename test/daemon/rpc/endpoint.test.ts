import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyProcess } from '../../../daemon/platform/process.ts';
import { readEndpoint, removeEndpoint, writeEndpoint } from '../../../daemon/rpc/endpoint.ts';
import { createPrincipals } from '../../../daemon/rpc/principals.ts';

describe('rpc endpoint', () => {
  let home: string;
  const token = createPrincipals({ now: Date.now }).userToken;
  const facts = { host: '127.0.0.1', port: 4_000, protocol: { min: 1, max: 1 }, token, version: '0.1.0' } as const;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'signalbox-endpoint-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('writes for the user alone, reads back, and removes its own', async () => {
    assert.deepEqual(await readEndpoint(home), { kind: 'absent' });
    const written = await writeEndpoint(home, facts);
    assert.equal(written.pid, process.pid);
    assert.deepEqual(await readEndpoint(home), { kind: 'running', endpoint: written });
    if (process.platform !== 'win32') assert.equal((await stat(join(home, 'endpoint.json'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(home), ['endpoint.json']);
    assert.equal(await removeEndpoint(home, written), true);
    assert.deepEqual(await readEndpoint(home), { kind: 'absent' });
    assert.equal(await removeEndpoint(home, written), false);
  });

  it('never removes that of another', async () => {
    const written = await writeEndpoint(home, facts);
    for (const other of [{ pid: written.pid + 1 }, { startTime: 'other' }, { token: createPrincipals({ now: Date.now }).userToken }]) {
      assert.equal(await removeEndpoint(home, { ...written, ...other }), false);
    }
    assert.equal((await readEndpoint(home)).kind, 'running');
  });

  it('tells a leftover: the process is gone, or its number belongs to another', async () => {
    const written = await writeEndpoint(home, facts);
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    const identity = await identifyProcess(child.pid ?? 0);
    const other = { ...written, pid: child.pid, startTime: identity?.startTime };
    await writeFile(join(home, 'endpoint.json'), JSON.stringify(other));
    assert.equal((await readEndpoint(home)).kind, 'running');
    await writeFile(join(home, 'endpoint.json'), JSON.stringify({ ...other, startTime: written.startTime }));
    assert.equal((await readEndpoint(home)).kind, 'stale');
    await writeFile(join(home, 'endpoint.json'), JSON.stringify(other));
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(await readEndpoint(home), { kind: 'stale', endpoint: other });
  });

  it('takes nothing that is not an endpoint file', async () => {
    const path = join(home, 'endpoint.json');
    const good = JSON.parse(JSON.stringify(await writeEndpoint(home, facts))) as object;
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ ...good, host: '10.0.0.1' }),
      JSON.stringify({ ...good, port: 0 }),
      JSON.stringify({ ...good, token: 'x\r\ny' }),
      ' '.repeat(1_000_000) + JSON.stringify(good),
    ]) {
      await writeFile(path, text);
      assert.deepEqual(await readEndpoint(home), { kind: 'invalid', path });
      assert.equal(await removeEndpoint(home, good as never), false);
    }
    assert.equal((await readFile(path, 'utf8')).length > 1_000_000, true);
  });
});

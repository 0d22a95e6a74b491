// What a real daemon does when its disk is nearly full, full, or has forgotten something.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectTo } from '../../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../../daemon/rpc/endpoint.ts';
import type { SignalboxError } from '../../../shared/protocol/errors.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { DAEMON, environmentOf } from '../../support/programs.ts';

describe('a daemon and its disk', function () {
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

  it('refuses new work below the threshold, and says so in its status', async function () {
    const { bavail, bsize } = await statfs(home);
    // The highest threshold that the setting takes is a terabyte.
    if ((bavail * bsize) / 1024 / 1024 > 1_000_000) return this.skip();
    daemon = await startDaemon({ home, env: { SIGNALBOX_MIN_FREE_MB: '1000000' } });
    const client = await daemon.connect();
    const refused = (error: SignalboxError): boolean =>
      error.code === 'disk_full' && error.facts['path'] === home && Number(error.facts['freeBytes']) > 0;
    await assert.rejects(client.call('task/submit', { id: 'one', agent: 'command', action: 'x' }), refused);
    const text = 'workflow: t\nversion: 1\nstages:\n  - { id: a, agent: command, command: ["true"] }\n';
    await assert.rejects(client.call('run/start', { id: 'r', workflow: { file: 't.yaml', text } }), refused);
    const { notices } = await client.call('daemon/status', {});
    assert.ok(
      notices.some((notice) => /MB of the 1000000 MB/.test(notice)),
      notices.join('\n'),
    );
    assert.match(daemon.output(), /"event":"disk\.low"/);
    client.close();
  });

  it('stops with a clear last word when a file cannot grow, and has all that it answered after the next start', async () => {
    // The limit of a file's size is as good as a full disk, and needs no disk of its own. In blocks of 1024 bytes.
    const child = spawn('bash', ['-c', `ulimit -f 64; exec "$0" "$1"`, process.execPath, DAEMON], {
      env: environmentOf(home),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const exited = once(child, 'exit');
    let found = await readEndpoint(home);
    for (; found.kind !== 'running' && child.exitCode === null; found = await readEndpoint(home))
      await new Promise((resolve) => setTimeout(resolve, 25));
    assert.ok(found.kind === 'running', said);
    const client = await connectTo(found.endpoint, { name: 'test', version: '0' });
    const { token } = await client.call('token/issue', { name: 'worker', scopes: ['worker'] });
    const worker = await connectTo(found.endpoint, { name: 'worker', version: '0', token });
    await worker.call('worker/attach', { id: 'w', slots: 1 });
    const answered: string[] = [];
    for (let n = 0; n < 1_000; n++) {
      const id = `task-${n}`;
      const done = await client
        .call('task/submit', { id, agent: 'w', action: 'x', payload: { fill: 'x'.repeat(1_000) } })
        .catch(() => undefined);
      if (!done) break;
      answered.push(id);
    }
    assert.ok(answered.length > 5 && answered.length < 1_000, String(answered.length));
    assert.deepEqual(await exited, [70, null]);
    assert.match(said, /"event":"daemon\.died".*journal could not be written/);
    assert.match(
      said,
      /signalbox: the daemon stopped\. The journal could not be written \((SHORT_WRITE|EFBIG).*Make space on the disk, then start the daemon again\.\n$/,
    );
    daemon = await startDaemon({ home });
    const again = await daemon.connect();
    const { tasks } = await again.call('task/list', { limit: 1_000 });
    const there = new Set(tasks.map((task) => task.id));
    assert.deepEqual(
      answered.filter((id) => !there.has(id)),
      [],
    );
    assert.ok(tasks.length <= answered.length + 1);
    again.close();
    await daemon.end();
    assert.ok((await verifyJournal(home)).ok);
  });

  it('says loudly that the journal lost its end, and what to do', async () => {
    daemon = await startDaemon({ home });
    await daemon.end();
    await mkdir(join(home, 'snapshots'), { recursive: true });
    await writeFile(join(home, 'snapshots', '0000000000009999.json'), await readFile(join(home, 'installation.json')));
    daemon = await startDaemon({ home });
    const client = await daemon.connect();
    const { notices, seq } = await client.call('daemon/status', {});
    assert.ok(seq > 0);
    const notice = notices.find((one) => /lost its end/.test(one));
    assert.match(notice ?? '', /a snapshot has commit 9999.*signalbox down.*journal verify --expect/);
    assert.match(daemon.output(), /"event":"journal\.lost_its_end"/);
    client.close();
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import {
  ATTEMPT_TAG,
  endTree,
  findTagged,
  hasTag,
  identifyProcess,
  isAlive,
  type ProcessTag,
  type SpawnError,
  spawnTagged,
} from '../../../daemon/platform/process.ts';
import { removeTempFolders, tempFolder } from '../../support/repos.ts';

const env = { PATH: process.env['PATH'] ?? '' };
const newTag = (): ProcessTag => ({ name: ATTEMPT_TAG, value: randomUUID() });

async function waitFor(path: string): Promise<string> {
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (text.endsWith('\n')) return text.trim();
    await delay(10);
  }
}

describe('processes', () => {
  const tags: ProcessTag[] = [];
  let folder: string;
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    folder = tempFolder('process');
  });
  afterEach(async () => {
    for (const tag of tags.splice(0)) await endTree({ tag }, { graceMs: 0 });
  });
  after(removeTempFolders);

  /** Starts a shell script, waits until it (or its child) has written its number to a file, and returns that number. */
  const start = async (script: string) => {
    const tag = newTag();
    tags.push(tag);
    const started = await spawnTagged({ argv: ['sh', '-c', script], cwd: folder, env, tag, stdio: 'ignore' });
    const deepest = Number(await waitFor(join(folder, 'pid')));
    const identity = await identifyProcess(deepest);
    assert.ok(identity, 'the deepest process runs');
    return { ...started, tag, identity: started.identity, deepest: identity };
  };

  it('have an identity that ends with them', async () => {
    const { child, identity, tag } = await start('echo $$ > pid; exec sleep 60');
    assert.equal(identity.host, hostname());
    assert.equal(await isAlive(identity), true);
    assert.equal(await isAlive({ ...identity, startTime: '1' }), false);
    assert.equal(await isAlive({ ...identity, bootId: 'x' }), false);
    assert.equal(await isAlive({ ...identity, host: 'x' }), undefined);
    const exit = once(child, 'exit');
    assert.equal(await endTree({ pid: identity.pid, tag }, { graceMs: 2_000 }), 0);
    await exit;
    assert.equal(await isAlive(identity), false);
  });

  it('can be identified even when they end at once', async () => {
    const { identity } = await spawnTagged({ argv: ['true'], cwd: folder, env, tag: newTag() });
    assert.match(identity.startTime, /^\d+$/);
  });

  it('say why they could not be started', async () => {
    const request = { argv: ['no-such-program'] as const, cwd: folder, env, tag: newTag() };
    await assert.rejects(
      spawnTagged({ ...request, argv: ['no-such-program'] }),
      (error: SpawnError) => error.code === 'spawn_failed' && error.reason === 'ENOENT',
    );
  });

  it('get exactly the environment that was given, and the tag', async () => {
    const tag = newTag();
    const { child } = await spawnTagged({
      argv: [process.execPath, '-p', 'JSON.stringify(process.env)'],
      cwd: folder,
      env: { A: 'b' },
      tag,
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    assert.deepEqual(JSON.parse(Buffer.concat(chunks).toString()), { A: 'b', [ATTEMPT_TAG]: tag.value });
  });

  const trees: Record<string, string> = {
    'a child of a child': 'sh -c "echo \\$\\$ > pid; exec sleep 60" & wait',
    'a child in a session of its own': 'setsid sh -c "echo \\$\\$ > pid; exec sleep 60" & wait',
    'an orphan in a session of its own': 'setsid sh -c "echo \\$\\$ > pid; exec sleep 60" & exit',
    'an orphan in the same group that cleared its environment': '(env -i sh -c "echo \\$\\$ > pid; exec sleep 60" &) ; exec sleep 60',
    'a child that cleared its environment in a session of its own':
      'env -i setsid sh -c "echo \\$\\$ > pid; exec sleep 60" & exec sleep 60',
    'one that ignores SIGTERM': 'trap "" TERM; echo $$ > pid; while :; do sleep 1; done',
    'one that is stopped': 'sh -c "echo \\$\\$ > pid; kill -STOP \\$\\$; sleep 60" & wait',
    'one that starts another when it is ended':
      'trap "setsid sleep 61 & sleep 0.05; setsid sleep 62 & exit" TERM; echo $$ > pid; while :; do sleep 0.01; done',
  };
  for (const [name, script] of Object.entries(trees)) {
    it(`end with all of theirs: ${name}`, async () => {
      const { identity, deepest, tag } = await start(script);
      assert.equal(await endTree({ pid: identity.pid, tag }, { graceMs: 150 }), 0);
      assert.equal(await isAlive(deepest), false);
      assert.deepEqual(await findTagged(tag.value), []);
    });
  }

  it('of another tag are left alone', async () => {
    const other = await start('echo $$ > pid; exec sleep 60');
    const tag = newTag();
    assert.equal(await endTree({ pid: other.identity.pid, tag }, { graceMs: 0 }), 0);
    assert.equal(await isAlive(other.identity), true);
    assert.deepEqual(await findTagged(other.tag.value), [other.identity.pid]);
  });

  it('get the time to end in their own way', async () => {
    const { tag } = await start('trap "echo bye > farewell; exit" TERM; echo $$ > pid; while :; do sleep 0.01; done');
    assert.equal(await endTree({ tag }, { graceMs: 5_000 }), 0);
    assert.equal(readFileSync(join(folder, 'farewell'), 'utf8'), 'bye\n');
  });

  it('show their tag, also through a child that cleared its environment; this one has none', async () => {
    const { deepest, tag } = await start('env -i sh -c "echo \\$\\$ > pid; exec sleep 60" & wait');
    assert.equal(await hasTag(deepest.pid), tag.value);
    assert.equal(await hasTag(process.pid, 'SIGNALBOX_NO_SUCH_TAG'), undefined);
  });
});

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { acquireLock, type HeldLock, readLockHolder } from '../../../daemon/platform/lock.ts';
import { bundleScript } from '../../support/bundle.ts';
import { removeTempFolders, tempFolder } from '../../support/repos.ts';

const SCRIPT = `import { acquireLock } from './daemon/platform/lock.ts';
process.stdout.write('ready\\n');
process.stdin.once('data', async () => {
  const lock = await acquireLock(process.argv[2]);
  process.stdout.write(JSON.stringify({ kind: lock.kind, generation: lock.generation }) + '\\n');
  process.stdin.once('data', () => process.exit());
});`;

interface Starter {
  readonly child: ChildProcess;
  readonly next: () => Promise<string>;
}

async function makeStarter(program: string, folder: string): Promise<Starter> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  assert.equal(await next(), 'ready');
  return { child, next };
}

async function held(folder: string): Promise<HeldLock> {
  const lock = await acquireLock(folder);
  assert.equal(lock.kind, 'held');
  return lock;
}

describe('acquireLock', () => {
  after(removeTempFolders);
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('is held by one, who is named to the next, until it is released', async () => {
    const folder = tempFolder();
    const first = await held(folder);
    const second = await acquireLock(folder);
    assert.equal(second.kind === 'foreign' && second.heldBy.pid, process.pid);
    assert.equal((await readLockHolder(folder))?.pid, process.pid);
    await first.release();
    assert.equal(await readLockHolder(folder), undefined);
    const third = await held(folder);
    assert.equal(third.generation, first.generation + 1);
    // A release that comes late is not somebody else's.
    await first.release();
    assert.equal((await acquireLock(folder)).kind, 'foreign');
    assert.equal(readdirSync(folder).length, 1);
  });

  it('has one winner among processes that start at once, also when they find a dead holder', async () => {
    const program = await bundleScript(SCRIPT, tempFolder());
    const folder = tempFolder();
    for (let round = 0; round < 2; round += 1) {
      const starters = await Promise.all(Array.from({ length: 4 }, () => makeStarter(program, folder)));
      children.push(...starters.map(({ child }) => child));
      for (const { child } of starters) child.stdin?.write('go\n');
      const answers = await Promise.all(starters.map(async ({ next }) => JSON.parse(await next()) as { kind: string }));
      assert.equal(answers.filter(({ kind }) => kind === 'held').length, 1, JSON.stringify(answers));
      for (const { child } of starters) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    assert.equal((await held(folder)).generation, 3);
  }).timeout(20_000);

  it('has one winner among many calls in one process, over and over', async () => {
    const folder = tempFolder();
    for (let round = 0; round < 10; round += 1) {
      const locks = await Promise.all(Array.from({ length: 8 }, () => acquireLock(folder)));
      const winners = locks.filter((lock) => lock.kind === 'held');
      assert.equal(winners.length, 1);
      await winners[0]?.release();
    }
  });

  const change = (folder: string, fields: Record<string, unknown>) => {
    const path = join(folder, readdirSync(folder)[0] ?? '');
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }));
  };
  const takeovers: [string, Record<string, unknown>, string][] = [
    ['takes over when the number belongs to a process that started at another time', { startTime: '1' }, 'held'],
    ['takes over after a restart of the machine', { bootId: 'another' }, 'held'],
    ['leaves alone what another host holds', { host: `not-${hostname()}` }, 'foreign'],
  ];
  for (const [name, fields, kind] of takeovers) {
    it(name, async () => {
      const folder = tempFolder();
      await held(folder);
      change(folder, fields);
      assert.equal((await acquireLock(folder)).kind, kind);
    });
  }

  it('takes over from a file that says nothing', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'lock.7'), '{');
    assert.equal((await held(folder)).generation, 8);
  });
});

// The code that V8 made of a program is kept from one start to the next, and only what is whole and ours is run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLI, environmentOf } from '../support/programs.ts';

describe('starting a program', () => {
  let cache = '';
  let folder = '';

  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'signalbox-launch-'));
    folder = join(cache, 'signalbox', 'code');
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  function start(): void {
    const env = { ...environmentOf(cache), XDG_CACHE_HOME: cache };
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, '--version'], { env, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '0.1.0\n', '']);
  }

  function kept(): { path: string; bytes: Buffer; inode: number } {
    const [name = '', ...more] = readdirSync(folder);
    assert.deepEqual(more, []);
    assert.match(name, /^cli\.main-[0-9a-f]{16}-.*\.code$/);
    const path = join(folder, name);
    return { path, bytes: readFileSync(path), inode: statSync(path).ino };
  }

  it('keeps the code for this user alone, and takes it at the next start', () => {
    start();
    const first = kept();
    assert.deepEqual([statSync(folder).mode & 0o777, statSync(first.path).mode & 0o777], [0o700, 0o600]);
    start();
    assert.equal(kept().inode, first.inode, 'it was made anew, so it was not taken');
  });

  it('makes it anew when it is not whole', () => {
    start();
    const { path, bytes, inode } = kept();
    truncateSync(path, bytes.length - 100);
    start();
    assert.notEqual(kept().inode, inode);
    const changed = Buffer.from(kept().bytes);
    changed[1_000] = (changed[1_000] ?? 0) ^ 1;
    writeFileSync(path, changed);
    start();
    assert.notDeepEqual(kept().bytes, changed);
  });

  it('neither takes nor keeps anything where others can write, or where a link leads', () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    start();
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true });
    mkdirSync(join(cache, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(cache, 'elsewhere'), folder);
    start();
    assert.deepEqual(readdirSync(join(cache, 'elsewhere')), []);
  });

  it('starts where nothing can be kept', () => {
    mkdirSync(join(cache, 'signalbox'));
    writeFileSync(folder, 'a file in the way');
    start();
    assert.equal(readFileSync(folder, 'utf8'), 'a file in the way');
  });

  it('keeps a bounded number of versions', () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let n = 0; n < 30; n++) writeFileSync(join(folder, `cli.main-${n}.code`), 'old');
    start();
    assert.equal(readdirSync(folder).length, 24);
  });
});

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Low } from 'lowdb';
import * as z from 'zod';
import { AtomicJsonAdapter, writeFileAtomic } from '../../../daemon/platform/atomic.ts';
import { removeTempFolders, tempFolder } from '../../support/repos.ts';

const Settings = z.object({ count: z.number() });

describe('writeFileAtomic', () => {
  after(removeTempFolders);

  it('replaces a file, sets its mode and leaves nothing else behind', async () => {
    const folder = tempFolder();
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    await writeFileAtomic(path, 'new', { mode: 0o640 });
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(folder), ['file']);
  });

  it('keeps what is there when it fails, and cleans up', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'taken'));
    await assert.rejects(writeFileAtomic(join(folder, 'taken'), 'new'));
    assert.deepEqual(readdirSync(folder), ['taken']);
    assert.equal(statSync(join(folder, 'taken')).isDirectory(), true);
  });

  it('lets many writers at once leave one whole content', async () => {
    const folder = tempFolder();
    const path = join(folder, 'file');
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000));
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
    assert.equal(contents.includes(readFileSync(path, 'utf8')), true);
    assert.deepEqual(readdirSync(folder), ['file']);
  });
});

describe('AtomicJsonAdapter', () => {
  after(removeTempFolders);
  const adapterAt = (path: string) => new AtomicJsonAdapter(path, (value) => Settings.parse(value));

  it('carries a lowdb database over a restart', async () => {
    const path = join(tempFolder(), 'db.json');
    const first = new Low(adapterAt(path), { count: 0 });
    await first.read();
    assert.deepEqual(first.data, { count: 0 });
    await first.update((data) => {
      data.count = 7;
    });
    const second = new Low(adapterAt(path), { count: 0 });
    await second.read();
    assert.deepEqual(second.data, { count: 7 });
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('stores the last of many writes, as the value was when it was given', async () => {
    const path = join(tempFolder(), 'db.json');
    const adapter = adapterAt(path);
    const value = { count: 0 };
    const writes = [];
    for (value.count = 1; value.count < 30; value.count += 1) writes.push(adapter.write(value));
    await Promise.all(writes);
    assert.deepEqual(await adapter.read(), { count: 29 });
  });

  it('throws for a file that is not what it should be', async () => {
    const path = join(tempFolder(), 'db.json');
    writeFileSync(path, '{"count":');
    await assert.rejects(adapterAt(path).read(), SyntaxError);
    writeFileSync(path, '{"count":"x"}');
    await assert.rejects(adapterAt(path).read(), z.ZodError);
  });

  it('goes on after a write that failed', async () => {
    const folder = join(tempFolder(), 'sub');
    const adapter = adapterAt(join(folder, 'db.json'));
    await assert.rejects(adapter.write({ count: 1 }));
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    await adapter.write({ count: 2 });
    assert.deepEqual(await adapter.read(), { count: 2 });
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collect, journalContract, sampleCommit, sampleCommits, taken } from '../../contracts/journal.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { encodeBatch } from '../../../daemon/journal/format.ts';
import { JournalDamaged } from '../../../daemon/journal/port.ts';
import { FaultDisk } from './fault-disk.ts';

const NOW = '2026-01-02T03:04:05.678Z';

journalContract('files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-journal-'));
  return {
    open: async () => (await openJournal({ dir, installation: 'test', now: NOW })).journal,
    remove: () => rm(dir, { recursive: true }),
  };
});

journalContract('files, a segment for almost every batch', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-journal-'));
  return {
    open: async () => (await openJournal({ dir, installation: 'test', now: NOW, segmentBytes: 1_000 })).journal,
    remove: () => rm(dir, { recursive: true }),
  };
});

journalContract('the disk of the fault tests', async () => {
  const disk = new FaultDisk();
  return { open: async () => (await openJournal({ dir: '/state', installation: 'test', now: NOW, disk })).journal, remove: async () => {} };
});

describe('journal files', () => {
  let dir: string;
  const open = (segmentBytes?: number, installation = 'test') =>
    openJournal({ dir, installation, now: NOW, ...(segmentBytes === undefined ? {} : { segmentBytes }) });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-journal-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('has lines that a few lines of any language can verify', async () => {
    const { journal } = await open();
    taken(await journal.append(0, sampleCommits(1, 2)));
    taken(await journal.append(2, sampleCommits(3, 3)));
    await journal.close();
    const lines = (await readFile(join(dir, 'journal', '0000000000000001.ndjson'), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(Object.keys(JSON.parse(lines[0] ?? '') as object), ['signalbox', 'format', 'first', 'prev', 'installation', 'crc']);
    assert.deepEqual(
      lines.map((line) => Object.keys(JSON.parse(line) as object)[0]),
      ['signalbox', 'batch', 'seq', 'seq', 'batch', 'seq'],
    );
    let prev = '0'.repeat(64);
    for (const line of lines.filter((one) => one.startsWith('{"seq"'))) {
      const [start = '', end = ''] = line.split(/,"hash":(?="[0-9a-f]{64}"\}$)/);
      assert.equal(end, `"${createHash('sha256').update(start).digest('hex')}"}`);
      assert.equal((JSON.parse(line) as { prev: string }).prev, prev);
      prev = (JSON.parse(line) as { hash: string }).hash;
    }
  });

  it('begins a new segment by size, at the end of a batch, and links it', async () => {
    const { journal } = await open(2_000);
    for (let seq = 0; seq < 40; seq += 4) taken(await journal.append(seq, sampleCommits(seq + 1, seq + 4)));
    await journal.close();
    const names = (await readdir(join(dir, 'journal'))).sort();
    assert.ok(names.length > 3, names.join());
    for (const name of names) {
      const [header] = (await readFile(join(dir, 'journal', name), 'utf8')).split('\n');
      assert.equal((JSON.parse(header ?? '') as { first: number }).first, Number(name.slice(0, 16)));
    }
    const again = await open(2_000);
    assert.deepEqual(
      (await collect(again.journal.read(1))).map(({ seq }) => seq),
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
    await again.journal.close();
  });

  it('keeps its files to their owner', async () => {
    const { journal } = await open();
    await journal.close();
    if (process.platform === 'win32') return;
    assert.equal((await stat(join(dir, 'journal'))).mode & 0o777, 0o700);
    assert.equal((await stat(join(dir, 'journal', '0000000000000001.ndjson'))).mode & 0o777, 0o600);
  });

  it('sets an unfinished end aside, byte for byte, and says so', async () => {
    const { journal } = await open();
    taken(await journal.append(0, sampleCommits(1, 2)));
    await journal.close();
    const path = join(dir, 'journal', '0000000000000001.ndjson');
    const whole = await readFile(path);
    const rest = '{"batch":2,"bytes":600,"crc":"0badcafe"}\n{"seq":3,"at":';
    await appendFile(path, rest);
    const again = await open();
    assert.deepEqual(again.setAside, {
      bytes: rest.length,
      from: path,
      file: join(dir, 'journal', 'set-aside', '2026-01-02T030405.678Z-0000000000000001.tail'),
    });
    assert.equal(await readFile(again.setAside?.file ?? '', 'utf8'), rest);
    assert.deepEqual(await readFile(path), whole);
    taken(await again.journal.append(2, [sampleCommit(3)]));
    await again.journal.close();
    await appendFile(path, rest);
    const third = await open();
    assert.match(third.setAside?.file ?? '', /\.1\.tail$/, 'the second tail of the same moment does not replace the first');
    await third.journal.close();
  });

  it('refuses damage before the end, names the place and touches nothing', async () => {
    const { journal } = await open();
    for (let seq = 0; seq < 3; seq++) taken(await journal.append(seq, [sampleCommit(seq + 1)]));
    await journal.close();
    const path = join(dir, 'journal', '0000000000000001.ndjson');
    const changed = (await readFile(path, 'utf8')).replace('event 2', 'EVENT 2');
    await writeFile(path, changed);
    await assert.rejects(open(), (error) => {
      assert.ok(error instanceof JournalDamaged);
      assert.deepEqual([error.file, error.line, error.seq, error.code], [path, 4, 2, 'checksum']);
      assert.match(error.message, /journal verify/);
      return true;
    });
    assert.equal(await readFile(path, 'utf8'), changed);
  });

  it('refuses the segments of another installation', async () => {
    const { journal } = await open();
    await journal.close();
    await assert.rejects(open(undefined, 'other'), (error) => error instanceof JournalDamaged && error.code === 'installation');
  });

  it('refuses a gap between segments, wherever it is', async () => {
    const { journal } = await open(1_000);
    for (let seq = 0; seq < 12; seq++) taken(await journal.append(seq, [sampleCommit(seq + 1)]));
    await journal.close();
    const names = (await readdir(join(dir, 'journal'))).sort();
    for (const name of names.slice(0, -1)) {
      const path = join(dir, 'journal', name);
      const bytes = await readFile(path);
      await rm(path);
      await assert.rejects(open(1_000), (error) => error instanceof JournalDamaged && error.code === 'missing_segment', name);
      await writeFile(path, bytes.subarray(0, bytes.length - 30));
      await assert.rejects(open(1_000), (error) => error instanceof JournalDamaged && error.code === 'cut_off', name);
      await writeFile(path, bytes);
    }
    await (await open(1_000)).journal.close();
  });

  it('finds a changed commit in a sealed segment when it is read', async () => {
    const { journal } = await open(1_000);
    for (let seq = 0; seq < 12; seq++) taken(await journal.append(seq, [sampleCommit(seq + 1)]));
    await journal.close();
    const path = join(dir, 'journal', '0000000000000001.ndjson');
    await writeFile(path, (await readFile(path, 'utf8')).replace('event 1', 'EVENT 1'));
    const again = await open(1_000);
    await assert.rejects(
      collect(again.journal.read(1)),
      (error) => error instanceof JournalDamaged && error.file === path && error.line === 2,
    );
    await again.journal.close();
  });

  it('finds a commit that somebody changed with care: a checksum made anew, or the hash too', async () => {
    const { journal } = await open(1_000);
    for (let seq = 0; seq < 12; seq++) taken(await journal.append(seq, [sampleCommit(seq + 1)]));
    await journal.close();
    const names = (await readdir(join(dir, 'journal'))).sort();
    const sealed = join(dir, 'journal', names[1] ?? '');
    const last = join(dir, 'journal', names[names.length - 1] ?? '');
    const damaged = (path: string, code: string) => (error: unknown) =>
      error instanceof JournalDamaged && error.file === path && error.code === code;

    await forge(last, { which: 0, rehash: false }, () => assert.rejects(open(1_000), damaged(last, 'changed')));
    await forge(last, { which: 0, rehash: true }, () => assert.rejects(open(1_000), damaged(last, 'chain')));
    await forge(sealed, { which: -1, rehash: true }, () =>
      assert.rejects(open(1_000), damaged(join(dir, 'journal', names[2] ?? ''), 'chain')),
    );
    for (const [rehash, code] of [
      [false, 'changed'],
      [true, 'chain'],
    ] as const) {
      await forge(sealed, { which: 0, rehash }, async () => {
        const again = await open(1_000);
        await assert.rejects(collect(again.journal.read(1)), damaged(sealed, code));
        await again.journal.close();
      });
    }
    const again = await open(1_000);
    assert.equal((await collect(again.journal.read(1))).length, 12);
    await again.journal.close();
  });
});

/** Changes one commit of a segment, with frames that fit, for as long as `during` takes. */
async function forge(path: string, { which, rehash }: { which: number; rehash: boolean }, during: () => Promise<unknown>): Promise<void> {
  const original = await readFile(path, 'utf8');
  const [header = '', ...lines] = original.trimEnd().split('\n');
  const commits = lines.filter((line) => line.startsWith('{"seq"'));
  const at = which < 0 ? commits.length + which : which;
  const start = (commits[at] ?? '').split(',"hash":')[0]?.replace('"forbidden"', '"forgiven!"') ?? '';
  const hash = rehash ? createHash('sha256').update(start).digest('hex') : (JSON.parse(commits[at] ?? '') as { hash: string }).hash;
  const forged = commits.with(at, `${start},"hash":"${hash}"}`);
  await writeFile(path, Buffer.concat([Buffer.from(`${header}\n`), ...forged.map((line) => encodeBatch([line]))]));
  await during();
  await writeFile(path, original);
}

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '../../../daemon/store/errors.ts';
import { openSpoolStore, type SpoolStore } from '../../../daemon/store/spools.ts';

/** Masks what looks like `s3cr3t-` and digits; quick, and easy to look for. */
const redact = async (text: string): Promise<string> => text.replaceAll(/s3cr3t-\d+/g, '***');

describe('spools', () => {
  let dir: string;
  let spools: SpoolStore;
  const textOf = (attempt: string) => readFile(join(dir, 'spools', `${attempt}.log`), 'utf8');

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
    spools = await openSpoolStore(dir, { redact });
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('keep what was printed, both streams in the order of their lines', async () => {
    const spool = await spools.open('attempt-1');
    spool.write('stdout', 'one\ntw');
    spool.write('stderr', 'error é\u{1F600}\n');
    spool.write('stdout', 'o\nno newline');
    const { bytes, dropped } = await spool.close();
    assert.equal(await textOf('attempt-1'), 'one\nerror é\u{1F600}\ntwo\nno newline');
    assert.deepEqual([bytes, dropped], [Buffer.byteLength(await textOf('attempt-1')), 0]);
    assert.deepEqual(await spool.close(), { bytes, dropped }, 'closing twice says the same');
  });

  it('are read while they are written, and after', async () => {
    const spool = await spools.open('a');
    assert.deepEqual(await spools.readPiece('a', 0, 100), { text: '', next: 0, ended: false, dropped: 0 });
    spool.write('stdout', 'first\nsecond\nunfin');
    await spool.drained();
    const piece = await spools.readPiece('a', 0, 100);
    assert.deepEqual(piece, { text: 'first\nsecond\n', next: 13, ended: false, dropped: 0 });
    spool.write('stdout', 'ished\n');
    await spool.close();
    assert.deepEqual(await spools.readPiece('a', piece.next, 100), { text: 'unfinished\n', next: 24, ended: true, dropped: 0 });
    const later = await openSpoolStore(dir, { redact });
    assert.deepEqual(await later.readPiece('a', 20, 100), { text: 'hed\n', next: 24, ended: true, dropped: 0 });
    assert.deepEqual(await later.readPiece('a', 99, 100), { text: '', next: 24, ended: true, dropped: 0 });
  });

  it('are read in whole characters at any size of piece', async () => {
    const text = `${'aé\u20ac\u{1F600}'.repeat(20)}\n`;
    const spool = await spools.open('a');
    spool.write('stdout', text);
    await spool.close();
    for (const limit of [1, 4, 5, 7, 64]) {
      let read = '';
      for (let piece = await spools.readPiece('a', 0, limit); ; piece = await spools.readPiece('a', piece.next, limit)) {
        read += piece.text;
        if (piece.ended) break;
      }
      assert.equal(read, text);
    }
  });

  it('never show a secret, wherever output was cut into pieces', async () => {
    const line = 'before s3cr3t-12345 after\n';
    for (let cut = 1; cut < line.length; cut++) {
      const spool = await spools.open(`cut-${cut}`);
      spool.write('stdout', line.slice(0, cut));
      await spool.drained();
      spool.write('stderr', 'other\n');
      await spool.drained();
      assert.ok(!(await textOf(`cut-${cut}`)).includes('s3cr3t'));
      spool.write('stdout', line.slice(cut));
      await spool.close();
      assert.equal(await textOf(`cut-${cut}`), 'other\nbefore *** after\n');
    }
  });

  it('never show a secret of a line that is longer than what is held', async () => {
    for (const before of [0, 20_000, 28_660, 28_672, 30_000, 32_760, 65_530, 100_000]) {
      const spool = await spools.open(`long-${before}`);
      const line = `${'x'.repeat(before)}s3cr3t-123456789012345${'y'.repeat(50_000)}`;
      for (let at = 0; at < line.length; at += 1_000) {
        spool.write('stdout', line.slice(at, at + 1_000));
        if (at % 7_000 === 0) await spool.drained();
      }
      await spool.close();
      assert.equal(await textOf(`long-${before}`), `${'x'.repeat(before)}***${'y'.repeat(50_000)}`);
    }
  });

  it('never show a private key, though it comes line by line, or never ends', async () => {
    const real = await openSpoolStore(dir);
    const body = Array.from({ length: 30 }, (_, index) => `QUJD${String(index).padStart(4, '0')}${'Abcd'.repeat(14)}`);
    const begin = `-----BEGIN RSA ${'PRIVATE'} KEY-----`;
    for (const [attempt, lines] of [
      ['whole', ['start', begin, ...body, begin.replace('BEGIN', 'END'), 'stop']],
      ['endless', ['start', begin, ...body]],
    ] as const) {
      const spool = await real.open(attempt);
      for (const line of lines) {
        spool.write('stdout', `${line}\n`);
        spool.write('stderr', 'noise\n');
        await spool.drained();
        assert.ok(!(await textOf(attempt)).includes('QUJD'));
      }
      await spool.close();
      const text = await textOf(attempt);
      assert.ok(!text.includes('QUJD') && text.includes('***') && text.startsWith('start\nnoise\n'), text);
      assert.equal(text.includes('stop\n'), attempt === 'whole');
    }
  });

  it('keep what fits, count the rest, and say so in the last line', async () => {
    const small = await openSpoolStore(dir, { redact, limit: 100 });
    const spool = await small.open('a');
    spool.write('stdout', `${'é'.repeat(45)}\n`);
    spool.write('stdout', `${'é'.repeat(10)}\n`);
    spool.write('stderr', 'more\n');
    await spool.drained();
    assert.equal((await small.readPiece('a', 0, 10)).dropped, 18);
    const { bytes, dropped } = await spool.close();
    const text = await textOf('a');
    assert.equal(
      text,
      `${'é'.repeat(45)}\n${'é'.repeat(4)}\n[signalbox: 18 more bytes of output were over the limit of 100 bytes and are not kept]\n`,
    );
    assert.deepEqual([bytes, dropped], [Buffer.byteLength(text), 18]);
    assert.equal((await (await openSpoolStore(dir, { redact })).readPiece('a', 0, 10)).dropped, 18, 'known after a restart');
  });

  it('stay within the limit when masks are longer than secrets', async () => {
    const small = await openSpoolStore(dir, { redact: async (text) => text.replaceAll('x', 'xxxxxxxxxx'), limit: 100 });
    const spool = await small.open('a');
    spool.write('stdout', `${'x'.repeat(50)}\n`);
    const { dropped } = await spool.close();
    assert.equal((await textOf('a')).indexOf('\n'), 100);
    assert.equal(dropped, 401);
  });

  it('drop output that cannot be redacted, and never show it', async () => {
    const broken = await openSpoolStore(dir, { redact: () => Promise.reject(new Error('no')) });
    const spool = await broken.open('a');
    spool.write('stdout', 'secret\n');
    await spool.drained();
    spool.write('stdout', 'later\n');
    const { dropped, failure } = await spool.close();
    assert.deepEqual([dropped, failure], [13, 'REDACTION']);
    assert.ok(!(await textOf('a')).includes('secret'));
  });

  it('ask for patience when much is waiting', async () => {
    const spool = await spools.open('a');
    assert.equal(spool.write('stdout', 'x\n'), true);
    assert.equal(spool.write('stdout', 'x\n'.repeat(1_000_000)), false);
    await spool.drained();
    assert.equal(spool.write('stdout', 'x\n'), true);
    assert.equal((await spool.close()).bytes, 2_000_004);
  });

  it('have names that lead nowhere else, and one owner', async () => {
    for (const id of ['', '.', '..', '../a', 'a/b', 'a\\b', 'a\0', '-a', 'a.', 'x'.repeat(129), 'a\n']) {
      const refused = (error: unknown) => error instanceof StoreError && error.code === 'invalid_id';
      await assert.rejects(spools.open(id), refused, id);
      await assert.rejects(spools.readPiece(id, 0, 10), refused, id);
    }
    const spool = await spools.open('a');
    await assert.rejects(spools.open('a'), (error) => error instanceof StoreError && error.code === 'spool_exists');
    await spool.close();
    assert.deepEqual(await readdir(join(dir, 'spools')), ['a.log']);
  });
});

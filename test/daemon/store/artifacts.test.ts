import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_ARTIFACT_BYTES, openArtifactStore, type ArtifactStore } from '../../../daemon/store/artifacts.ts';
import { StoreError, type StoreErrorCode } from '../../../daemon/store/errors.ts';

const refused = (code: StoreErrorCode) => (error: unknown) => error instanceof StoreError && error.code === code;

describe('artifacts', () => {
  let dir: string;
  let store: ArtifactStore;
  const pathOf = (digest: string) => join(dir, 'artifacts', digest.slice(0, 2), digest);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
    store = await openArtifactStore(dir);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('are found under the hash of their content', async () => {
    const content = Buffer.from([0, 255, 10, 128, 7]);
    const { digest, size } = await store.putArtifact(content);
    assert.equal(digest, createHash('sha256').update(content).digest('hex'));
    assert.equal(size, 5);
    assert.deepEqual(await readFile(pathOf(digest)), content);
    assert.deepEqual((await store.readArtifact(digest)).bytes, content);
    assert.deepEqual(await store.statArtifact(digest), { digest, size });
    const again = await openArtifactStore(dir);
    assert.deepEqual((await again.readArtifact(digest)).bytes, content);
  });

  it('may be empty, and may be put many times at once', async () => {
    const empty = await store.putArtifact('');
    assert.deepEqual(await store.readArtifact(empty.digest), { bytes: Buffer.alloc(0), size: 0 });
    const all = await Promise.all(Array.from({ length: 20 }, () => store.putArtifact('the same')));
    assert.equal(new Set(all.map(({ digest }) => digest)).size, 1);
    assert.deepEqual(await readdir(join(dir, 'artifacts', all[0]?.digest.slice(0, 2) ?? '')), [all[0]?.digest]);
  });

  it('are read in ranges', async () => {
    const { digest } = await store.putArtifact('0123456789');
    assert.deepEqual(await store.readArtifact(digest, { offset: 3, limit: 4 }), { bytes: Buffer.from('3456'), size: 10 });
    assert.deepEqual(await store.readArtifact(digest, { offset: 8, limit: 4 }), { bytes: Buffer.from('89'), size: 10 });
    assert.deepEqual(await store.readArtifact(digest, { offset: 99 }), { bytes: Buffer.alloc(0), size: 10 });
    await assert.rejects(store.readArtifact(digest, { offset: -1 }), RangeError);
  });

  it('are read as text in whole characters, at any size of piece', async () => {
    const text = 'aé\u20ac\u{1F600}'.repeat(9);
    const { digest, size } = await store.putArtifact(text);
    for (const limit of [0, 1, 4, 5, 6, 7, 1000]) {
      let read = '';
      for (let next = 0; next < size; ) {
        const piece = await store.readPiece(digest, next, limit);
        assert.ok(piece.next > next, 'it goes on');
        read += piece.text;
        next = piece.next;
      }
      assert.equal(read, text);
    }
    const binary = await store.putArtifact(Buffer.alloc(50, 0x80));
    assert.equal((await store.readPiece(binary.digest, 0, 1000)).next, 50);
  });

  it('that are missing, or named by what is no digest, are a refusal', async () => {
    for (const digest of ['a'.repeat(64), '../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(64)}\n`]) {
      await assert.rejects(store.readArtifact(digest), refused('artifact_missing'));
      await assert.rejects(store.readPiece(digest, 0, 10), refused('artifact_missing'));
      await assert.rejects(store.statArtifact(digest), refused('artifact_missing'));
    }
  });

  it('that were changed are a refusal when read whole, and put again they are healed if their size shows it', async () => {
    const { digest } = await store.putArtifact('what was stored');
    await chmod(pathOf(digest), 0o600);
    await writeFile(pathOf(digest), 'what was Stored');
    await assert.rejects(store.readArtifact(digest), refused('artifact_changed'));
    await assert.rejects(store.readText(digest), refused('artifact_changed'));
    await truncate(pathOf(digest), 3);
    await store.putArtifact('what was stored');
    assert.equal(await store.readText(digest), 'what was stored');
  });

  it('have a limit', async () => {
    await assert.rejects(store.putArtifact(Buffer.alloc(MAX_ARTIFACT_BYTES + 1)), refused('artifact_too_large'));
    await assert.rejects(store.putText('x'.repeat(MAX_ARTIFACT_BYTES + 1)), refused('artifact_too_large'));
  });

  it('of text are redacted before they are hashed', async () => {
    const secret = ['gh', 'p_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('');
    const key = `-----BEGIN ${'PRIVATE'} KEY-----\n${'QUJD'.repeat(300).replace(/.{64}/g, '$&\n')}\n-----END ${'PRIVATE'} KEY-----`;
    const filler = `${'just some words '.repeat(5)}\n`.repeat(1_000);
    const { digest, size } = await store.putText(`${filler}id=${secret}\n${key}\n${filler}`);
    const text = await store.readText(digest);
    assert.equal(Buffer.byteLength(text), size);
    assert.equal(digest, createHash('sha256').update(text).digest('hex'));
    assert.ok(!text.includes(secret) && !text.includes('QUJDQUJD'), 'no secret is left');
    assert.ok(text.startsWith(filler) && text.endsWith(filler), 'the rest is as it was');
  });
});

// Journals that earlier versions wrote, recorded by the real daemon. Every later version must replay them to the same state.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openJournal } from '../../../daemon/journal/file.ts';
import { loadState } from '../../../daemon/journal/snapshot.ts';
import { toJson } from '../../../shared/state/serialize.ts';
import { type Replayed, replayFixture } from './replay-fixture.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/journals/', import.meta.url));
const VERIFIER = fileURLToPath(new URL('../../../docs/verify_journal.py', import.meta.url));

const WHAT_TO_DO =
  'An old journal gives another state than it did when it was recorded. Users have such journals. Do not change the fixture: ' +
  'give the event whose meaning changed a new type or a new version (`v`) and keep folding the old one as before. Where the state only got a new ' +
  'member, give it the value that old events mean, and add that member to expected.json by hand.';

const names = readdirSync(FIXTURES).flatMap((version) => readdirSync(join(FIXTURES, version)).map((name) => `${version}/${name}`));

describe('journals of earlier versions', () => {
  it('are there', () => {
    assert.ok(names.length >= 4, names.join(' '));
  });

  for (const name of names) {
    const folder = join(FIXTURES, name);

    it(`${name}: the chain is sound and the state is what it was`, async () => {
      const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Replayed;
      const replayed = await replayFixture(folder);
      assert.deepEqual(replayed.head, expected.head, 'The fixture itself was changed: bring it back from git.');
      assert.deepEqual(replayed.state, expected.state, WHAT_TO_DO);
    });

    it(`${name}: a start takes it as its own`, async () => {
      const dir = await mkdtemp(join(tmpdir(), 'signalbox-old-'));
      try {
        await cp(join(folder, 'journal'), join(dir, 'journal'), { recursive: true });
        const [first = ''] = await readdir(join(dir, 'journal'));
        const installation = /"installation":"([^"]+)"/.exec(await readFile(join(dir, 'journal', first), 'utf8'))?.[1] ?? '';
        const { journal, setAside } = await openJournal({ dir, installation, now: '2026-01-02T03:04:05.678Z' });
        assert.equal(setAside, undefined);
        const { state } = await loadState(dir, journal);
        await journal.close();
        const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Replayed;
        assert.deepEqual(JSON.parse(JSON.stringify(toJson(state))), expected.state, WHAT_TO_DO);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    });

    it(`${name}: the verifier in Python agrees`, async function () {
      if (spawnSync('python3', ['--version']).status !== 0) return this.skip();
      const { head } = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Replayed;
      const { status, stdout } = spawnSync('python3', [VERIFIER, join(folder, 'journal'), `${head.seq}:${head.hash}`], {
        encoding: 'utf8',
      });
      assert.deepEqual([status, stdout], [0, `sound: head ${head.seq}:${head.hash}\n`]);
    });
  }
});

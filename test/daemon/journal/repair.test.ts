import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { repairJournal, type Repair } from '../../../daemon/journal/repair.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { DAMAGES, editSegment, goOn, makeScene, removeScenes, segmentsOf } from './scene.ts';

const NOW = '2026-02-03T04:05:06.789Z';

async function bytesOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)));
}

function lossOf(repair: Repair) {
  assert.ok(repair.kind === 'repaired' || repair.kind === 'planned', JSON.stringify(repair));
  return repair.lost;
}

describe('journal repair', () => {
  afterEach(removeScenes);

  for (const [name, { seq, make }] of Object.entries(DAMAGES)) {
    it(`cuts before ${name}, keeps the original, and a daemon goes on behind the cut`, async () => {
      const { dir, commits } = await makeScene();
      await make(dir);
      const damaged = await bytesOf(join(dir, 'journal'));
      const found = await verifyJournal(dir);
      assert.equal(found.problems[0]?.seq, seq);
      const done = await repairJournal({ dir, to: seq - 1, now: NOW });
      assert.ok(done.kind === 'repaired', JSON.stringify(done));
      assert.equal(basename(done.before), 'journal.before-2026-02-03T040506.789Z');
      const after = await verifyJournal(dir);
      assert.deepEqual([after.ok, after.commits, after.head, after.tail], [true, seq - 1, done.head, undefined]);
      const all = await goOn(dir);
      assert.deepEqual(all.slice(0, seq - 1), commits.slice(0, seq - 1));
      assert.equal(all.length, seq + 1);
      assert.equal((await verifyJournal(dir)).ok, true);
      assert.deepEqual(await bytesOf(done.before), damaged, 'the original was not left as it was');
    });
  }

  it('cuts at every commit of a sound journal, in the middle of batches too, and says what is lost', async () => {
    for (const to of [0, 1, 3, 5, 6, 7, 23]) {
      const { dir, commits } = await makeScene();
      const plan = await repairJournal({ dir, to, now: NOW, dryRun: true });
      assert.equal((await verifyJournal(dir)).commits, 24, 'a dry run changed something');
      const lost = lossOf(await repairJournal({ dir, to, now: NOW }));
      assert.deepEqual(lost, lossOf(plan));
      assert.deepEqual([lost.commits, lost.unreadable], [24 - to, 0]);
      assert.deepEqual(lost.first, { seq: to + 1, at: commits[to]?.at });
      assert.deepEqual(lost.last, { seq: 24, at: commits[23]?.at });
      assert.deepEqual(lost.events, { 'principal.refused': 24 - to });
      assert.deepEqual((await goOn(dir)).slice(0, to), commits.slice(0, to));
      assert.ok((await verifyJournal(dir)).ok);
    }
  });

  it('loses nothing where only frames or headers were damaged', async () => {
    const { dir, commits } = await makeScene();
    await editSegment(dir, 8, (text) => text.replace('{"batch":3', '{"batch":4').replace('"format":1', '"format":9'));
    const done = await repairJournal({ dir, to: 24, now: NOW });
    assert.equal(lossOf(done).commits, 0);
    assert.deepEqual((await goOn(dir)).slice(0, 24), commits);
  });

  it('refuses to keep what is not sound, or not there, and changes nothing', async () => {
    const { dir } = await makeScene();
    const absent = await repairJournal({ dir, to: 25, now: NOW });
    assert.deepEqual([absent.kind, absent.kind === 'refused' && absent.code], ['refused', 'not_there']);
    await DAMAGES['a changed line']?.make(dir);
    const before = await bytesOf(join(dir, 'journal'));
    const refused = await repairJournal({ dir, to: 8, now: NOW });
    assert.ok(refused.kind === 'refused');
    assert.deepEqual([refused.code, refused.sound.seq], ['not_sound', 7]);
    assert.deepEqual(await bytesOf(join(dir, 'journal')), before);
    assert.deepEqual(await readdir(dir), ['journal']);
  });

  it('leaves a sound journal alone', async () => {
    const { dir, head } = await makeScene();
    assert.deepEqual(await repairJournal({ dir, to: 24, now: NOW }), { kind: 'sound', head });
    assert.deepEqual(await readdir(dir), ['journal']);
  });

  it('moves snapshots of what was cut off beside the original', async () => {
    const { dir } = await makeScene();
    await mkdir(join(dir, 'snapshots'));
    for (const seq of [6, 12]) await writeFile(join(dir, 'snapshots', `${String(seq).padStart(16, '0')}.json`), '{}');
    const done = await repairJournal({ dir, to: 9, now: NOW });
    assert.ok(done.kind === 'repaired');
    assert.deepEqual(await readdir(join(dir, 'snapshots')), ['0000000000000006.json']);
    assert.deepEqual(await readdir(join(done.before, 'snapshots')), ['0000000000000012.json']);
  });

  it('does not touch the original when the journal grows behind the cut', async () => {
    const { dir } = await makeScene();
    const before = await bytesOf(join(dir, 'journal'));
    // At the end of a segment: it becomes the last, and is appended to.
    const to = Number(basename((await segmentsOf(dir))[2] ?? '', '.ndjson')) - 1;
    const done = await repairJournal({ dir, to, now: NOW });
    assert.ok(done.kind === 'repaired');
    await goOn(dir);
    await goOn(dir);
    assert.deepEqual(await bytesOf(done.before), before);
  });
});

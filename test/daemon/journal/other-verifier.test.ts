// The verifier in another language that docs/journal.md promises: it must agree with ours.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { DAMAGES, editSegment, makeScene, removeScenes, segmentsOf } from './scene.ts';

const VERIFIER = fileURLToPath(new URL('../../../docs/verify_journal.py', import.meta.url));

function runVerifier(dir: string, ...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('python3', [VERIFIER, join(dir, 'journal'), ...args], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return { status, said: stdout.trim() };
}

describe('the verifier in Python', () => {
  before(function () {
    if (spawnSync('python3', ['--version']).status !== 0) this.skip();
  });
  afterEach(removeScenes);

  it('passes a sound journal, and finds a head that was kept', async () => {
    const { dir, head, commits } = await makeScene();
    assert.deepEqual(runVerifier(dir), { status: 0, said: `sound: head ${head.seq}:${head.hash}` });
    assert.equal(runVerifier(dir, `${commits[9]?.seq}:${commits[9]?.hash}`).status, 0);
    const { status, said } = runVerifier(dir, `10:${'0'.repeat(64)}`);
    assert.equal(status, 1);
    assert.match(said, /commit 10: the given head is not in the chain/);
  });

  it('does not count an unfinished end', async () => {
    const { dir } = await makeScene();
    const last = (await segmentsOf(dir)).at(-1) ?? '';
    await writeFile(last, (await readFile(last)).subarray(0, -10));
    const { status, said } = runVerifier(dir);
    assert.equal(status, 0, said);
    assert.match(said, /^sound: head 21:/);
    const { head, tail } = await verifyJournal(dir);
    assert.equal(head.seq, 21);
    assert.ok(tail);
  });

  it('finds a missing end against a kept head', async () => {
    const { dir, head } = await makeScene();
    await rm((await segmentsOf(dir)).at(-1) ?? '');
    assert.equal(runVerifier(dir).status, 0);
    const found = await verifyJournal(dir, { expect: head });
    const { status, said } = runVerifier(dir, `${head.seq}:${head.hash}`);
    assert.equal(status, 1);
    assert.match(said, new RegExp(`commit ${found.problems[0]?.seq}:`));
  });

  const more = {
    ...DAMAGES,
    'a line of something else': {
      seq: 8,
      make: (dir: string) => editSegment(dir, 8, (text) => text.replace('\n{"seq":8,', `\n${'x'.repeat(300)}\n{"seq":8,`)),
    },
    'a changed checksum': { seq: 7, make: (dir: string) => editSegment(dir, 8, (text) => text.replace(/("bytes":\d+,"crc":")../, '$1zz')) },
  };
  for (const [name, { seq, make }] of Object.entries(more)) {
    it(`names the same commit for ${name}`, async () => {
      const { dir } = await makeScene();
      await make(dir);
      const ours = (await verifyJournal(dir)).problems[0];
      const { status, said } = runVerifier(dir);
      assert.equal(status, 1, said);
      assert.equal(Number(/commit (\d+):/.exec(said)?.[1]), ours?.seq, `${said}; ours: ${JSON.stringify(ours)}`);
      assert.equal(ours?.seq, seq);
    });
  }
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { findParent, listChangedFiles, readFileAt } from '../../../daemon/boot/changes.ts';
import type { Run } from '../../../shared/state/run.ts';
import { armRepo, commitFiles, git, makeRepo, makeTrap, removeTempFolders } from '../../support/repos.ts';

const MEBIBYTE = 1024 * 1024;
const token = ['ghp', '_', 'a1B2'.repeat(9)].join('');

describe('what a run changes', () => {
  let repo: string;
  let run: Run;
  let base: string;
  let head: string;

  before(() => {
    repo = makeRepo({ 'old.txt': 'one\n', 'gone.txt': 'two\n', 'folder/a.txt': 'a\n' });
    base = git(repo, 'rev-parse', 'HEAD');
    git(repo, 'rm', '-q', 'gone.txt');
    git(repo, 'mv', 'old.txt', 'new name.txt');
    head = commitFiles(repo, {
      'binary.dat': Buffer.from([1, 0, 2]),
      'large.txt': 'x'.repeat(MEBIBYTE + 1),
      'key.txt': `token = ${token}\n`,
    });
    const gitDir = join(repo, '.git');
    run = { id: 'r', repo, gitDir, commonDir: gitDir } as Run;
  });
  after(removeTempFolders);

  it('lists the files with their status, a rename as one', async () => {
    const { files, truncated } = await listChangedFiles(run, { base, head });
    assert.equal(truncated, false);
    const seen = Object.fromEntries(files.map(({ path, status, oldPath }) => [path, `${status} ${oldPath ?? ''}`.trim()]));
    assert.deepEqual(seen, { 'binary.dat': 'A', 'gone.txt': 'D', 'key.txt': 'A', 'large.txt': 'A', 'new name.txt': 'R old.txt' });
  });

  it('gives the patch where it is wanted, cut at a whole line, without secrets', async () => {
    const { patch } = await listChangedFiles(run, { base, head, patchBytes: 10_000 });
    assert.ok(patch?.truncated && patch.text.endsWith('\n'));
    assert.match(patch.text, /^\+token = \*\*\*$/m);
    assert.ok(!patch.text.includes(token));
    assert.equal((await listChangedFiles(run, { base, head })).patch, undefined);
  });

  it('reads each side, and says when there is none', async () => {
    assert.deepEqual(await readFileAt(run, base, 'gone.txt'), { kind: 'text', text: 'two\n', size: 4 });
    assert.deepEqual(await readFileAt(run, head, 'gone.txt'), { kind: 'absent', text: '', size: 0 });
    assert.equal((await readFileAt(run, `${git(repo, 'rev-parse', `${head}^{tree}`)}`, 'new name.txt')).text, 'one\n');
  });

  it('takes a path as it stands: no folder, no pattern, no way out', async () => {
    for (const path of ['folder', 'folder/', 'folder/*', ':(top)old.txt', '../old.txt', '*.txt']) {
      assert.equal((await readFileAt(run, head, path).catch(() => ({ kind: 'refused' }))).kind === 'text', false, path);
    }
  });

  it('gives no binary file, none that is too large, and no secret', async () => {
    assert.deepEqual(await readFileAt(run, head, 'binary.dat'), { kind: 'binary', text: '', size: 3 });
    assert.deepEqual(await readFileAt(run, head, 'large.txt'), { kind: 'too_large', text: '', size: MEBIBYTE + 1 });
    const { text } = await readFileAt(run, head, 'key.txt');
    assert.ok(!text.includes(token) && text.startsWith('token = '), text);
  });

  it('finds the parent of a commit, and refuses what has none', async () => {
    assert.equal(await findParent(run, head), base);
    await assert.rejects(findParent(run, base), { code: 'repository' });
  });

  it('runs nothing that the repository names', async () => {
    const trap = makeTrap();
    armRepo(repo, trap);
    await listChangedFiles(run, { base, head, patchBytes: 1_000 });
    await readFileAt(run, head, 'key.txt');
    assert.equal(trap.wasSprung(), false);
  });
});

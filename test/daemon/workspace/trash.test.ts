import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { emptyTrash, restoreWorktree, trashWorktree } from '../../../daemon/workspace/trash.ts';
import { createWorktree, lockWorktree, removeWorktree, unlockWorktree, type Worktree } from '../../../daemon/workspace/worktrees.ts';
import { commitFiles, git, makeRepo, removeTempFolders, tempFolder, writeFiles } from '../../support/repos.ts';
import { AT, refuses } from './scene.ts';

async function open(): Promise<{ top: string; worktree: Worktree }> {
  const top = makeRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n', '.gitignore': 'ignored\n' });
  const repo = await inspectRepo(top);
  const path = join(tempFolder('tree'), 'w');
  return { top, worktree: await createWorktree({ repo, path, branch: 'signalbox/x', base: repo.head.commit ?? '' }) };
}

describe('workspace: the trash of worktrees', () => {
  afterEach(removeTempFolders);

  it('keeps what was changed, staged, removed and untracked, and lays it out again', async () => {
    const { top, worktree } = await open();
    writeFiles(worktree.path, { 'a.txt': 'changed\n', 'staged.txt': 'staged\n', 'deep/new.txt': 'new\n', ignored: 'gone\n' });
    git(worktree.path, 'add', 'staged.txt');
    rmSync(join(worktree.path, 'b.txt'));
    const before = git(worktree.path, 'status', '--porcelain');
    const trashed = await trashWorktree(worktree, 'a1', AT);
    assert.equal(existsSync(worktree.path), false);
    assert.deepEqual([trashed.branch, trashed.head], ['signalbox/x', worktree.head]);
    assert.equal(git(top, 'worktree', 'list').split('\n').length, 1);
    git(top, 'gc', '--quiet', '--prune=now');

    const restored = await restoreWorktree({ repo: await inspectRepo(top), path: worktree.path, name: 'a1' }, trashed);
    assert.equal(restored.branch, 'signalbox/x');
    assert.equal(readFileSync(join(worktree.path, 'deep/new.txt'), 'utf8'), 'new\n');
    assert.deepEqual(git(worktree.path, 'status', '--porcelain').split('\n').toSorted(), [
      ' D b.txt',
      ' M a.txt',
      '?? deep/',
      '?? staged.txt',
    ]);
    assert.match(before, /A {2}staged.txt/);
    assert.equal(git(top, 'for-each-ref', 'refs/signalbox'), '', 'the trash is empty again');
  });

  it('restores onto a branch of another name when the old one has moved on', async () => {
    const { top, worktree } = await open();
    writeFiles(worktree.path, { 'a.txt': 'changed\n' });
    const trashed = await trashWorktree(worktree, 'attempt-1234', AT);
    git(top, 'update-ref', 'refs/heads/signalbox/x', commitFiles(top, { 'later.txt': 'later\n' }));
    const restored = await restoreWorktree({ repo: await inspectRepo(top), path: worktree.path, name: 'attempt-1234' }, trashed);
    assert.equal(restored.branch, 'signalbox/x-mpt-1234');
    assert.equal(git(worktree.path, 'status', '--porcelain'), ' M a.txt');
  });

  it('refuses what it could not keep, and touches nothing', async () => {
    const { top, worktree } = await open();
    git(worktree.path, 'init', '--quiet', 'inner');
    commitFiles(join(worktree.path, 'inner'), { 'x.txt': 'x\n' });
    await refuses(trashWorktree(worktree, 'a1', AT), 'worktree_dirty');
    assert.ok(existsSync(join(worktree.path, 'inner/x.txt')));
    assert.equal(git(top, 'for-each-ref', 'refs/signalbox'), '');
  });

  it('can be emptied, and says when there is nothing to restore', async () => {
    const { top, worktree } = await open();
    writeFiles(worktree.path, { 'a.txt': 'changed\n' });
    const trashed = await trashWorktree(worktree, 'a1', AT);
    const repo = await inspectRepo(top);
    await emptyTrash(repo, 'a1');
    await emptyTrash(repo, 'a1');
    await refuses(restoreWorktree({ repo, path: worktree.path, name: 'a1' }, trashed), 'commit_missing');
  });

  it('locks are for git and for us; only our own are taken away', async () => {
    const { top, worktree } = await open();
    await lockWorktree(worktree, 'used by attempt 1');
    assert.match(git(top, 'worktree', 'list', '--porcelain'), /locked signalbox: used by attempt 1/);
    await refuses(removeWorktree({ repo: worktree, path: worktree.path }), 'worktree_locked');
    await unlockWorktree(worktree);
    git(top, 'worktree', 'lock', '--reason', 'mine', worktree.path);
    await unlockWorktree(worktree);
    await refuses(removeWorktree({ repo: worktree, path: worktree.path }), 'worktree_locked');
  });
});

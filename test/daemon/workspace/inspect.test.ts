import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { branchRef, inspectRepo } from '../../../daemon/workspace/inspect.ts';
import type { WorkspaceError } from '../../../daemon/workspace/workspace-error.ts';
import {
  armRepo,
  commitFiles,
  git,
  HOSTILE_ATTRIBUTES,
  makeRepo,
  makeTrap,
  removeTempFolders,
  tempFolder,
  writeFiles,
} from '../../support/repos.ts';

const refuses = (promise: Promise<unknown>, code: string) => assert.rejects(promise, (error: WorkspaceError) => error.code === code);

describe('inspectRepo', () => {
  after(removeTempFolders);

  it('describes a clean repository, from any folder in it, from its .git and through a link', async () => {
    const repo = makeRepo({ 'd/e/f': 'x' });
    const link = join(tempFolder(), 'link');
    symlinkSync(repo, link);
    for (const path of [repo, join(repo, 'd/e'), join(repo, '.git'), link]) {
      const info = await inspectRepo(path);
      assert.equal(info.path, repo);
      assert.equal(info.gitDir, join(repo, '.git'));
      assert.deepEqual(
        [info.bare, info.linkedWorktree, info.head.branch, info.dirty, info.submodules],
        [false, false, 'main', { changed: 0, untracked: 0 }, []],
      );
      assert.equal(info.head.commit, git(repo, 'rev-parse', 'HEAD'));
    }
  });

  it('counts what is changed and what is untracked, without what is ignored', async () => {
    const repo = makeRepo({ a: '1', b: '1', c: '1', '.gitignore': 'ignored\n' });
    writeFiles(repo, { a: '2', b: '2', ignored: 'x', 'new\nline': 'x', '-dash': 'x', 'folder/1': 'x', 'folder/2': 'x' });
    git(repo, 'add', 'a');
    rmSync(join(repo, 'c'));
    assert.deepEqual((await inspectRepo(repo)).dirty, { changed: 3, untracked: 3 });
  });

  it('describes an empty repository', async () => {
    const repo = join(tempFolder(), 'empty');
    mkdirSync(repo);
    git(repo, 'init', '--quiet');
    const { head, dirty } = await inspectRepo(repo);
    assert.deepEqual([head, dirty], [{ branch: 'main' }, { changed: 0, untracked: 0 }]);
  });

  it('describes a bare repository', async () => {
    const bare = join(tempFolder(), 'bare.git');
    git(tempFolder(), 'clone', '--quiet', '--bare', makeRepo(), bare);
    const info = await inspectRepo(bare);
    assert.deepEqual([info.bare, info.path, info.gitDir, info.where.workTree], [true, bare, bare, undefined]);
  });

  it('describes a detached HEAD', async () => {
    const repo = makeRepo();
    git(repo, 'checkout', '--quiet', '--detach');
    assert.deepEqual((await inspectRepo(repo)).head, { commit: git(repo, 'rev-parse', 'HEAD') });
  });

  it('describes a linked worktree', async () => {
    const repo = makeRepo();
    const linked = join(tempFolder(), 'linked');
    git(repo, 'worktree', 'add', '--quiet', '-b', 'side', linked);
    const info = await inspectRepo(linked);
    assert.deepEqual([info.linkedWorktree, info.path, info.commonDir, info.head.branch], [true, linked, join(repo, '.git'), 'side']);
  });

  it('names submodules without looking into them, and describes one that is asked for', async () => {
    const inner = makeRepo({ 'inner.txt': 'x' });
    const repo = makeRepo();
    git(repo, 'submodule', '--quiet', 'add', inner, 'libs/inner');
    commitFiles(repo, {}, 'submodule');
    const sub = join(repo, 'libs/inner');
    const trap = makeTrap();
    armRepo(sub, trap);
    rmSync(trap.marker, { force: true });
    writeFiles(sub, { 'inner.txt': 'changed' });
    const info = await inspectRepo(repo);
    assert.deepEqual([info.submodules, info.dirty], [['libs/inner'], { changed: 0, untracked: 0 }]);
    const below = await inspectRepo(sub);
    assert.deepEqual(
      [below.path, below.gitDir, below.linkedWorktree, below.dirty.changed],
      [sub, join(repo, '.git/modules/libs/inner'), false, 1],
    );
    assert.equal(trap.wasSprung(), false);
  });

  it('executes nothing of a hostile repository', async () => {
    const repo = makeRepo({ 'a.txt': '1', '.gitattributes': HOSTILE_ATTRIBUTES });
    const trap = makeTrap();
    armRepo(repo, trap);
    rmSync(trap.marker, { force: true });
    git(repo, 'config', 'core.worktree', '/');
    writeFiles(repo, { 'a.txt': '2' });
    const info = await inspectRepo(repo);
    assert.deepEqual([info.path, info.dirty.changed], [repo, 1]);
    assert.equal(trap.wasSprung(), false);
  });

  it('refuses what is not there, not a folder, not a repository, or not readable', async () => {
    const folder = tempFolder();
    await refuses(inspectRepo(join(folder, 'missing')), 'path_missing');
    writeFiles(folder, { file: 'x', 'linked/.git': 'gitdir: /nonexistent\n', 'odd/.git': 'something\n' });
    await refuses(inspectRepo(join(folder, 'file')), 'path_missing');
    await refuses(inspectRepo(folder), 'not_a_repository');
    await refuses(inspectRepo(join(folder, 'linked')), 'not_a_repository');
    await refuses(inspectRepo(join(folder, 'odd')), 'not_a_repository');
    const broken = makeRepo();
    writeFileSync(join(broken, '.git', 'config'), '[core\n');
    await refuses(inspectRepo(broken), 'repository_unreadable');
  });

  it('does not follow a .git file that leads to the worktree of somebody else', async () => {
    const other = makeRepo();
    const linked = join(tempFolder(), 'linked');
    git(other, 'worktree', 'add', '--quiet', '-b', 'side', linked);
    const folder = tempFolder();
    writeFiles(folder, { '.git': `gitdir: ${other}/.git/worktrees/linked\n` });
    await refuses(inspectRepo(folder), 'worktree_tampered');
  });
});

describe('branchRef', () => {
  after(removeTempFolders);

  it('accepts what git accepts as a branch and nothing else', async () => {
    const repo = makeRepo();
    git(repo, 'checkout', '--quiet', '-b', 'other');
    const place = await inspectRepo(repo);
    for (const name of ['signalbox/run-1/ü', 'a', '_a/b-1.2_x', 'a.b/c.d', 'a./b', 'HEAD/a', 'a.lockx', '#1', 'a@b'])
      assert.equal(await branchRef(place, name), `refs/heads/${name}`);
    const plain = ['a..b', 'a.lock', 'a.lock/b', 'a/b.lock', 'HEAD', 'a/', 'a//b', 'a/.b', '.a', 'a.', 'a/b.'];
    for (const name of ['', '-x', '--help', 'a b', '@{-1}', 'a\nb', '/a', 'a~1', ...plain])
      await refuses(branchRef(place, name), 'branch_name_invalid');
  });
});

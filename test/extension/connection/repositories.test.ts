import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findRepositories, readBranches } from '../../../extension/connection/repositories.ts';
import { commitFiles, git, makeRepo, removeTempFolders, tempFolder } from '../../support/repos.ts';

describe('the repositories of a workspace', () => {
  after(removeTempFolders);

  it('are the real top levels of the folders, each once', async () => {
    const repo = makeRepo({ 'a/b/c.txt': 'x' });
    const outside = tempFolder('outside');
    symlinkSync(join(repo, 'a'), join(outside, 'link'));
    assert.deepEqual(await findRepositories([join(repo, 'a/b'), repo, join(outside, 'link'), outside, '/nonexistent/folder']), [repo]);
    assert.equal(git(join(repo, 'a/b'), 'rev-parse', '--show-toplevel'), repo);
  });

  it('have branches, also packed ones, in folders, and in linked worktrees', async () => {
    const repo = makeRepo();
    git(repo, 'branch', 'feature/one');
    git(repo, 'pack-refs', '--all');
    git(repo, 'branch', 'two');
    assert.deepEqual(await readBranches(repo), { current: 'main', all: ['feature/one', 'main', 'two'] });
    const linked = join(tempFolder('linked'), 'tree');
    git(repo, 'worktree', 'add', '-q', '-b', 'three', linked);
    assert.deepEqual(await findRepositories([linked]), [linked]);
    assert.deepEqual(await readBranches(linked), { current: 'three', all: ['feature/one', 'main', 'three', 'two'] });
  });

  it('have no current branch while HEAD is detached, and none at all before the first commit', async () => {
    const repo = makeRepo();
    git(repo, 'checkout', '-q', commitFiles(repo, { b: 'b' }));
    assert.deepEqual(await readBranches(repo), { all: ['main'] });
    const empty = tempFolder('empty');
    mkdirSync(join(empty, 'sub'));
    git(empty, 'init', '-q');
    assert.deepEqual(await findRepositories([join(empty, 'sub')]), [empty]);
    assert.deepEqual(await readBranches(empty), { current: 'main', all: [] });
  });
});

import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitWorktree } from '../../../daemon/workspace/commit.ts';
import { inspectRepo, type RepoInfo } from '../../../daemon/workspace/inspect.ts';
import type { WorkspaceError } from '../../../daemon/workspace/workspace-error.ts';
import { createWorktree, findWorktree, removeWorktree } from '../../../daemon/workspace/worktrees.ts';
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

const refuses = (promise: Promise<unknown>, code: string, look: (error: WorkspaceError) => void = () => {}) =>
  assert.rejects(promise, (error: WorkspaceError) => {
    assert.equal(error.code, code, error.message);
    look(error);
    return true;
  });

async function setUp(files: Record<string, string> = { 'a.txt': 'a\n', 'd/b.txt': 'b\n', '.gitignore': 'ignored\n' }) {
  const top = makeRepo(files);
  const repo: RepoInfo = await inspectRepo(top);
  const path = join(tempFolder(), 'attempt-1');
  const request = { repo, path, branch: 'signalbox/attempt-1', base: 'main' };
  return { top, repo, path, request };
}

describe('createWorktree', () => {
  after(removeTempFolders);

  it('makes a clean checkout of the base on a new branch, and leaves the main one alone', async () => {
    const { top, path, request } = await setUp();
    writeFiles(top, { 'a.txt': 'dirty\n' });
    const worktree = await createWorktree(request);
    assert.equal(readFileSync(join(path, 'd/b.txt'), 'utf8'), 'b\n');
    assert.equal(git(path, 'status', '--porcelain'), '');
    assert.equal(git(path, 'branch', '--show-current'), 'signalbox/attempt-1');
    assert.deepEqual([worktree.head, worktree.gitDir], [git(top, 'rev-parse', 'main'), join(top, '.git/worktrees/attempt-1')]);
    assert.equal(readFileSync(join(top, 'a.txt'), 'utf8'), 'dirty\n');
    git(top, 'fsck');
  });

  it('gives the same again, also with work in it', async () => {
    const { path, request } = await setUp();
    const first = await createWorktree(request);
    writeFiles(path, { 'a.txt': 'work\n' });
    assert.deepEqual(await createWorktree(request), first);
    assert.equal(readFileSync(join(path, 'a.txt'), 'utf8'), 'work\n');
  });

  const crashes: Record<string, (path: string, top: string) => void> = {
    'after the branch was made': (path, top) => {
      rmSync(path, { recursive: true });
      rmSync(join(top, '.git/worktrees'), { recursive: true });
    },
    'while git registered it': (path, top) => {
      rmSync(path, { recursive: true });
      writeFileSync(join(top, '.git/worktrees/attempt-1/locked'), 'initializing');
      rmSync(join(top, '.git/worktrees/attempt-1/index'));
    },
    'while the files were written': (path, top) => {
      rmSync(join(top, '.git/worktrees/attempt-1/index'));
      rmSync(join(path, 'd'), { recursive: true });
      writeFileSync(join(path, 'a.txt'), 'hal');
    },
    'and lost its folder': (path) => rmSync(path, { recursive: true }),
  };
  for (const [name, crash] of Object.entries(crashes)) {
    it(`finishes what a crash interrupted: ${name}`, async () => {
      const { top, path, request } = await setUp();
      const first = await createWorktree(request);
      crash(path, top);
      assert.deepEqual(await createWorktree(request), first);
      assert.equal(git(path, 'status', '--porcelain'), '');
      assert.equal(readFileSync(join(path, 'a.txt'), 'utf8'), 'a\n');
    });
  }

  it('executes nothing of a hostile repository, and writes files as they are stored', async () => {
    const { top, path, request } = await setUp({ 'a.txt': 'a\n', 'b.bin': 'b\n', 'c.eq': 'c\n', '.gitattributes': HOSTILE_ATTRIBUTES });
    const trap = makeTrap();
    armRepo(top, trap);
    rmSync(trap.marker, { force: true });
    // A configuration that comes into force only on the new branch.
    const late = join(top, '.git/late');
    writeFileSync(late, `[filter "long"]\n\tsmudge = ${trap.command}\n[core]\n\tfsmonitor = ${trap.command}\n`);
    writeFileSync(
      join(top, '.git/config'),
      `${readFileSync(join(top, '.git/config'), 'utf8')}[includeIf "onbranch:signalbox/**"]\n\tpath = ${late}\n`,
    );
    const worktree = await createWorktree(request);
    assert.equal(readFileSync(join(path, 'a.txt'), 'utf8'), 'a\n');
    writeFiles(path, { 'a.txt': 'work\n', 'b.bin': 'work\n' });
    await commitWorktree({ ...worktree, workTree: path, message: 'x', trailers: {}, at: '2026-01-01T00:00:00Z' });
    await removeWorktree({ repo: request.repo, path });
    assert.equal(trap.wasSprung(), false);
  });

  it('works from a linked worktree, a bare repository and a detached HEAD', async () => {
    const { top } = await setUp();
    const linked = join(tempFolder(), 'linked');
    git(top, 'worktree', 'add', '--quiet', '-b', 'side', linked);
    const bare = join(tempFolder(), 'bare.git');
    git(tempFolder(), 'clone', '--quiet', '--bare', top, bare);
    git(top, 'checkout', '--quiet', '--detach');
    for (const [index, from] of [linked, bare, top].entries()) {
      const path = join(tempFolder(), `attempt-${index}`);
      await createWorktree({ repo: await inspectRepo(from), path, branch: `b${index}`, base: 'HEAD' });
      assert.equal(git(path, 'status', '--porcelain'), '');
    }
  });

  it('refuses a branch or a path that is taken, a base that is not there, and an empty repository', async () => {
    const { top, path, request } = await setUp();
    await refuses(createWorktree({ ...request, base: 'nothing' }), 'base_missing');
    await refuses(createWorktree({ ...request, branch: '-x' }), 'branch_name_invalid');
    await refuses(createWorktree({ ...request, branch: 'main' }), 'branch_exists');
    git(top, 'branch', 'taken');
    commitFiles(top, { new: 'x' });
    await refuses(createWorktree({ ...request, branch: 'taken' }), 'branch_exists');
    writeFiles(path, { something: 'x' });
    await refuses(createWorktree(request), 'worktree_path_in_use');
    assert.equal(git(top, 'branch', '--list', 'signalbox/*'), '');
    const empty = tempFolder();
    git(empty, 'init', '--quiet');
    await refuses(createWorktree({ ...request, repo: await inspectRepo(empty), base: 'HEAD' }), 'repository_empty');
  });
});

describe('removeWorktree', () => {
  after(removeTempFolders);

  it('removes a clean one with what is ignored, keeps its branch, and can be repeated', async () => {
    const { top, repo, path, request } = await setUp();
    await createWorktree(request);
    writeFiles(path, { ignored: 'x' });
    assert.equal(await removeWorktree({ repo, path }), true);
    assert.deepEqual(
      [existsSync(path), existsSync(`${path}.signalbox-removed`), await findWorktree(repo, path)],
      [false, false, undefined],
    );
    assert.match(git(top, 'branch', '--list', 'signalbox/*'), /attempt-1/);
    assert.equal(await removeWorktree({ repo, path }), false);
  });

  it('finishes what a crash interrupted', async () => {
    const { repo, path, request } = await setUp();
    await createWorktree(request);
    renameSync(path, `${path}.signalbox-removed`);
    assert.equal(await removeWorktree({ repo, path }), true);
    assert.equal(existsSync(`${path}.signalbox-removed`), false);
  });

  const work: Record<string, (path: string) => void> = {
    'a changed file': (path) => writeFiles(path, { 'a.txt': 'work' }),
    'a staged file': (path) => {
      writeFiles(path, { 'a.txt': 'work' });
      git(path, 'add', '.');
    },
    'an untracked file': (path) => writeFiles(path, { new: 'work' }),
    'a deleted file': (path) => rmSync(join(path, 'a.txt')),
    'a commit that no branch has': (path) => {
      git(path, 'checkout', '--quiet', '--detach');
      commitFiles(path, { new: 'work' });
    },
    'a repository inside': (path) => {
      writeFiles(path, { 'nested/file': 'x' });
      git(join(path, 'nested'), 'init', '--quiet');
    },
  };
  for (const [name, doWork] of Object.entries(work)) {
    it(`refuses to lose ${name}`, async () => {
      const { repo, path, request } = await setUp();
      await createWorktree(request);
      doWork(path);
      await refuses(removeWorktree({ repo, path }), 'worktree_dirty');
      assert.equal(existsSync(join(path, '.git')), true);
    });
  }

  it('refuses to lose what a submodule holds', async () => {
    const { top, repo, path, request } = await setUp();
    git(top, 'submodule', '--quiet', 'add', makeRepo(), 'sub');
    commitFiles(top, {});
    await createWorktree({ ...request, base: 'HEAD' });
    git(path, 'submodule', '--quiet', 'update', '--init');
    writeFiles(path, { 'sub/README.md': 'work' });
    await refuses(removeWorktree({ repo, path }), 'worktree_dirty', ({ facts }) => assert.deepEqual(facts['submodules'], ['sub']));
  });

  it('refuses one that is locked', async () => {
    const { top, repo, path, request } = await setUp();
    await createWorktree(request);
    git(top, 'worktree', 'lock', path);
    await refuses(removeWorktree({ repo, path }), 'worktree_locked');
  });

  const changes: Record<string, (path: string, evil: string) => void> = {
    'leads elsewhere': (path, evil) => writeFileSync(join(path, '.git'), `gitdir: ${evil}/.git\n`),
    'is gone': (path) => rmSync(join(path, '.git')),
    'became a repository': (path) => {
      rmSync(join(path, '.git'));
      git(path, 'init', '--quiet');
    },
    'became a link': (path, evil) => {
      rmSync(join(path, '.git'));
      symlinkSync(join(evil, '.git'), join(path, '.git'));
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`finds that the .git file ${name}, and follows it nowhere`, async () => {
      const { repo, path, request } = await setUp();
      const worktree = await createWorktree(request);
      const trap = makeTrap();
      const evil = makeRepo({ 'a.txt': 'a\n' });
      armRepo(evil, trap);
      change(path, evil);
      if (existsSync(join(path, '.git')) && lstatSync(join(path, '.git')).isDirectory()) armRepo(path, trap);
      rmSync(trap.marker, { force: true });
      writeFiles(path, { 'a.txt': 'work\n' });
      await refuses(removeWorktree({ repo, path }), 'worktree_tampered');
      await refuses(createWorktree(request), 'worktree_tampered');
      const commit = { ...worktree, workTree: path, message: 'x', trailers: {}, at: '2026-01-01T00:00:00Z' };
      await refuses(commitWorktree(commit), 'worktree_tampered');
      assert.equal(trap.wasSprung(), false);
      assert.equal(readdirSync(path).includes('a.txt'), true);
    });
  }
});

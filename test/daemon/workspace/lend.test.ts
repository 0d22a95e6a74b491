import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { forgetGit, lendGit, type LentGit } from '../../../daemon/workspace/lend.ts';
import { takeBack } from '../../../daemon/workspace/take-back.ts';
import { createWorktree, type Worktree } from '../../../daemon/workspace/worktrees.ts';
import { armRepo, commitFiles, git, makeRepo, makeTrap, removeTempFolders, tempFolder, writeFiles } from '../../support/repos.ts';
import { refuses } from './scene.ts';

interface Lent {
  top: string;
  worktree: Worktree;
  lent: LentGit;
  /** Runs plain git as the attempt would, in the worktree with the lent git directory. */
  inside(...args: string[]): string;
}

async function lend(top = makeRepo({ 'a.txt': 'a\n', 'dir/b.txt': 'b\n' })): Promise<Lent> {
  const repo = await inspectRepo(top);
  const path = join(tempFolder('tree'), 'w');
  const worktree = await createWorktree({ repo, path, branch: 'signalbox/x', base: repo.head.commit ?? '' });
  const lent = await lendGit(worktree, join(tempFolder('lent'), 'git with space'), 'claude');
  return { top, worktree, lent, inside: (...args) => git(path, `--git-dir=${lent.gitDir}`, `--work-tree=${path}`, ...args) };
}

describe('workspace: a git directory that is lent', () => {
  afterEach(removeTempFolders);

  it('shows the worktree as it is, with the branches of the repository, and borrows its objects', async () => {
    const { lent, worktree, inside, top } = await lend();
    assert.equal(inside('status', '--porcelain'), '');
    assert.equal(inside('rev-parse', 'HEAD'), worktree.head);
    assert.equal(inside('symbolic-ref', 'HEAD'), 'refs/heads/signalbox/x');
    assert.equal(inside('rev-parse', 'main'), git(top, 'rev-parse', 'main'));
    assert.equal(inside('config', 'user.name'), 'claude');
    assert.deepEqual(lent.objects, [join(top, '.git/objects')]);
    assert.equal(readFileSync(lent.link, 'utf8'), `gitdir: ${lent.gitDir}\n`);
  });

  it('is taken back: commits reach the repository, the branch moves, the worktree stays clean', async () => {
    const { worktree, lent, inside, top } = await lend();
    writeFiles(worktree.path, { 'new.txt': 'new\n', 'a.txt': 'changed\n' });
    inside('add', '--all');
    inside('commit', '--quiet', '-m', 'work of the agent');
    writeFiles(worktree.path, { 'more.txt': 'more\n' });
    inside('add', '--all');
    inside('commit', '--quiet', '-m', 'more of it');
    const tip = inside('rev-parse', 'HEAD');
    assert.throws(() => git(top, 'cat-file', '-e', tip), 'nothing was written to the repository before');
    assert.equal(await takeBack(worktree, lent), tip);
    await forgetGit(lent);
    assert.equal(existsSync(lent.gitDir), false);
    assert.equal(git(top, 'rev-parse', 'signalbox/x'), tip);
    assert.equal(git(worktree.path, 'status', '--porcelain'), '');
    assert.equal(git(top, 'log', '--format=%s', 'main..signalbox/x'), 'more of it\nwork of the agent');
    git(top, 'fsck', '--strict', '--no-dangling');
  });

  it('gives nothing back when nothing was committed, and leaves files that were not', async () => {
    const { worktree, lent } = await lend();
    writeFiles(worktree.path, { 'loose.txt': 'loose\n' });
    assert.equal(await takeBack(worktree, lent), undefined);
    assert.equal(git(worktree.path, 'status', '--porcelain'), '?? loose.txt');
  });

  it('runs nothing of what an attempt wrote there', async () => {
    const { worktree, lent, inside, top } = await lend();
    const trap = makeTrap();
    writeFiles(worktree.path, { 'new.txt': 'new\n' });
    inside('add', '--all');
    inside('commit', '--quiet', '--no-verify', '-m', 'work');
    const tip = inside('rev-parse', 'HEAD');
    for (const [key, value] of [
      ['core.fsmonitor', trap.command],
      ['core.alternateRefsCommand', trap.command],
      ['uploadpack.packObjectsHook', trap.command],
    ] as const)
      inside('config', key, value);
    writeFileSync(join(lent.gitDir, 'hooks/reference-transaction'), `#!/bin/sh\n${trap.command}\n`, { mode: 0o755 });
    assert.equal(await takeBack(worktree, lent), tip);
    assert.equal(git(top, 'rev-parse', 'signalbox/x'), tip);
    assert.equal(trap.wasSprung(), false);
  });

  it('runs nothing of the repository either', async () => {
    const trap = makeTrap();
    const top = makeRepo();
    armRepo(top, trap);
    rmSync(trap.marker, { force: true });
    const { worktree, lent } = await lend(top);
    await takeBack(worktree, lent);
    assert.equal(trap.wasSprung(), false);
  });

  it('takes no object whose content is not what its name says', async () => {
    const { worktree, lent, inside, top } = await lend();
    writeFiles(worktree.path, { 'one.txt': 'one\n' });
    inside('add', '--all');
    inside('commit', '--quiet', '-m', 'work');
    const other = git(top, 'rev-parse', 'HEAD:a.txt');
    const blob = inside('rev-parse', 'HEAD:one.txt');
    const place = (id: string, root: string) => join(root, id.slice(0, 2), id.slice(2));
    const forged = readFileSync(place(other, join(top, '.git/objects')));
    rmSync(place(blob, join(lent.gitDir, 'objects')));
    writeFileSync(place(blob, join(lent.gitDir, 'objects')), forged);
    await refuses(takeBack(worktree, lent), 'lent_git_unusable');
    assert.equal(git(top, 'rev-parse', 'signalbox/x'), worktree.head);
  });

  it('follows no link out of it, and no other repository', async () => {
    const stranger = makeRepo({ 'secret.txt': 'secret\n' });
    const secret = git(stranger, 'rev-parse', 'HEAD');
    const linked = await lend();
    rmSync(join(linked.lent.gitDir, 'refs/heads'), { recursive: true, force: true });
    symlinkSync(join(stranger, '.git/refs/heads'), join(linked.lent.gitDir, 'refs/heads'));
    writeFileSync(join(linked.lent.gitDir, 'HEAD'), 'ref: refs/heads/main\n');
    rmSync(join(linked.lent.gitDir, 'packed-refs'));
    await refuses(takeBack(linked.worktree, linked.lent), 'lent_git_unusable');

    const borrowing = await lend();
    writeFileSync(join(borrowing.lent.gitDir, 'HEAD'), `${secret}\n`);
    writeFileSync(join(borrowing.lent.gitDir, 'objects/info/alternates'), `${join(stranger, '.git/objects')}\n`);
    await refuses(takeBack(borrowing.worktree, borrowing.lent), 'lent_git_unusable');
    assert.throws(() => git(borrowing.top, 'cat-file', '-e', secret));

    const piped = await lend();
    mkdirSync(join(piped.lent.gitDir, 'objects/ab'));
    symlinkSync('/dev/zero', join(piped.lent.gitDir, 'objects/ab/c'));
    writeFileSync(join(piped.lent.gitDir, 'HEAD'), `${secret}\n`);
    await refuses(takeBack(piped.worktree, piped.lent), 'lent_git_unusable');
  });

  it('keeps sparse checkouts, line endings, shallow histories and borrowed objects of the repository', async () => {
    const origin = makeRepo({ 'in/a.txt': 'a\n', 'out/b.txt': 'b\n' });
    commitFiles(origin, { 'in/c.txt': 'c\n' });
    const folder = tempFolder('clone');
    git(folder, 'clone', '--quiet', '--depth=1', `file://${origin}`, 'shallow');
    git(folder, 'clone', '--quiet', '--shared', origin, 'shared');
    git(join(folder, 'shared'), 'sparse-checkout', 'set', 'in');
    git(join(folder, 'shared'), 'config', 'core.autocrlf', 'input');

    const shallow = await lend(join(folder, 'shallow'));
    assert.equal(shallow.inside('rev-list', '--count', 'HEAD'), '1');
    const shared = await lend(join(folder, 'shared'));
    assert.equal(shared.inside('status', '--porcelain'), '');
    assert.equal(existsSync(join(shared.worktree.path, 'out/b.txt')), false);
    assert.equal(shared.inside('config', 'core.autocrlf'), 'input');
    assert.deepEqual(shared.lent.objects, [join(folder, 'shared/.git/objects'), join(origin, '.git/objects')]);
    for (const { inside, worktree, lent, top } of [shallow, shared]) {
      writeFiles(worktree.path, { 'in/new.txt': 'new\n' });
      inside('add', 'in/new.txt');
      inside('commit', '--quiet', '-m', 'work');
      const tip = inside('rev-parse', 'HEAD');
      assert.equal(await takeBack(worktree, lent), tip);
      assert.equal(git(top, 'rev-parse', 'signalbox/x'), tip);
      assert.equal(git(worktree.path, 'status', '--porcelain'), '');
    }
    assert.ok(statSync(join(shared.worktree.path, 'in/a.txt')).isFile());
  });
});

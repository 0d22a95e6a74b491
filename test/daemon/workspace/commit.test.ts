import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commitWorktree } from '../../../daemon/workspace/commit.ts';
import { diffCommits } from '../../../daemon/workspace/diff.ts';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import type { WorkspaceError } from '../../../daemon/workspace/workspace-error.ts';
import { createWorktree } from '../../../daemon/workspace/worktrees.ts';
import { commitFiles, git, makeRepo, removeTempFolders, tempFolder, writeFiles } from '../../support/repos.ts';

const AT = '2026-01-02T03:04:05.678Z';

async function setUp() {
  const top = makeRepo({ a: 'a\n', b: 'b\n', c: 'c\n' });
  const repo = await inspectRepo(top);
  const path = join(tempFolder(), 'work');
  const worktree = await createWorktree({ repo, path, branch: 'work', base: 'main' });
  const request = { ...worktree, workTree: path, message: 'Repair it\n\nBecause.', trailers: { 'Signalbox-Effect': 'e1' }, at: AT };
  return { top, repo, path, request };
}

describe('commitWorktree', () => {
  after(removeTempFolders);

  it('commits everything, with its own identity, the given time and the trailers', async () => {
    const { path, request } = await setUp();
    writeFiles(path, { a: 'changed\n', 'new\nline': 'x', '-dash': 'x', ':(glob)*': 'x' });
    rmSync(join(path, 'b'));
    const commit = await commitWorktree(request);
    assert.equal(commit, git(path, 'rev-parse', 'HEAD'));
    assert.equal(git(path, 'status', '--porcelain'), '');
    assert.equal(
      git(path, 'log', '-1', '--format=%an|%ae|%cn|%at|%ct|%B'),
      'Signalbox|signalbox@localhost|Signalbox|1767323045|1767323045|Repair it\n\nBecause.\n\nSignalbox-Effect: e1\n',
    );
    assert.equal(git(path, 'log', '-1', '--format=%(trailers:key=Signalbox-Effect,valueonly)'), 'e1\n');
  });

  it('commits only the given paths, not what somebody staged, and takes paths literally', async () => {
    const { path, request } = await setUp();
    writeFiles(path, { a: 'changed\n', b: 'staged\n', '*': 'star\n', star: 'x' });
    git(path, 'add', 'b');
    await commitWorktree({ ...request, paths: ['a', '*'] });
    assert.equal(git(path, 'show', '--name-only', '--format=', 'HEAD'), '*\na');
    assert.equal(git(path, 'status', '--porcelain'), 'M  b\n?? star');
  });

  it('commits a path that is not UTF-8, and one that was removed', async function () {
    if (process.platform !== 'linux') this.skip();
    const { path, request } = await setUp();
    const { writeFileSync } = await import('node:fs');
    const name = Buffer.from([0xff, 0x2d]);
    writeFileSync(Buffer.concat([Buffer.from(`${path}/`), name]), 'x');
    rmSync(join(path, 'c'));
    await commitWorktree({ ...request, paths: [name, 'c'] });
    assert.equal(git(path, 'status', '--porcelain'), '');
  });

  it('returns nothing when nothing changed, and the same commit when it was done before', async () => {
    const { path, request } = await setUp();
    assert.equal(await commitWorktree(request), undefined);
    writeFiles(path, { a: 'changed\n' });
    const commit = await commitWorktree(request);
    assert.equal(await commitWorktree(request), commit);
    assert.equal(await commitWorktree({ ...request, paths: ['a'] }), commit);
    assert.equal(await commitWorktree({ ...request, trailers: { 'Signalbox-Effect': 'e2' } }), undefined);
    assert.equal(git(path, 'rev-list', '--count', 'main..work'), '1');
  });

  it('makes the same commit from the same work', async () => {
    const { path, request } = await setUp();
    writeFiles(path, { a: 'changed\n' });
    const first = await commitWorktree(request);
    git(path, 'reset', '--quiet', '--soft', 'main');
    assert.equal(await commitWorktree(request), first);
  });

  it('does not commit to a branch that the worktree was moved to', async () => {
    const { top, path, request } = await setUp();
    git(path, 'symbolic-ref', 'HEAD', 'refs/heads/main');
    writeFiles(path, { a: 'changed\n' });
    const before = git(top, 'rev-parse', 'main');
    await assert.rejects(commitWorktree({ ...request, branch: 'work' }), (error: WorkspaceError) => error.code === 'worktree_tampered');
    assert.equal(git(top, 'rev-parse', 'main'), before);
  });

  it('refuses a path that is not there, and a trailer that would be more than a line', async () => {
    const { path, request } = await setUp();
    writeFiles(path, { a: 'changed\n' });
    await assert.rejects(commitWorktree({ ...request, paths: ['nothing'] }), (error: WorkspaceError) => error.code === 'path_missing');
    await assert.rejects(commitWorktree({ ...request, trailers: { 'Signalbox-Effect': 'a\nb' } }), TypeError);
  });
});

describe('diffCommits', () => {
  after(removeTempFolders);

  it('lists every change with its lines, and gives the patch', async () => {
    const text = Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join('');
    const repo = makeRepo({ old: text, gone: 'x\n', kept: 'a\nb\n', bin: 'a\0b' });
    const from = git(repo, 'rev-parse', 'HEAD');
    for (const name of ['old', 'gone']) rmSync(join(repo, name));
    const to = commitFiles(repo, { 'new\tname': `${text}more\n`, kept: 'a\nc\nd\n', bin: 'b\0c', 'line\nbreak': 'y\n' });
    const { files, patch, truncated } = await diffCommits({ repo: await inspectRepo(repo), from, to, maxBytes: 100_000 });
    const text0 = { binary: false };
    assert.deepEqual(
      [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
      [
        { path: 'bin', status: 'M', additions: 0, deletions: 0, binary: true },
        { path: 'gone', status: 'D', additions: 0, deletions: 1, ...text0 },
        { path: 'kept', status: 'M', additions: 2, deletions: 1, ...text0 },
        { path: 'line\nbreak', status: 'A', additions: 1, deletions: 0, ...text0 },
        { path: 'new\tname', oldPath: 'old', status: 'R', additions: 1, deletions: 0, ...text0 },
      ],
    );
    assert.match(patch, /^\+c$/m);
    assert.equal(truncated, false);
  });

  it('ends a patch that is too long at a whole line', async () => {
    const repo = makeRepo({ a: '' });
    const from = git(repo, 'rev-parse', 'HEAD');
    const to = commitFiles(repo, { a: 'é'.repeat(40).concat('\n').repeat(100) });
    const { patch, truncated, files } = await diffCommits({ repo: await inspectRepo(repo), from, to, maxBytes: 1_001 });
    assert.deepEqual([truncated, patch.endsWith('é\n'), files[0]?.additions], [true, true, 100]);
  });

  it('shows changes that attributes would hide', async () => {
    const repo = makeRepo({ '.gitattributes': '* -diff\n', a: 'x\n' });
    const from = git(repo, 'rev-parse', 'HEAD');
    const to = commitFiles(repo, { a: 'evil\n' });
    assert.match(git(repo, 'diff', from, to), /Binary files/);
    const { patch, files } = await diffCommits({ repo: await inspectRepo(repo), from, to, maxBytes: 100_000 });
    assert.match(patch, /^\+evil$/m);
    assert.equal(files[0]?.binary, false);
  });
});

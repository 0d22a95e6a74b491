import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFollow, findCheckouts, recordIntent } from '../../../daemon/workspace/checkouts.ts';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { mergeBranch, undoMerge } from '../../../daemon/workspace/merge.ts';
import { previewMerge } from '../../../daemon/workspace/merge-tree.ts';
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
import { AT, LINES, read, refuses, setUp, tipOf, withLine } from './scene.ts';

describe('previewMerge', () => {
  after(removeTempFolders);

  it('gives the tree, and says what is new on which side', async () => {
    const { top, repo, request } = await setUp({ a: withLine(0, 'work') }, { a: withLine(19, 'main') });
    const preview = await previewMerge({ repo, into: 'main', from: 'work' });
    assert.deepEqual({ ...preview, tree: '' }, { tree: '', conflicts: [], upToDate: false, fastForward: false });
    assert.equal(git(top, 'show', `${preview.tree}:a`), withLine(0, 'work').replace('line 19', 'main').trimEnd());
    assert.equal((await previewMerge({ repo, into: 'main', from: 'main~1' })).upToDate, true);
    assert.equal((await previewMerge({ repo, into: 'main~1', from: 'work' })).fastForward, true);
    assert.equal(tipOf(top), request.expected);
  });

  it('names the files that conflict', async () => {
    const { repo } = await setUp({ a: withLine(5, 'work'), 'x\ny': 'work' }, { a: withLine(5, 'main'), 'x\ny': 'main' });
    assert.deepEqual((await previewMerge({ repo, into: 'main', from: 'work' })).conflicts, ['a', 'x\ny']);
  });

  it('refuses commits without common history, and what is no commit', async () => {
    const { top, repo } = await setUp();
    git(top, 'checkout', '--quiet', '--orphan', 'island');
    commitFiles(top, { island: 'x' });
    await refuses(previewMerge({ repo, into: 'main', from: 'island' }), 'unrelated_histories');
    await refuses(previewMerge({ repo, into: 'main', from: 'nothing' }), 'commit_missing');
  });
});

describe('mergeBranch', () => {
  after(removeTempFolders);

  it('makes a merge commit with the trailer even where the branch could just move, and the work tree follows', async () => {
    const { top, request } = await setUp({ a: withLine(0, 'work'), added: 'added\n' });
    const { kind, commit, behind } = await mergeBranch(request);
    assert.deepEqual([kind, behind, tipOf(top)], ['moved', [], commit]);
    assert.equal(
      git(top, 'log', '-1', '--format=%P|%an|%ad|%B', '--date=iso-strict', commit),
      `${request.expected} ${request.from}|Signalbox|2026-01-02T03:04:05+00:00|Merge work\n\nSignalbox-Effect: effect-1\n`,
    );
    assert.deepEqual([git(top, 'status', '--porcelain'), read(top, 'added'), read(top, 'a')], ['', 'added\n', withLine(0, 'work')]);
    assert.equal(existsSync(join(top, '.git/signalbox-follow')), false);
  });

  it('does it once, however often it is asked', async () => {
    const { top, request } = await setUp();
    const first = await mergeBranch(request);
    assert.deepEqual(await mergeBranch(request), { ...first, kind: 'already_done' });
    const later = commitFiles(top, { later: 'x' });
    writeFiles(top, { a: 'mine\n' });
    assert.deepEqual(await mergeBranch(request), { ...first, kind: 'already_done' });
    assert.deepEqual([tipOf(top), read(top, 'a')], [later, 'mine\n']);
    const again = await mergeBranch({ ...request, expected: later, effect: 'effect-2' });
    assert.deepEqual([again.kind, again.commit], ['up_to_date', later]);
  });

  it('refuses when the branch is elsewhere, is not there, or would conflict', async () => {
    const { top, request } = await setUp({ b: 'work\n' }, { b: 'main\n' });
    await refuses(mergeBranch(request), 'merge_conflicts', ({ facts }) => assert.deepEqual(facts['files'], ['b']));
    await refuses(mergeBranch({ ...request, into: 'nothing' }), 'branch_missing');
    const moved = await setUp();
    const actual = commitFiles(moved.top, { new: 'x' });
    await refuses(mergeBranch(moved.request), 'branch_moved', ({ facts }) =>
      assert.deepEqual([facts['expected'], facts['actual']], [moved.request.expected, actual]),
    );
    assert.deepEqual([tipOf(top), tipOf(moved.top)], [request.expected, actual]);
  });

  it('keeps uncommitted, staged and untracked work that is not in the way', async () => {
    const { top, request } = await setUp({ a: withLine(0, 'work') }, {}, { c: 'c\n' });
    writeFiles(top, { b: 'mine\n', c: 'staged\n', untracked: 'mine\n' });
    git(top, 'add', 'c');
    assert.deepEqual((await mergeBranch(request)).behind, []);
    assert.equal(git(top, 'status', '--porcelain'), ' M b\nM  c\n?? untracked');
    assert.equal(read(top, 'a'), withLine(0, 'work'));
  });

  const obstacles: Record<string, { change: (top: string) => void; paths: string[] }> = {
    'a changed file': { change: (top) => writeFiles(top, { a: 'mine\n' }), paths: ['a'] },
    'a staged file': {
      change: (top) => {
        writeFiles(top, { a: 'mine\n' });
        git(top, 'add', 'a');
      },
      paths: ['a'],
    },
    'an untracked file': { change: (top) => writeFiles(top, { added: 'mine\n' }), paths: ['added'] },
    'an ignored file': { change: (top) => writeFiles(top, { 'x.ignored': 'mine\n' }), paths: ['x.ignored'] },
    'a file where a folder must be': { change: (top) => writeFiles(top, { folder: 'mine\n' }), paths: ['folder/in'] },
  };
  for (const [name, { change, paths }] of Object.entries(obstacles)) {
    it(`refuses before the branch moves when ${name} is in the way`, async () => {
      const { top, request } = await setUp();
      git(top, 'checkout', '--quiet', 'work');
      writeFiles(top, { 'x.ignored': 'work\n', 'folder/in': 'work\n' });
      git(top, 'add', '--force', '.');
      const from = commitFiles(top, {});
      git(top, 'checkout', '--quiet', 'main');
      change(top);
      const before = git(top, 'status', '--porcelain', '--ignored');
      await refuses(mergeBranch({ ...request, from }), 'would_overwrite', ({ facts }) => assert.deepEqual(facts['paths'], paths));
      assert.deepEqual([tipOf(top), git(top, 'status', '--porcelain', '--ignored')], [request.expected, before]);
    });
  }

  it('is not stopped by files whose time changed but not their content', async () => {
    const { top, request } = await setUp();
    rmSync(join(top, 'a'));
    writeFiles(top, { a: LINES.join('') });
    assert.equal((await mergeBranch(request)).kind, 'moved');
    assert.equal(git(top, 'status', '--porcelain'), '');
  });

  it('lets every checkout of the branch follow, and no other', async () => {
    const { top, repo, request } = await setUp();
    git(top, 'checkout', '--quiet', '--detach');
    const linked = join(tempFolder(), 'linked');
    git(top, 'worktree', 'add', '--quiet', linked, 'main');
    await mergeBranch(request);
    assert.deepEqual([read(linked, 'added'), git(linked, 'status', '--porcelain'), existsSync(join(top, 'added'))], ['added\n', '', false]);
    assert.deepEqual(
      (await findCheckouts(repo, 'main')).map(({ path }) => path),
      [linked],
    );
  });

  it('refuses a checkout whose .git file was changed', async () => {
    const { top, request } = await setUp();
    git(top, 'checkout', '--quiet', '--detach');
    const linked = join(tempFolder(), 'linked');
    git(top, 'worktree', 'add', '--quiet', linked, 'main');
    writeFileSync(join(linked, '.git'), `gitdir: ${makeRepo()}/.git\n`);
    await refuses(mergeBranch(request), 'worktree_tampered');
    assert.equal(tipOf(top), request.expected);
  });

  it('moves a branch that is checked out nowhere, also in a bare repository', async () => {
    const { top, request } = await setUp();
    const bare = join(tempFolder(), 'bare.git');
    git(tempFolder(), 'clone', '--quiet', '--bare', top, bare);
    const { commit } = await mergeBranch({ ...request, repo: await inspectRepo(bare) });
    assert.equal(tipOf(bare), commit);
    assert.equal(tipOf(top), request.expected);
  });

  const operations: Record<string, (top: string) => void> = {
    'a merge': (top) => git(top, 'merge', '--quiet', '--no-ff', '--no-commit', 'side'),
    'a rebase of the branch': (top) => assert.throws(() => git(top, 'rebase', '--quiet', '--exec', 'false', 'HEAD~1')),
    'another git with the index locked': (top) => writeFileSync(join(top, '.git/index.lock'), ''),
  };
  for (const [name, begin] of Object.entries(operations)) {
    it(`refuses while ${name} is in progress`, async () => {
      const { top, request } = await setUp({ added: 'x\n' }, { b: 'main\n' });
      git(top, 'branch', 'side', 'main~1');
      git(top, 'checkout', '--quiet', 'side');
      commitFiles(top, { side: 'x' });
      git(top, 'checkout', '--quiet', 'main');
      begin(top);
      await refuses(mergeBranch(request), 'operation_in_progress');
      assert.equal(tipOf(top), request.expected);
    });
  }

  it('finishes the work tree after a crash between the branch and the files, also half-way through them', async () => {
    for (const crash of ['before the files', 'within the files']) {
      const { top, repo, request } = await setUp({ a: withLine(0, 'work'), added: 'added\n', 'd/e': 'x\n' });
      // What the call does, up to the crash, in its own order.
      const other = await setUp({ a: withLine(0, 'work'), added: 'added\n', 'd/e': 'x\n' });
      const { commit } = await mergeBranch(other.request);
      git(top, 'fetch', '--quiet', other.top, 'main');
      assert.equal(git(top, 'rev-parse', 'FETCH_HEAD'), commit, 'the same request gives the same commit in another repository');
      const move = { from: request.expected, to: commit };
      const checkouts = await findCheckouts(repo, 'main');
      await checkFollow(repo, checkouts, move);
      await recordIntent(checkouts, move);
      git(top, 'update-ref', 'refs/heads/main', commit, request.expected);
      if (crash === 'within the files') writeFiles(top, { a: withLine(0, 'work'), added: 'added\n' });
      writeFiles(top, { b: 'mine\n' });
      assert.deepEqual(await mergeBranch(request), { kind: 'already_done', commit, behind: [] });
      assert.equal(git(top, 'status', '--porcelain'), ' M b');
      assert.equal(read(top, 'd/e'), 'x\n');
      assert.equal(existsSync(join(top, '.git/signalbox-follow')), false);
    }
  });

  it('after a crash leaves a work tree behind, and says so, rather than overwrite what was written since', async () => {
    const { top, repo, request } = await setUp();
    const { commit } = await mergeBranch(request);
    git(top, 'update-ref', 'refs/heads/main', request.expected);
    git(top, 'reset', '--quiet', '--hard', request.expected);
    const move = { from: request.expected, to: commit };
    await recordIntent(await findCheckouts(repo, 'main'), move);
    git(top, 'update-ref', 'refs/heads/main', commit);
    writeFiles(top, { a: 'mine\n' });
    const { behind } = await mergeBranch(request);
    assert.deepEqual(behind, [{ path: top, paths: ['a'] }]);
    assert.equal(read(top, 'a'), 'mine\n');
    git(top, 'checkout', '--quiet', request.expected, '--', 'a');
    assert.deepEqual((await mergeBranch(request)).behind, []);
    assert.equal(git(top, 'status', '--porcelain'), '');
  });

  it('executes nothing of a hostile repository', async () => {
    const first = { '.gitattributes': HOSTILE_ATTRIBUTES, 'a.txt': LINES.join(''), 'b.bin': 'b', 'c.eq': 'c' };
    const { top, request } = await setUp(
      { 'a.txt': withLine(0, 'work'), 'b.bin': 'x', 'c.eq': 'x' },
      { 'a.txt': withLine(19, 'main') },
      first,
    );
    const trap = makeTrap();
    armRepo(top, trap);
    rmSync(trap.marker, { force: true });
    const { commit } = await mergeBranch(request);
    await undoMerge({ repo: request.repo, branch: 'main', merge: commit, effect: 'effect-2', at: AT });
    assert.equal(trap.wasSprung(), false);
    assert.equal(read(top, 'a.txt'), withLine(19, 'main'));
  });
});

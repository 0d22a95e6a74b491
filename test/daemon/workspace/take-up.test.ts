import assert from 'node:assert/strict';
import { mergeBranch, undoMerge } from '../../../daemon/workspace/merge.ts';
import { takeUp } from '../../../daemon/workspace/take-up.ts';
import { commitFiles, git, removeTempFolders } from '../../support/repos.ts';
import { AT, LINES, read, refuses, setUp, tipOf, withLine } from './scene.ts';

describe('taking work up without a merge commit', () => {
  after(removeTempFolders);

  it('rebases each commit with its author, time and words, the same each time, and takes it back as a whole', async () => {
    const { top, request } = await setUp({ a: withLine(0, 'work') }, { a: withLine(19, 'main'), b: 'theirs\n' });
    git(top, 'checkout', '--quiet', 'work');
    commitFiles(top, { b: 'theirs\n' });
    commitFiles(top, { added: 'second\n' });
    git(top, 'commit', '--amend', '--quiet', '--author=Ada <ada@example.org>', '--date=@1700000000 +0200', '-m', 'Adds\n\nReviewed-by: Bo');
    const from = git(top, 'rev-parse', 'HEAD');
    git(top, 'checkout', '--quiet', 'main');
    const wanted = { ...request, from, how: 'rebase' } as const;
    const seen = await takeUp({ ...wanted, into: request.expected });
    const { kind, commit } = await mergeBranch(wanted);
    assert.deepEqual([kind, git(top, 'rev-parse', `${commit}^{tree}`), tipOf(top)], ['moved', seen.tree, commit]);
    assert.equal((await mergeBranch(wanted)).kind, 'already_done');
    const log = git(top, 'log', '--format=%an %ad %cn|%B%x00', '--date=raw', `${request.expected}..main`)
      .split('\0')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    assert.equal(log.length, 2, 'what main has already is left out');
    assert.match(log[0] ?? '', /^Ada 1700000000 \+0200 Signalbox\|Adds\n\nReviewed-by: Bo\nSignalbox-Effect: effect-1$/);
    assert.deepEqual([read(top, 'added'), git(top, 'status', '--porcelain')], ['second\n', '']);
    const undo = { repo: request.repo, branch: 'main', merge: commit, before: request.expected, effect: 'undo-1', at: AT };
    await undoMerge(undo);
    assert.equal(git(top, 'diff', '--stat', request.expected, 'main'), '');
    assert.equal((await undoMerge(undo)).kind, 'already_done');
  });

  it('squashes to one commit, and names what conflicts in either way', async () => {
    const { top, request } = await setUp();
    const { commit } = await mergeBranch({ ...request, how: 'squash' });
    assert.equal(git(top, 'log', '-1', '--format=%P|%s', commit), `${request.expected}|Merge work`);
    const other = await setUp({ a: withLine(3, 'work') }, { a: withLine(3, 'main') });
    for (const how of ['rebase', 'squash'] as const) {
      await refuses(mergeBranch({ ...other.request, how }), 'merge_conflicts', ({ facts }) => assert.deepEqual(facts['files'], ['a']));
      const { tree } = await takeUp({ ...other.request, into: 'main', how });
      assert.match(git(other.top, 'show', `${tree}:a`), /<<<<<<<[^]*main[^]*>>>>>>>/);
    }
    assert.equal(read(other.top, 'a'), LINES.join('').replace('line 3\n', 'main\n'));
  });
});

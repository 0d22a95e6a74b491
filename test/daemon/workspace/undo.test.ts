import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listLaterCommits } from '../../../daemon/workspace/later-commits.ts';
import { mergeBranch, undoMerge } from '../../../daemon/workspace/merge.ts';
import { commitFiles, git, removeTempFolders, writeFiles } from '../../support/repos.ts';
import { AT, read, refuses, type Scene, setUp, tipOf, withLine } from './scene.ts';

describe('undoMerge', () => {
  after(removeTempFolders);
  const undo = ({ repo }: Scene, merge: string, effect = 'effect-2') => undoMerge({ repo, branch: 'main', merge, effect, at: AT });

  it('takes the merge back with a commit on top, keeps what came later, and the work tree follows', async () => {
    const scene = await setUp({ a: withLine(0, 'work'), added: 'added\n' });
    const { top, request } = scene;
    const merge = (await mergeBranch(request)).commit;
    const later = commitFiles(top, { a: withLine(0, 'work').replace('line 19', 'later'), b: 'later\n' });
    writeFiles(top, { gone: 'mine\n' });
    const { kind, commit, behind } = await undo(scene, merge);
    assert.deepEqual([kind, behind, tipOf(top), git(top, 'rev-parse', `${commit}^`)], ['moved', [], commit, later]);
    assert.deepEqual([read(top, 'a'), read(top, 'b'), existsSync(join(top, 'added'))], [withLine(19, 'later'), 'later\n', false]);
    assert.equal(git(top, 'status', '--porcelain'), ' M gone');
    assert.match(
      git(top, 'log', '-1', '--format=%B'),
      new RegExp(`^Revert "Merge work"\n\nThis reverts merge commit ${merge}.\n\nSignalbox-Effect: effect-2\n$`),
    );
  });

  it('does it once, however often it is asked, also after more commits', async () => {
    const scene = await setUp();
    const merge = (await mergeBranch(scene.request)).commit;
    const first = await undo(scene, merge);
    assert.deepEqual(await undo(scene, merge), { ...first, kind: 'already_done' });
    const later = commitFiles(scene.top, { later: 'x' });
    assert.deepEqual(await undo(scene, merge), { ...first, kind: 'already_done' });
    assert.deepEqual((await undo(scene, merge, 'effect-3')).kind, 'up_to_date');
    assert.equal(tipOf(scene.top), later);
  });

  it('refuses when later commits changed the same lines, or uncommitted work is in the way, and nothing moved', async () => {
    const scene = await setUp();
    const merge = (await mergeBranch(scene.request)).commit;
    writeFiles(scene.top, { a: 'mine\n' });
    await refuses(undo(scene, merge), 'would_overwrite');
    assert.deepEqual([tipOf(scene.top), read(scene.top, 'a')], [merge, 'mine\n']);
    const later = commitFiles(scene.top, { a: withLine(0, 'later') });
    await refuses(undo(scene, merge), 'undo_conflicts', ({ facts }) => assert.deepEqual(facts['files'], ['a']));
    assert.equal(tipOf(scene.top), later);
  });

  it('can be preceded by a look at what the branch got since: whole merges, odd names, empty commits', async () => {
    const { top, repo, request } = await setUp();
    const merge = (await mergeBranch(request)).commit;
    const list = async () => listLaterCommits(repo, { branch: 'main', after: merge });
    assert.deepEqual(await list(), []);
    const odd = commitFiles(top, { 'ä\nb "c"': '1', a: 'x\n' }).trim();
    git(top, 'commit', '--quiet', '--allow-empty', '--allow-empty-message', '-m', '');
    git(top, 'switch', '--quiet', '-c', 'side', odd);
    commitFiles(top, { s1: '1' });
    commitFiles(top, { s2: '2' });
    git(top, 'switch', '--quiet', 'main');
    git(top, 'merge', '--quiet', '--no-ff', '-m', 'side', 'side');
    const found = await list();
    assert.deepEqual(
      found.map(({ subject, files }) => [subject, files]),
      [
        ['side', ['s1', 's2']],
        ['', []],
        [found[2]?.subject, ['a', 'ä\nb "c"']],
      ],
    );
    assert.deepEqual([found[2]?.commit, found[2]?.author], [odd, git(top, 'log', '-1', '--format=%an', odd)]);
    assert.deepEqual(await listLaterCommits(repo, { branch: 'nowhere', after: merge }), []);
  });

  it('refuses what is no merge, not on the branch, or not there', async () => {
    const scene = await setUp();
    const { top, request } = scene;
    await refuses(undo(scene, request.expected), 'not_a_merge');
    await refuses(undo(scene, '1'.repeat(40)), 'commit_missing');
    const merge = (await mergeBranch(request)).commit;
    git(top, 'reset', '--quiet', '--hard', request.expected);
    await refuses(undo(scene, merge), 'merge_not_on_branch');
  });
});

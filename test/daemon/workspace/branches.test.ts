import assert from 'node:assert/strict';
import { dropUnusedBranch } from '../../../daemon/workspace/worktrees.ts';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { git, makeRepo, removeTempFolders } from '../../support/repos.ts';

describe('a branch of an attempt', () => {
  after(removeTempFolders);

  it('is deleted while it stands where it began, and never with work on it', async () => {
    const path = makeRepo();
    const base = git(path, 'rev-parse', 'main');
    git(path, 'branch', 'signalbox/unused');
    git(path, 'branch', 'signalbox/used');
    git(path, 'update-ref', 'refs/heads/signalbox/used', git(path, 'commit-tree', '-m', 'work', '-p', base, `${base}^{tree}`));
    const repo = await inspectRepo(path);
    assert.equal(await dropUnusedBranch({ repo, branch: 'signalbox/unused', base }), true);
    assert.equal(await dropUnusedBranch({ repo, branch: 'signalbox/used', base }), false);
    assert.equal(git(path, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/signalbox'), 'signalbox/used');
  });
});

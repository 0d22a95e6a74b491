import assert from 'node:assert/strict';
import { findSides, listMarked, listSince } from '../../../daemon/workspace/conflicts.ts';
import { takeUp } from '../../../daemon/workspace/take-up.ts';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { AT } from './scene.ts';
import { commitFiles, git, makeRepo, removeTempFolders } from '../../support/repos.ts';

describe('workspace: conflicts', () => {
  afterEach(removeTempFolders);

  it('are told with the newest commit of either side, for each file', async () => {
    const top = makeRepo({ 'a.txt': 'a\n', 'odd [x]*.txt': 'b\n', 'x.txt': 'x\n' });
    git(top, 'checkout', '--quiet', '-b', 'work');
    const from = commitFiles(top, { 'a.txt': 'work\n', 'odd [x]*.txt': 'work\n' }, 'work of the agent');
    git(top, 'checkout', '--quiet', 'main');
    commitFiles(top, { 'a.txt': 'first\n' }, 'earlier on main');
    const into = commitFiles(top, { 'a.txt': 'main\n', 'odd [x]*.txt': 'main\n' }, 'Merge other run 1');
    const repo = await inspectRepo(top);
    const short = (commit: string): string => git(top, 'rev-parse', '--short', commit);
    const sides = {
      there: { commit: short(into), subject: 'Merge other run 1' },
      here: { commit: short(from), subject: 'work of the agent' },
    };
    const base = git(top, 'merge-base', into, from);
    assert.deepEqual(await findSides(repo, { into, from, files: ['a.txt', 'odd [x]*.txt'] }), {
      base,
      conflicts: [
        { path: 'a.txt', ...sides },
        { path: 'odd [x]*.txt', ...sides },
      ],
    });
    assert.deepEqual(await listSince(repo, { base, older: base, newer: into }), ['a.txt', 'odd [x]*.txt']);
    assert.deepEqual(await listSince(repo, { base: into, older: base, newer: into }), [], 'what the work began with is no news');
    const { tree } = await takeUp({ repo, into, from, how: 'merge', message: 'both', at: AT });
    assert.deepEqual(await listMarked(repo, tree), ['a.txt', 'odd [x]*.txt']);
    assert.deepEqual(await listMarked(repo, into), []);
  });
});

import assert from 'node:assert/strict';
import { describeConflicts } from '../../../daemon/workspace/conflicts.ts';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
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
    assert.deepEqual(await describeConflicts(repo, { into, from, files: ['a.txt', 'odd [x]*.txt'] }), [
      `a.txt (there: ${short(into)} Merge other run 1; here: ${short(from)} work of the agent)`,
      `odd [x]*.txt (there: ${short(into)} Merge other run 1; here: ${short(from)} work of the agent)`,
    ]);
  });
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { type Busy, createWeather } from '../../../daemon/workspace/weather.ts';
import { createWorktree } from '../../../daemon/workspace/worktrees.ts';
import { git, makeRepo, removeTempFolders, tempFolder, writeFiles } from '../../support/repos.ts';

async function open(top: string, name: string): Promise<Busy> {
  const repo = await inspectRepo(top);
  const path = join(tempFolder('tree'), name);
  const { gitDir, commonDir } = await createWorktree({ repo, path, branch: `signalbox/${name}`, base: repo.head.commit ?? '' });
  return { gitDir, commonDir, path, name };
}

describe('workspace: merge weather', () => {
  afterEach(removeTempFolders);

  it('names the pairs that conflict as they stand, committed or not, and changes nothing', async () => {
    const top = makeRepo({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const [one, two, three] = [await open(top, 'one'), await open(top, 'two'), await open(top, 'three')];
    const other = await open(makeRepo({ 'a.txt': 'a\n' }), 'other');
    const look = createWeather();
    const all = [one, two, three, other];
    assert.deepEqual(await look(all), []);
    for (const [place, text] of [
      [one, '1'],
      [two, '2'],
      [other, '3'],
    ] as const)
      writeFiles(place.path, { 'a.txt': `${text}\n`, 'new.txt': `${text}\n` });
    writeFiles(three.path, { 'b.txt': 'three\n' });
    git(two.path, 'add', '--all');
    git(two.path, 'commit', '--quiet', '-m', 'two');
    const clashes = [{ names: ['one', 'two'], files: ['a.txt', 'new.txt'] }];
    assert.deepEqual(await look(all), clashes);
    assert.deepEqual(await look(all), clashes);
    assert.equal(git(one.path, 'status', '--porcelain'), ' M a.txt\n?? new.txt');
    writeFiles(one.path, { 'a.txt': '2\n', 'new.txt': '2\n' });
    assert.deepEqual(await look(all), []);
  });
});

import assert from 'node:assert/strict';
import { readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { copyIgnored } from '../../../daemon/workspace/copy-ignored.ts';
import { makeRepo, removeTempFolders, tempFolder, writeFiles } from '../../support/repos.ts';

describe('workspace: ignored files for a worktree', () => {
  afterEach(removeTempFolders);

  it('are copied by pattern: what git ignores, nothing else, never over anything, never through a link', async () => {
    const top = makeRepo({ '.gitignore': '.env*\n*.local.json\n', 'tracked.local.txt': 't\n' });
    const files = {
      '.env': 'e\n',
      '.env.test': 't\n',
      'config/a.local.json': 'a\n',
      'config/deep/b.local.json': 'b\n',
      'loose.txt': 'l\n',
    };
    writeFiles(top, files);
    const secret = tempFolder('secret');
    writeFiles(secret, { 'x.local.json': 'secret\n' });
    symlinkSync(secret, join(top, 'linked'));
    symlinkSync(join(secret, 'x.local.json'), join(top, 'config/link.local.json'));
    const to = tempFolder('to');
    writeFiles(to, { '.env.test': 'mine\n' });
    symlinkSync(secret, join(to, 'config'));
    const from = { gitDir: join(top, '.git'), workTree: top };
    const patterns = ['.env*', '**/*.local.json', 'linked/*', 'loose.txt', 'tracked*', '../*', '.git/**'];
    assert.deepEqual(await copyIgnored({ from, to, patterns }), ['.env']);
    assert.equal(readFileSync(join(to, '.env.test'), 'utf8'), 'mine\n');

    const clean = tempFolder('clean');
    assert.deepEqual(await copyIgnored({ from, to: clean, patterns }), [
      '.env',
      '.env.test',
      'config/a.local.json',
      'config/deep/b.local.json',
    ]);
    assert.equal(statSync(join(clean, '.env')).mode & 0o077, 0);
  });
});

import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { resolvePath } from '../../../daemon/workspace/resolve.ts';
import { resolveLivePath } from '../../../daemon/workspace/resolve-live.ts';
import type { ActionPath } from '../../../shared/state/action.ts';
import { git, makeRepo, removeTempFolders, tempFolder } from '../../support/repos.ts';

/** What each path leads to, relative to the worktree; `out` and `.git` are not inside, or are git's own. */
const PATHS: readonly (readonly [path: string, where: string])[] = [
  ['a/file', 'a/file'],
  ['./a//file', 'a/file'],
  ['.', '.'],
  ['a/../b', 'b'],
  ['a/../../x', 'out'],
  ['..', 'out'],
  ['/etc/passwd', 'out'],
  ['new/folder/x', 'new/folder/x'],
  ['link/x', 'a/deep/x'],
  // The folder above a link is the one above where it leads.
  ['link/../x', 'a/x'],
  ['link/../../x', 'x'],
  ['link/../../../x', 'out'],
  ['a/../link/../x', 'a/x'],
  ['twice/x', 'a/deep/x'],
  ['twice/../x', 'a/x'],
  ['climbing/x', 'b/x'],
  ['away/x', 'out'],
  ['dangling', 'new/place'],
  ['turning', 'a/place'],
  ['loop/x', 'out'],
  ['.git/hooks/x', 'git'],
  ['a/.GIT/config', 'git'],
  ['togit/hooks', 'git'],
  [`${'a/../'.repeat(70)}b`, 'out'],
];

function describePlace({ relative, inside, git: isGit }: ActionPath): string {
  if (!inside) return 'out';
  return isGit ? 'git' : relative || '.';
}

describe('where a path really leads', () => {
  let top: string;
  let repo: Awaited<ReturnType<typeof inspectRepo>>;

  before(async () => {
    top = makeRepo({ 'a/file': '1', 'a/deep/file': '1', 'b/file': '1' });
    const links = {
      link: 'a/deep',
      twice: 'link',
      climbing: 'link/../../b',
      away: tempFolder(),
      dangling: 'new/place',
      turning: 'link/../place',
      loop: 'loop',
      togit: '.git',
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(top, name));
    git(top, 'add', '--all');
    git(top, 'commit', '--quiet', '-m', 'links');
    repo = await inspectRepo(top);
  });
  after(removeTempFolders);

  for (const [path, where] of PATHS) {
    const name = path.length > 40 ? `${path.slice(0, 20)}...` : path;
    it(`follows ${name} in a worktree`, async () => assert.equal(describePlace(await resolveLivePath(top, path)), where));
    it(`follows ${name} in a commit`, async () =>
      assert.equal(describePlace(await resolvePath(repo, git(top, 'rev-parse', 'HEAD'), path, top)), where));
  }

  it('knows a path of its own that is written in full', async () => {
    assert.equal(describePlace(await resolveLivePath(top, join(top, 'link/x'))), 'a/deep/x');
    assert.equal(describePlace(await resolvePath(repo, git(top, 'rev-parse', 'HEAD'), join(top, 'link/x'), top)), 'a/deep/x');
  });
});

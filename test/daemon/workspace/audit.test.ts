import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guardGit, lookAtWork } from '../../../daemon/workspace/audit.ts';
import { inspectRepo } from '../../../daemon/workspace/inspect.ts';
import { createWorktree, type Worktree } from '../../../daemon/workspace/worktrees.ts';
import { armRepo, git, makeRepo, makeTrap, removeTempFolders, tempFolder, writeFiles } from '../../support/repos.ts';

async function open(
  top = makeRepo({ 'a.txt': 'a\n', 'dir/b.txt': 'b\n', '.gitignore': 'ignored/\n' }),
): Promise<{ top: string; worktree: Worktree }> {
  const repo = await inspectRepo(top);
  const path = join(tempFolder('tree'), 'w');
  return { top, worktree: await createWorktree({ repo, path, branch: 'signalbox/x', base: repo.head.commit ?? '' }) };
}

const kinds = ({ tampering }: Awaited<ReturnType<typeof lookAtWork>>): string[] => tampering.map(({ kind }) => kind);

describe('workspace: the audit of a worktree', () => {
  afterEach(removeTempFolders);

  it('names what was changed, made, removed and committed, and nothing that git ignores; twice the same', async () => {
    const { worktree } = await open();
    const guard = await guardGit(worktree);
    assert.deepEqual((await lookAtWork(worktree, guard)).changed, []);
    writeFiles(worktree.path, { 'a.txt': 'A\n', 'new/ü "x".txt': 'new\n', 'ignored/x': 'x\n' });
    git(worktree.path, 'add', 'a.txt');
    git(worktree.path, 'commit', '--quiet', '-m', 'own');
    rmSync(join(worktree.path, 'dir/b.txt'));
    const first = await lookAtWork(worktree, guard);
    assert.deepEqual(first.changed, ['a.txt', 'dir/b.txt', 'new/ü "x".txt']);
    assert.deepEqual(kinds(first), []);
    assert.deepEqual(await lookAtWork(worktree, guard), first);
    assert.equal(existsSync(join(worktree.gitDir, 'signalbox-audit-index')), false);
  });

  it('sees a change also where the index was told to look away', async () => {
    const { worktree } = await open();
    const guard = await guardGit(worktree);
    git(worktree.path, 'update-index', '--assume-unchanged', 'a.txt');
    writeFiles(worktree.path, { 'a.txt': 'hidden\n' });
    assert.deepEqual((await lookAtWork(worktree, guard)).changed, ['a.txt']);
  });

  for (const [name, harm] of [
    ['a hook', ({ top }) => writeFileSync(join(top, '.git/hooks/post-checkout'), '#!/bin/sh\n')],
    ['a setting', ({ top }) => git(top, 'config', 'core.fsmonitor', '/bin/false')],
    ['attributes', ({ top }) => writeFileSync(join(top, '.git/info/attributes'), '* filter=x\n')],
    ['borrowed objects', ({ top }) => writeFileSync(join(top, '.git/objects/info/alternates'), '/elsewhere\n')],
    ['a hook that may be executed now', ({ top }) => chmodSync(join(top, '.git/hooks/pre-commit'), 0o755)],
    ['a setting of the worktree', ({ worktree }) => writeFileSync(join(worktree.gitDir, 'config.worktree'), '[core]\n')],
    ['the link', ({ worktree }) => writeFileSync(join(worktree.path, '.git'), 'gitdir: /elsewhere\n')],
  ] as [string, (place: { top: string; worktree: Worktree }) => unknown][])
    it(`finds ${name} that was changed`, async () => {
      const place = await open();
      writeFileSync(join(place.top, '.git/hooks/pre-commit'), '#!/bin/sh\n', { mode: 0o644 });
      const guard = await guardGit(place.worktree);
      harm(place);
      assert.deepEqual(kinds(await lookAtWork(place.worktree, guard)), ['git']);
    });

  it('finds repositories in the worktree, also empty ones, and still names what changed', async () => {
    const { worktree } = await open();
    mkdirSync(join(worktree.path, 'deep/er'), { recursive: true });
    git(join(worktree.path, 'deep/er'), 'init', '--quiet');
    writeFiles(worktree.path, { 'a.txt': 'A\n' });
    const found = await lookAtWork(worktree, undefined);
    assert.deepEqual(
      found.tampering.map(({ kind, paths }) => [kind, paths]),
      [['nested', ['deep/er']]],
    );
    assert.ok(found.changed.includes('a.txt'));
  });

  it('runs nothing of the repository', async () => {
    const trap = makeTrap();
    const { top, worktree } = await open();
    armRepo(top, trap);
    rmSync(trap.marker, { force: true });
    writeFiles(worktree.path, { '.gitattributes': '* filter=evil diff=evil\n', 'c.txt': 'c\n' });
    assert.deepEqual((await lookAtWork(worktree, await guardGit(worktree))).changed, ['.gitattributes', 'c.txt']);
    assert.equal(trap.wasSprung(), false);
  });
});

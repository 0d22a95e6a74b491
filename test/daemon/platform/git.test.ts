import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BatchObject, catFileBatch, GitError, type GitWhere, listTree, readGit, runGit } from '../../../daemon/platform/git.ts';
import {
  armRepo,
  commitFiles,
  git,
  HOSTILE_ATTRIBUTES,
  makeRepo,
  makeTrap,
  removeTempFolders,
  tempFolder,
  type Trap,
  writeFiles,
} from '../../support/repos.ts';

const whereOf = (repo: string): GitWhere => ({ gitDir: join(repo, '.git'), workTree: repo });

async function collectTree(repo: string, commit: string) {
  const entries = [];
  for await (const entry of listTree(whereOf(repo), commit)) entries.push(entry);
  return entries;
}

describe('runGit in a hostile repository', () => {
  let repo: string;
  let trap: Trap;

  beforeEach(() => {
    repo = makeRepo({ 'a.txt': 'one\n', 'b.bin': 'two\n', 'c.eq': 'three\n' });
    commitFiles(repo, { '.gitattributes': HOSTILE_ATTRIBUTES, 'a.txt': 'changed\n' });
    trap = makeTrap();
    armRepo(repo, trap);
    rmSync(trap.marker, { force: true });
  });
  after(removeTempFolders);

  it('is a repository in which plain git runs the trap, or these tests prove nothing', () => {
    writeFiles(repo, { 'a.txt': 'dirty\n' });
    try {
      git(repo, 'add', 'a.txt');
    } catch {
      // Whether the trap's answer pleases git does not matter.
    }
    assert.equal(trap.wasSprung(), true);
  });

  const commands: Record<string, string[]> = {
    status: ['status', '--porcelain'],
    add: ['add', '--all'],
    diff: ['diff'],
    'diff of commits': ['diff-tree', '-p', 'HEAD~1', 'HEAD'],
    log: ['log', '-p'],
    show: ['show', 'HEAD'],
    'read-tree': ['read-tree', '--reset', '-u', 'HEAD~1'],
    checkout: ['checkout', '--force', 'HEAD~1', '--', '.'],
    commit: ['commit', '--all', '-m', 'x'],
    'update-ref': ['update-ref', 'refs/heads/other', 'HEAD'],
    stash: ['stash', 'list'],
  };
  for (const [name, args] of Object.entries(commands)) {
    it(`executes nothing of it: ${name}`, async () => {
      writeFiles(repo, { 'a.txt': 'dirty\n', 'b.bin': 'dirty\n', 'c.eq': 'dirty\n', 'new.txt': 'new\n' });
      await runGit(whereOf(repo), args);
      assert.equal(trap.wasSprung(), false);
    });
  }

  it("merges with the text merge of git instead of the repository's driver", async () => {
    const base = git(repo, 'rev-parse', 'HEAD');
    const tree = async (text: string) => {
      const index = { GIT_INDEX_FILE: join(repo, '.git', 'test-index') };
      const blob = await readGit(whereOf(repo), ['hash-object', '-w', '--stdin'], { stdin: text });
      await runGit(whereOf(repo), ['read-tree', base], { env: index });
      await runGit(whereOf(repo), ['update-index', '--cacheinfo', `100644,${blob},a.txt`], { env: index });
      const written = await readGit(whereOf(repo), ['write-tree'], { env: index });
      return readGit(whereOf(repo), ['commit-tree', '-p', base, written], { stdin: 'x' });
    };
    const [ours, theirs] = [await tree('top\nchanged\n'), await tree('changed\nbottom\n')];
    const merged = await runGit({ gitDir: join(repo, '.git') }, ['merge-tree', '--write-tree', ours, theirs], { okCodes: [0, 1] });
    assert.equal(trap.wasSprung(), false);
    const shown = await readGit(whereOf(repo), ['cat-file', 'blob', `${merged.stdout.toString().slice(0, 40)}:a.txt`]);
    assert.match(shown, /top/);
    assert.match(shown, /bottom/);
  });

  it('refuses a configuration whose driver names it could not repeat', async () => {
    appendFileSync(join(repo, '.git', 'config'), Buffer.from('[filter "\xff"]\n\tclean = false\n', 'latin1'));
    await assert.rejects(runGit(whereOf(repo), ['status']), (error: GitError) => error.code === 'git_config_unsafe');
    assert.equal(trap.wasSprung(), false);
  });

  it('does not follow a filter that only an included file for another branch defines', async () => {
    const extra = join(repo, '.git', 'extra');
    writeFileSync(extra, `[filter "late"]\n\tclean = ${trap.command}\n`);
    git(repo, 'config', 'includeIf.onbranch:main.path', extra);
    writeFiles(repo, { '.gitattributes': '*.txt filter=late\n', 'a.txt': 'x\n' });
    await runGit(whereOf(repo), ['add', '--all']);
    assert.equal(trap.wasSprung(), false);
  });

  it('knows of a filter that came after the configuration was remembered', async () => {
    const plain = makeRepo({ 'a.txt': 'one\n' });
    commitFiles(plain, { '.gitattributes': HOSTILE_ATTRIBUTES });
    for (const text of ['two\n', 'three\n']) {
      writeFiles(plain, { 'a.txt': text });
      await runGit(whereOf(plain), ['add', '--all']);
    }
    git(plain, 'config', 'filter.evil.clean', trap.command);
    writeFiles(plain, { 'a.txt': 'four\n' });
    await runGit(whereOf(plain), ['add', '--all']);
    assert.equal(trap.wasSprung(), false);
    git(plain, 'add', '--renormalize', 'a.txt');
    assert.equal(trap.wasSprung(), true, 'plain git obeys it');
  });

  it('does not fetch the objects that a partial clone promises', async () => {
    git(repo, 'config', 'remote.origin.url', `ext::${trap.command}`);
    git(repo, 'config', 'remote.origin.promisor', 'true');
    git(repo, 'config', 'extensions.partialClone', 'origin');
    git(repo, 'config', 'core.repositoryFormatVersion', '1');
    git(repo, 'config', 'protocol.ext.allow', 'always');
    await assert.rejects(runGit(whereOf(repo), ['cat-file', '-p', '1'.repeat(40)]), GitError);
    assert.equal(trap.wasSprung(), false);
  });

  it('does not enter a nested repository', async () => {
    const nested = join(repo, 'nested');
    mkdirSync(nested);
    git(nested, 'init', '--quiet');
    commitFiles(nested, { 'n.txt': 'n\n' });
    armRepo(nested, trap);
    rmSync(trap.marker, { force: true });
    await runGit(whereOf(repo), ['add', '--all']);
    writeFiles(nested, { 'n.txt': 'changed\n' });
    await runGit(whereOf(repo), ['status', '--porcelain']);
    await runGit(whereOf(repo), ['diff']);
    assert.equal(trap.wasSprung(), false);
  });
});

describe('runGit', () => {
  after(removeTempFolders);

  it('shows what is stored, not what a replacement says', async () => {
    const repo = makeRepo({ 'a.txt': 'true\n' });
    const blob = git(repo, 'rev-parse', 'HEAD:a.txt');
    writeFiles(repo, { 'b.txt': 'false\n' });
    git(repo, 'replace', blob, git(repo, 'hash-object', '-w', 'b.txt'));
    assert.equal(await readGit(whereOf(repo), ['cat-file', 'blob', blob]), 'true');
  });

  it('works in a repository that belongs to another user', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const repo = makeRepo();
    for (const path of [repo, join(repo, '.git')]) chownSync(path, 12345, 12345);
    assert.equal(await readGit(whereOf(repo), ['status', '--porcelain']), '');
  });

  it('says how a command failed', async () => {
    const repo = makeRepo();
    await assert.rejects(runGit(whereOf(repo), ['rev-parse', '--verify', 'nothing']), (error: GitError) => {
      assert.equal(error.code, 'git_failed');
      assert.equal(error.exitCode, 128);
      assert.match(error.stderr, /Needed a single revision/);
      return true;
    });
  });

  it('answers with an exit code that is declared to be an answer', async () => {
    const { code } = await runGit(whereOf(makeRepo()), ['config', '--get', 'no.such'], { okCodes: [0, 1] });
    assert.equal(code, 1);
  });

  it('ends output that is too large, or cuts it when asked to', async () => {
    const repo = makeRepo({ 'big.txt': 'x'.repeat(100_000) });
    const args = ['cat-file', 'blob', 'HEAD:big.txt'];
    await assert.rejects(runGit(whereOf(repo), args, { maxBytes: 10 }), (error: GitError) => error.code === 'git_output_too_large');
    const cut = await runGit(whereOf(repo), args, { maxBytes: 10, truncate: true });
    assert.deepEqual([cut.stdout.toString(), cut.truncated], ['x'.repeat(10), true]);
  });

  it('ends a command that takes too long or is canceled', async () => {
    const repo = makeRepo();
    // cat-file waits for its standard input, and this test never ends it: the input is larger than it can ever be read before the time is over.
    const slow = ['hash-object', '--stdin-paths'];
    const fifo = join(tempFolder('fifo'), 'fifo');
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [fifo]);
    await assert.rejects(
      runGit(whereOf(repo), slow, { stdin: `${fifo}\n`, timeoutMs: 50 }),
      (error: GitError) => error.code === 'git_timeout',
    );
    const signal = AbortSignal.timeout(50);
    await assert.rejects(runGit(whereOf(repo), slow, { stdin: `${fifo}\n`, signal }), (error: GitError) => error.code === 'git_aborted');
  });

  it('says that git is missing, and does not take one from a relative entry of PATH', async () => {
    const repo = makeRepo();
    writeFileSync(join(repo, 'git'), '#!/bin/sh\ntouch sprung\n');
    chmodSync(join(repo, 'git'), 0o755);
    const path = process.env['PATH'];
    process.env['PATH'] = '.:';
    try {
      await assert.rejects(runGit(whereOf(repo), ['status']), (error: GitError) => error.code === 'git_missing');
    } finally {
      process.env['PATH'] = path;
    }
    assert.equal(existsSync(join(repo, 'sprung')), false);
  });

  it('lets a caller set nothing that guards', async () => {
    const repo = makeRepo();
    await assert.rejects(runGit(whereOf(repo), ['status'], { env: { GIT_CONFIG_COUNT: '0' } }), TypeError);
    await assert.rejects(runGit(whereOf(repo), ['-c', 'core.fsmonitor=x', 'status']), TypeError);
  });

  it('commits with an identity of its own', async () => {
    const repo = makeRepo();
    await runGit(whereOf(repo), ['commit', '--allow-empty', '-m', 'x']);
    assert.equal(git(repo, 'log', '-1', '--format=%an <%ae>'), 'Signalbox <signalbox@localhost>');
  });
});

describe('listTree and catFileBatch', () => {
  after(removeTempFolders);

  it('list every file with its size, also with unusual names', async () => {
    const files = { '-dash': 'a', 'new\nline': 'bb', 'tab\there': 'ccc', 'd/ü "q"': 'dddd' };
    const repo = makeRepo(files);
    const entries = await collectTree(repo, git(repo, 'rev-parse', 'HEAD'));
    assert.deepEqual(Object.fromEntries(entries.map(({ path, size }) => [path, size])), {
      '-dash': 1,
      'd/ü "q"': 4,
      'new\nline': 2,
      'tab\there': 3,
    });
    assert.equal(
      entries.every(({ rawPath }) => rawPath === undefined),
      true,
    );
  });

  it('give the bytes of a path that is not UTF-8', async function () {
    if (process.platform !== 'linux') this.skip();
    const repo = makeRepo();
    writeFileSync(Buffer.concat([Buffer.from(`${repo}/`), Buffer.from([0xff, 0x41])]), 'x');
    const [entry] = await collectTree(repo, commitFiles(repo, {})).then((entries) => entries.filter(({ rawPath }) => rawPath));
    assert.deepEqual(entry?.rawPath, Buffer.from([0xff, 0x41]));
  });

  it('read many blobs in order, and tell large and missing ones without their content', async () => {
    const files = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, `content ${index}\n`.repeat(index)]));
    const repo = makeRepo({ ...files, large: 'x'.repeat(200_000) });
    const entries = await collectTree(repo, git(repo, 'rev-parse', 'HEAD'));
    const missing = '0123456789'.repeat(4);
    const objects: BatchObject[] = [];
    await catFileBatch(whereOf(repo), [...entries.map(({ oid }) => oid), missing], (object) => void objects.push(object), {
      maxObjectBytes: 100_000,
    });
    assert.equal(objects.length, entries.length + 1);
    entries.forEach(({ path, oid }, index) => {
      assert.equal(objects[index]?.oid, oid);
      if (path !== 'large') assert.equal(objects[index]?.content?.toString(), (files as Record<string, string>)[path]);
      else assert.deepEqual([objects[index]?.content, objects[index]?.size], [undefined, 200_000]);
    });
    assert.deepEqual(objects.at(-1), { oid: missing, type: 'missing', size: 0, content: undefined });
  });

  it('hand on what the receiver throws, and refuse what is no object id', async () => {
    const repo = makeRepo();
    const oid = git(repo, 'rev-parse', 'HEAD:README.md');
    const bounds = { maxObjectBytes: 100 };
    await assert.rejects(
      catFileBatch(whereOf(repo), [oid], () => Promise.reject(new Error('enough')), bounds),
      /enough/,
    );
    await assert.rejects(
      catFileBatch(whereOf(repo), ['HEAD\nHEAD'], () => {}, bounds),
      TypeError,
    );
    await assert.rejects(collectTree(repo, '--help'), TypeError);
  });

  it('fail for a commit that is not there', async () => {
    await assert.rejects(collectTree(makeRepo(), '1'.repeat(40)), GitError);
  });
});

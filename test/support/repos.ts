// Temporary repositories for tests, made with plain git and an environment of its own: the person's configuration plays no part.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const folders: string[] = [];

/** A new temporary folder (real path); removeTempFolders takes it away. */
export function tempFolder(name = 'test'): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `signalbox-${name}-`)));
  folders.push(folder);
  return folder;
}

/** Removes every folder that tempFolder made; for `after` or `afterEach`. */
export function removeTempFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '',
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@localhost',
  GIT_AUTHOR_DATE: '@1700000000 +0000',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@localhost',
  GIT_COMMITTER_DATE: '@1700000000 +0000',
};

/** Runs plain git, as the person would, in `cwd`; returns its output without the last newline. Throws when git fails. */
export function git(cwd: string, ...args: string[]): string {
  const all = ['-c', 'protocol.file.allow=always', '-c', 'init.defaultBranch=main', '-c', 'maintenance.auto=false', ...args];
  return execFileSync('git', all, { cwd, env: ENVIRONMENT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(/\n$/, '');
}

/** What files hold, by path relative to the repository. */
export type Files = Readonly<Record<string, string | Buffer>>;

/** Writes files below `folder`, with the folders that they need. */
export function writeFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Writes files and commits everything in the work tree; returns the commit. */
export function commitFiles(repo: string, files: Files, message = 'change'): string {
  writeFiles(repo, files);
  git(repo, 'add', '--all');
  git(repo, 'commit', '--quiet', '--allow-empty', '--no-verify', '-m', message);
  return git(repo, 'rev-parse', 'HEAD');
}

/** What `git init` makes, made once and copied: that is a tenth of its time. */
let empty: string | undefined;

function makeEmptyRepo(repo: string): void {
  if (empty === undefined || !existsSync(empty)) {
    empty = join(realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-empty-'))), '.git');
    process.once('exit', () => rmSync(dirname(empty ?? ''), { recursive: true, force: true }));
    git(dirname(empty), 'init', '--quiet');
  }
  cpSync(empty, join(repo, '.git'), { recursive: true });
}

/** A repository on branch main whose first commit holds `files`; returns the real path of its top level. */
export function makeRepo(files: Files = { 'README.md': 'hello\n' }): string {
  const repo = join(tempFolder('repo'), 'repo');
  mkdirSync(repo);
  makeEmptyRepo(repo);
  commitFiles(repo, files, 'first');
  return repo;
}

/** A program that leaves a marker file when it runs, and then behaves like `cat`. */
export interface Trap {
  readonly command: string;
  readonly marker: string;
  wasSprung(): boolean;
}

/** Makes a trap outside of any repository. */
export function makeTrap(): Trap {
  const folder = tempFolder('trap');
  const marker = join(folder, 'sprung');
  const command = join(folder, 'trap.sh');
  writeFileSync(command, `#!/bin/sh\necho "$0 $*" >> '${marker}'\nexec cat\n`);
  chmodSync(command, 0o755);
  return { command, marker, wasSprung: () => existsSync(marker) };
}

/** Sets everything in a repository that would make plain git run the trap: fsmonitor, hooks, filters, drivers, diff tools, editors, aliases. */
export function armRepo(repo: string, trap: Trap): void {
  const gitDir = git(repo, 'rev-parse', '--absolute-git-dir');
  const included = join(gitDir, 'included.config');
  const settings: readonly [string, string][] = [
    ['core.fsmonitor', trap.command],
    ['core.sshCommand', trap.command],
    ['core.pager', trap.command],
    ['core.editor', trap.command],
    ['core.askPass', trap.command],
    ['credential.helper', trap.command],
    ['gpg.program', trap.command],
    ['commit.gpgSign', 'true'],
    ['log.showSignature', 'true'],
    ['diff.external', trap.command],
    ['diff.evil.textconv', trap.command],
    ['diff.evil.command', trap.command],
    ['merge.evil.driver', `${trap.command} %A %O %B`],
    ['merge.default', 'evil'],
    ['filter.evil.clean', trap.command],
    ['filter.evil.smudge', trap.command],
    ['filter.evil.required', 'true'],
    ['filter.long.process', trap.command],
    ['alias.status', `!${trap.command}`],
    ['alias.diff', `!${trap.command}`],
    ['include.path', included],
  ];
  writeFileSync(included, `[filter "a=b"]\n\tclean = ${trap.command}\n\tsmudge = ${trap.command}\n\trequired = true\n`);
  for (const name of HOOKS) {
    writeFileSync(join(gitDir, 'hooks', name), `#!/bin/sh\nexec ${trap.command} < /dev/null\n`);
    chmodSync(join(gitDir, 'hooks', name), 0o755);
  }
  for (const [key, value] of settings) git(repo, 'config', key, value);
}

const HOOKS = [
  'post-checkout',
  'pre-commit',
  'post-commit',
  'reference-transaction',
  'post-index-change',
  'pre-merge-commit',
  'post-merge',
  'fsmonitor-watchman',
  'commit-msg',
];

/** Attributes that lead every kind of file to one of the drivers that armRepo defines. */
export const HOSTILE_ATTRIBUTES = '*.txt filter=evil diff=evil merge=evil\n*.bin filter=long\n*.eq filter=a=b\n';

/**
 * Lends a worktree a git directory of its own: the repository's objects are borrowed read-only, everything else is a copy. An
 * attempt may do with it what it likes; the real git directory is neither seen nor written, and what comes of it is taken back
 * by take-back.ts.
 */
import { copyFile, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { runGit } from '../platform/git.ts';
import { placeOf, type RepoPlace } from './inspect.ts';
import { WorkspaceError } from './workspace-error.ts';
import type { Worktree } from './worktrees.ts';

/** A git directory that was lent. */
export interface LentGit {
  readonly gitDir: string;
  /** A file that is put over the worktree's `.git` and leads to `gitDir`. */
  readonly link: string;
  /** The folders of objects that it borrows from. */
  readonly objects: readonly string[];
}

/** Settings that change how files look to git; everything else of the repository's configuration stays outside. */
const COPIED =
  '^core\\.(autocrlf|eol|safecrlf|filemode|ignorecase|symlinks|precomposeunicode|sparsecheckout|sparsecheckoutcone)$|^index\\.sparse$';
const MAX_REFS_BYTES = 16 * 1024 * 1024;
const MAX_COPIED_BYTES = 1024 * 1024;
const MAX_BORROWING = 8;

/** Makes the git directory in `folder`, which is emptied first; the worktree must have been made by createWorktree. */
export async function lendGit(worktree: Worktree, folder: string, name: string): Promise<LentGit> {
  await rm(folder, { recursive: true, force: true });
  const gitDir = join(folder, 'git');
  for (const path of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info', 'hooks'])
    await mkdir(join(gitDir, path), { recursive: true });
  const objects = await listObjectFolders(worktree.commonDir);
  await Promise.all([
    writeFile(join(gitDir, 'objects/info/alternates'), `${objects[0] ?? ''}\n`),
    writeFile(join(gitDir, 'HEAD'), `ref: refs/heads/${worktree.branch}\n`),
    writeConfig(worktree, gitDir, name),
    writeRefs(worktree, gitDir),
    copyIndex(worktree.gitDir, gitDir),
    copySmall(join(worktree.commonDir, 'info/exclude'), join(gitDir, 'info/exclude')),
    copySmall(join(worktree.gitDir, 'info/sparse-checkout'), join(gitDir, 'info/sparse-checkout')),
    copySmall(join(worktree.commonDir, 'shallow'), join(gitDir, 'shallow')),
  ]);
  const link = join(folder, 'link');
  await writeFile(link, `gitdir: ${gitDir}\n`);
  return { gitDir, link, objects };
}

/** The folder of objects of a repository, and those that it borrows from itself. */
async function listObjectFolders(commonDir: string): Promise<string[]> {
  const folders: string[] = [];
  const waiting = [join(commonDir, 'objects')];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const folder = await realpath(next).catch(() => undefined);
    if (folder === undefined || folders.includes(folder)) continue;
    if (folder.includes('\n') || folders.length >= MAX_BORROWING) {
      throw new WorkspaceError(
        'objects_not_lendable',
        `The objects in ${folder} cannot be lent to a sandbox. Clone the repository without borrowing.`,
        { path: folder },
      );
    }
    folders.push(folder);
    const text = await readFile(join(folder, 'info/alternates'), 'utf8').catch(() => '');
    for (const line of text.split('\n')) if (line !== '' && !line.startsWith('#')) waiting.push(resolve(folder, line));
  }
  return folders;
}

async function writeConfig({ gitDir, commonDir }: RepoPlace, to: string, name: string): Promise<void> {
  const read = async (args: string[]): Promise<string> =>
    (await runGit({ gitDir, commonDir }, args, { okCodes: [0, 1] })).stdout.toString('utf8');
  const format = (await read(['rev-parse', '--show-object-format'])).trim();
  const copied = (await read(['config', '-z', '--get-regexp', COPIED])).split('\0').flatMap((entry) => {
    const [key = '', value = 'true'] = entry.split('\n');
    const [section, variable] = key.split('.');
    return /^\w+$/.test(value) && variable !== undefined ? [`[${section ?? ''}]\n\t${variable} = ${value}\n`] : [];
  });
  const sha256 = format === 'sha256';
  const lines = [
    `[core]\n\trepositoryformatversion = ${sha256 ? 1 : 0}\n\tbare = false\n\tlogallrefupdates = true\n`,
    ...(sha256 ? ['[extensions]\n\tobjectformat = sha256\n'] : []),
    `[user]\n\tname = ${name.replace(/[^\w .-]/g, '_')}\n\temail = agent@signalbox.localhost\n`,
    '[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n',
    ...copied,
  ];
  await writeFile(join(to, 'config'), lines.join(''));
}

/** All branches and tags by name, so that comparing with them works; with very many, only the worktree's own. */
async function writeRefs(worktree: Worktree, to: string): Promise<void> {
  const all = await runGit(
    placeOf(worktree),
    ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/remotes', 'refs/tags'],
    {
      maxBytes: MAX_REFS_BYTES,
      truncate: true,
    },
  );
  const own = `${worktree.head} refs/heads/${worktree.branch}\n`;
  await writeFile(join(to, 'packed-refs'), all.truncated ? own : all.stdout);
}

async function copyIndex(from: string, to: string): Promise<void> {
  const names = (await readdir(from)).filter((name) => name === 'index' || name.startsWith('sharedindex.'));
  await Promise.all(names.map((name) => copyFile(join(from, name), join(to, name))));
}

async function copySmall(from: string, to: string): Promise<void> {
  const facts = await stat(from).catch(() => undefined);
  if (facts?.isFile() && facts.size <= MAX_COPIED_BYTES) await copyFile(from, to);
}

/** The folder that lendGit was given is removed, with everything in it. */
export async function forgetGit({ gitDir }: Pick<LentGit, 'gitDir'>): Promise<void> {
  await rm(dirname(gitDir), { recursive: true, force: true });
}

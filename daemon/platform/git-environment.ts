// What a git process of ours may see: which binary, which environment, which configuration.
// Boundary: knows nothing of commands and output; git-process.ts starts the processes.
// Invariants:
// 1. Nothing is inherited but PATH (and what Windows needs to start a process at all).
// 2. Every setting that names a program is overridden, so a repository's own configuration executes nothing.
// 3. Overrides travel as GIT_CONFIG_KEY_n, because `-c` splits at the first "=" and a filter may be named "a=b".
import { accessSync, constants, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** Where git works: absolute paths, never discovered. Give `commonDir` for a linked worktree's gitDir, and `workTree` for what touches files. */
export interface GitWhere {
  readonly gitDir: string;
  readonly workTree?: string;
  readonly commonDir?: string;
}

/** One configuration override; it beats every file that git reads. */
export type GitSetting = readonly [key: string, value: string];

const NULL_FILE = process.platform === 'win32' ? '/dev/null' : devNull;

/** A textual three-way merge by git itself: an empty driver would succeed and silently keep only one side. */
const TEXT_MERGE = 'git merge-file --marker-size=%L %A %O %B || exit 1';

const FIXED_SETTINGS: readonly GitSetting[] = [
  ['core.hooksPath', NULL_FILE],
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.attributesFile', NULL_FILE],
  ['core.editor', 'true'],
  ['sequence.editor', 'true'],
  ['core.pager', 'cat'],
  ['core.askPass', ''],
  ['core.sshCommand', 'false'],
  ['core.gitProxy', ''],
  ['core.alternateRefsCommand', 'false'],
  ['core.quotePath', 'false'],
  ['core.logAllRefUpdates', 'true'],
  ['credential.helper', ''],
  ['commit.gpgSign', 'false'],
  ['tag.gpgSign', 'false'],
  ['merge.verifySignatures', 'false'],
  ['log.showSignature', 'false'],
  ['gpg.program', 'false'],
  ['gpg.openpgp.program', 'false'],
  ['gpg.x509.program', 'false'],
  ['gpg.ssh.program', 'false'],
  ['gpg.ssh.defaultKeyCommand', ''],
  ['diff.external', ''],
  ['diff.orderFile', NULL_FILE],
  ['diff.noprefix', 'false'],
  ['diff.mnemonicPrefix', 'false'],
  ['diff.relative', 'false'],
  ['diff.submodule', 'short'],
  ['color.ui', 'false'],
  ['status.submoduleSummary', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['protocol.allow', 'never'],
  ['protocol.ext.allow', 'never'],
  ['protocol.file.allow', 'never'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['safe.directory', '*'],
  ['user.name', 'Signalbox'],
  ['user.email', 'signalbox@localhost'],
  ['user.useConfigOnly', 'true'],
];

/** Matches the names of all settings through which attributes or newer hooks run a program; for `git config --get-regexp`. */
export const DRIVER_PATTERN =
  '^(filter\\..*\\.(clean|smudge|process|required)|merge\\..*\\.driver|diff\\..*\\.(command|textconv)|hook\\..*\\.(command|event))$';

const MAX_DRIVERS = 500;

/** Why a repository's configuration cannot be made harmless; git must then not run at all. */
export class UnsafeGitConfig extends Error {}

/** The overrides that make harmless every driver in the NUL-separated list of names; throws UnsafeGitConfig for names we could not repeat exactly. */
export function neutraliseDrivers(names: Buffer): GitSetting[] {
  const settings = new Map<string, string>();
  for (const name of decodeNames(names)) {
    const base = name.slice(0, name.lastIndexOf('.'));
    if (name.startsWith('filter.')) {
      for (const part of ['clean', 'smudge', 'process']) settings.set(`${base}.${part}`, '');
      settings.set(`${base}.required`, 'false');
    } else if (name.startsWith('merge.')) {
      settings.set(name, TEXT_MERGE);
    } else if (name.startsWith('hook.')) {
      settings.set(`${base}.event`, '');
      settings.set(`${base}.enabled`, 'false');
    } else {
      settings.set(name, '');
    }
  }
  return [...settings];
}

function decodeNames(names: Buffer): string[] {
  const text = names.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(names)) {
    throw new UnsafeGitConfig("A filter, merge or diff driver has a name that is not UTF-8. Rename it in the repository's configuration.");
  }
  const unique = [...new Set(text.split('\0').filter((name) => name !== ''))];
  if (unique.length > MAX_DRIVERS) {
    throw new UnsafeGitConfig(`The configuration defines ${unique.length} driver settings; at most ${MAX_DRIVERS} are accepted.`);
  }
  return unique;
}

// Only what says which index and further objects to use, who wrote and when; everything else is ours to set.
const CALLER_VARIABLE = /^GIT_(INDEX_FILE|ALTERNATE_OBJECT_DIRECTORIES|(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE))$/;

/** The whole environment of a git process; `extra` may set only the index file, further objects, and the author's and committer's name, email and date. */
export function gitEnvironment(
  where: GitWhere,
  settings: readonly GitSetting[],
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  for (const name of Object.keys(extra)) {
    if (!CALLER_VARIABLE.test(name)) throw new TypeError(`${name} may not be set for git`);
  }
  const env: Record<string, string> = {
    ...inheritedVariables(),
    LANG: 'C',
    LC_ALL: 'C',
    // An include of "~/..." must neither fail nor read the person's files.
    HOME: NULL_FILE,
    XDG_CONFIG_HOME: NULL_FILE,
    GIT_DIR: where.gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: NULL_FILE,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_EDITOR: 'true',
    GIT_PAGER: 'cat',
    GIT_ASKPASS: '',
    // A partial clone would fetch missing objects through whatever transport its configuration names.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_PROTOCOL_FROM_USER: '0',
    // What is shown and approved must be what is stored, not a replacement of it.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: NULL_FILE,
    GIT_LITERAL_PATHSPECS: '1',
    ...extra,
  };
  if (where.workTree !== undefined) env['GIT_WORK_TREE'] = where.workTree;
  if (where.commonDir !== undefined) env['GIT_COMMON_DIR'] = where.commonDir;
  const all = [...FIXED_SETTINGS, ...settings];
  env['GIT_CONFIG_COUNT'] = String(all.length);
  all.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return env;
}

function inheritedVariables(): Record<string, string> {
  const kept: Record<string, string> = { PATH: searchPath().join(delimiter) };
  // The tag of an attempt, so that a git which outlives the attempt's process is found and ended with it.
  const tag = process.env['SIGNALBOX_ATTEMPT'];
  if (tag !== undefined) kept['SIGNALBOX_ATTEMPT'] = tag;
  if (process.platform !== 'win32') return kept;
  for (const name of ['SystemRoot', 'TEMP', 'TMP', 'PATHEXT', 'ComSpec']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

// A relative entry would let a file of the repository stand in for a program.
function searchPath(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((entry) => isAbsolute(entry));
}

/** The absolute path of the git binary from PATH, or undefined; relative entries of PATH do not count. */
export function findGitBinary(): string | undefined {
  const name = process.platform === 'win32' ? 'git.exe' : 'git';
  return searchPath()
    .map((entry) => join(entry, name))
    .find((candidate) => isExecutable(candidate));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

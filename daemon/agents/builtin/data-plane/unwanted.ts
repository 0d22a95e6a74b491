/**
 * Finds tracked files that should not be tracked, from their paths alone.
 *
 * 1. Only what is certain: a folder name that people also use for sources needs a second sign beside or below it.
 * 2. A folder is one group, however many files it holds.
 * 3. What lies below tests, fixtures, examples or documentation, or what the repository's own .gitignore un-ignores, is
 *    taken to be on purpose: counted, not reported.
 */
import type { FindingRule } from '../../../../shared/artifacts/findings.ts';
import type { TrackedFile, Tree } from './tree.ts';
import { folderOf, holds, isSample, joinPath, nameOf } from './tree.ts';

/** Tracked files that belong together and have one reason to go. */
export interface UnwantedGroup {
  rule: FindingRule;
  /** The folder, or where the files lie; the empty text for the root. */
  place: string;
  /** True when everything below `place` is meant. */
  folder: boolean;
  files: TrackedFile[];
  /** What it is, for a person: `installed packages`. */
  what: string;
  /** Line of .gitignore that would have kept it out, without a leading slash. */
  entry: string;
}

interface Kind {
  rule: FindingRule;
  what: string;
  entry: string;
}

type FolderTest = (tree: Tree, folder: string) => boolean;
type FolderKind = Omit<Kind, 'entry'> & { sure: FolderTest };

const below =
  (...names: string[]): FolderTest =>
  (tree, folder) =>
    names.some((name) => holds(tree, joinPath(folder, name)));
const beside =
  (...names: string[]): FolderTest =>
  (tree, folder) =>
    names.some((name) => holds(tree, joinPath(folderOf(folder), name)));
const both =
  (a: FolderTest, b: FolderTest): FolderTest =>
  (tree, folder) =>
    a(tree, folder) && b(tree, folder);
const always: FolderTest = () => true;

const isBuildTarget: FolderTest = (tree, folder) =>
  both(beside('Cargo.toml'), below('.rustc_info.json', 'CACHEDIR.TAG', 'debug', 'release'))(tree, folder) ||
  both(beside('pom.xml'), below('classes', 'maven-status', 'maven-archiver', 'test-classes', 'surefire-reports'))(tree, folder);

const cache = 'a cache that tools make again';
const FOLDERS = new Map<string, FolderKind>([
  // A JavaScript action on GitHub has to carry its packages: there it is on purpose.
  [
    'node_modules',
    {
      rule: 'tracked-dependencies',
      what: 'installed packages',
      sure: (tree, folder) => !beside('action.yml', 'action.yaml')(tree, folder),
    },
  ],
  ['__pycache__', { rule: 'tracked-cache', what: 'compiled Python files', sure: always }],
  ['.pytest_cache', { rule: 'tracked-cache', what: cache, sure: always }],
  ['.mypy_cache', { rule: 'tracked-cache', what: cache, sure: always }],
  ['.ruff_cache', { rule: 'tracked-cache', what: cache, sure: always }],
  ['.tox', { rule: 'tracked-cache', what: cache, sure: always }],
  ['.nyc_output', { rule: 'tracked-coverage', what: 'a coverage report', sure: always }],
  [
    'coverage',
    { rule: 'tracked-coverage', what: 'a coverage report', sure: below('lcov.info', 'lcov-report', 'coverage-final.json', 'clover.xml') },
  ],
  ['htmlcov', { rule: 'tracked-coverage', what: 'a coverage report', sure: below('status.json', 'coverage_html.js') }],
  ['target', { rule: 'tracked-build-output', what: 'build output', sure: isBuildTarget }],
  ['obj', { rule: 'tracked-build-output', what: 'build output', sure: below('project.assets.json', 'Debug', 'Release') }],
  ['_build', { rule: 'tracked-build-output', what: 'build output', sure: both(beside('mix.exs'), below('dev', 'test', 'prod')) }],
  ['.next', { rule: 'tracked-build-output', what: 'build output', sure: below('BUILD_ID', 'build-manifest.json') }],
  [
    '.gradle',
    {
      rule: 'tracked-cache',
      what: cache,
      sure: beside('build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'gradlew'),
    },
  ],
  ['.terraform', { rule: 'tracked-dependencies', what: 'downloaded providers', sure: below('providers', 'modules', 'plugins') }],
  ['.vs', { rule: 'tracked-editor-file', what: "one person's editor state", sure: always }],
  ['xcuserdata', { rule: 'tracked-editor-file', what: "one person's editor state", sure: always }],
]);

const FILES: { test: RegExp; kind: Kind }[] = [
  { test: /^\.DS_Store$/, kind: { rule: 'tracked-system-file', what: 'files that macOS leaves behind', entry: '.DS_Store' } },
  { test: /^Thumbs\.db$/, kind: { rule: 'tracked-system-file', what: 'files that Windows leaves behind', entry: 'Thumbs.db' } },
  { test: /\.py[co]$/, kind: { rule: 'tracked-cache', what: 'compiled Python files', entry: '*.py[co]' } },
  { test: /^\..+\.sw[a-p]$/, kind: { rule: 'tracked-editor-file', what: 'swap files of an editor', entry: '.*.sw[a-p]' } },
  { test: /\.suo$/, kind: { rule: 'tracked-editor-file', what: "one person's editor state", entry: '*.suo' } },
  { test: /\.log$/, kind: { rule: 'tracked-log', what: 'log files', entry: '*.log' } },
  { test: /^\.coverage$/, kind: { rule: 'tracked-coverage', what: 'coverage data', entry: '.coverage' } },
];
const IDEA = /(?:^|\/)\.idea\/(?:workspace|tasks|usage\.statistics)\.xml$/;

function kindOfFolder(tree: Tree, folder: string): Kind | undefined {
  const name = nameOf(folder);
  // Whatever it is called, a folder with pyvenv.cfg is a Python environment.
  if (tree.byPath.has(joinPath(folder, 'pyvenv.cfg')))
    return { rule: 'tracked-dependencies', what: 'a Python environment', entry: `${name}/` };
  const kind = FOLDERS.get(name);
  return kind?.sure(tree, folder) === true ? { rule: kind.rule, what: kind.what, entry: `${name}/` } : undefined;
}

function kindOfFile(path: string): Kind | undefined {
  if (IDEA.test(path)) return { rule: 'tracked-editor-file', what: "one person's editor state", entry: `.idea/${nameOf(path)}` };
  const name = nameOf(path);
  return FILES.find((candidate) => candidate.test.test(name))?.kind;
}

/** Groups the tracked files that should not be tracked; `onPurpose` counts those that were left out by invariant 3. */
export function groupUnwanted(tree: Tree, isUnignored: (path: string) => boolean): { groups: UnwantedGroup[]; onPurpose: number } {
  const rootOf = rootFinder(tree);
  const groups = new Map<string, UnwantedGroup>();
  let onPurpose = 0;
  for (const file of tree.files) {
    if (file.mode === '160000') continue;
    const root = rootOf(folderOf(file.path));
    const kind = root?.kind ?? kindOfFile(file.path);
    if (kind === undefined) continue;
    if (isSample(root === undefined ? file.path : root.folder) || isUnignored(file.path)) {
      onPurpose += 1;
      continue;
    }
    const place = root?.folder ?? folderOf(file.path);
    const key = `${kind.rule}\0${place}\0${root === undefined ? kind.entry : ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...kind, place, folder: root !== undefined, files: [file] });
    else group.files.push(file);
  }
  return { groups: [...groups.values()], onPurpose };
}

function rootFinder(tree: Tree): (folder: string) => { folder: string; kind: Kind } | undefined {
  const known = new Map<string, { folder: string; kind: Kind } | undefined>([['', undefined]]);
  const find = (folder: string): { folder: string; kind: Kind } | undefined => {
    if (known.has(folder)) return known.get(folder);
    const above = find(folderOf(folder));
    const kind = above === undefined ? kindOfFolder(tree, folder) : undefined;
    const found = above ?? (kind === undefined ? undefined : { folder, kind });
    known.set(folder, found);
    return found;
  };
  return find;
}

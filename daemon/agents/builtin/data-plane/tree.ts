/** One entry of a commit's tree, as git names it; sizes in bytes, 0 for what has none. */
export interface TrackedFile {
  path: string;
  mode: string;
  oid: string;
  size: number;
}

/** A commit's files, with the look-ups that the rules need. */
export interface Tree {
  files: readonly TrackedFile[];
  byPath: ReadonlyMap<string, TrackedFile>;
  /** Every folder that holds a tracked file, at any depth; the root is the empty text. */
  folders: ReadonlySet<string>;
}

/** Folder of a path; the empty text for the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** Last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Joins a folder, which may be the root, and a name. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Number of folders above a path. */
export function depthOf(path: string): number {
  return path.split('/').length - 1;
}

/** Builds the look-ups once for all rules. */
export function indexTree(files: readonly TrackedFile[]): Tree {
  const byPath = new Map<string, TrackedFile>();
  const folders = new Set<string>(['']);
  for (const file of files) {
    byPath.set(file.path, file);
    for (let folder = folderOf(file.path); !folders.has(folder); folder = folderOf(folder)) folders.add(folder);
  }
  return { files, byPath, folders };
}

/** Whether a tracked file or folder of that path exists. */
export function holds(tree: Tree, path: string): boolean {
  return tree.byPath.has(path) || tree.folders.has(path);
}

const SAMPLE_FOLDER =
  /^(?:__)?(?:tests?|testdata|test-data|testing|specs?|e2e|fixtures?|mocks?|snapshots?|samples?|examples?|demos?|docs?|documentation|templates?|benchmarks?|integration[-_]tests?|unit[-_]tests?|testsuite)(?:__)?$/i;
const SAMPLE_SUFFIX = /(?:^|[-_.])(?:tests?|fixtures?|testdata|examples?|samples?)$/i;

// As the test runners of Go, JavaScript, Python, Ruby, Java and C# find them.
const TEST_FILE = /(?:[_.](?:test|spec)\.[a-z]{1,5}|^test_[^/]*\.py|Tests?\.(?:java|kt|scala|cs))$/;

/** Whether a file is a test, or lies below tests, fixtures, examples or documentation, where odd files are often there on purpose. */
export function isSample(path: string): boolean {
  const folders = path.split('/');
  const file = folders.pop() ?? '';
  return TEST_FILE.test(file) || folders.some((folder) => SAMPLE_FOLDER.test(folder) || SAMPLE_SUFFIX.test(folder));
}

const FOREIGN_FOLDER = /(?:^|\/)(?:node_modules|bower_components|vendor|vendored|third[-_]?party|external|deps|Pods|Carthage)(?:\/|$)/i;

/** Whether a path lies in a folder of somebody else's code that was copied in. */
export function isForeign(path: string): boolean {
  return FOREIGN_FOLDER.test(folderOf(path));
}

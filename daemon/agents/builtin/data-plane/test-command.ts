import type { TestCommand } from '../../../../shared/artifacts/findings.ts';
import type { Tree } from './tree.ts';

/** What the search looks at: the commit's files, and the texts of those at the root that were read. */
export interface RootTexts {
  tree: Tree;
  text(path: string): string | undefined;
}

type Search = (root: RootTexts) => TestCommand | undefined;

/** Files in which Python's packages are named. */
const REQUIREMENTS = [
  'requirements-dev.txt',
  'requirements-test.txt',
  'requirements_dev.txt',
  'dev-requirements.txt',
  'test-requirements.txt',
  'requirements.txt',
  'Pipfile',
];
/** Files at the root whose text the search needs. */
export const TEST_SOURCES: readonly string[] = [
  'package.json',
  'deno.json',
  'deno.jsonc',
  'pyproject.toml',
  'pytest.ini',
  'tox.ini',
  'setup.cfg',
  ...REQUIREMENTS,
  'Cargo.toml',
  'go.mod',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'composer.json',
  'Rakefile',
  '.rspec',
  'mix.exs',
  'Package.swift',
  'GNUmakefile',
  'makefile',
  'Makefile',
];

/** The command that runs the repository's own tests, with the line that says so; the first ecosystem at the root wins. */
export function findTestCommand(root: RootTexts): TestCommand | undefined {
  for (const search of SEARCHES) {
    const found = search(root);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Package manager of a Node project at the root: its own field, then the lock file, then npm. */
export function nodePackageManager({ tree, text }: RootTexts): string {
  const named = /"packageManager"\s*:\s*"(npm|pnpm|yarn|bun)@/.exec(text('package.json') ?? '')?.[1];
  if (named !== undefined) return named;
  if (tree.byPath.has('pnpm-lock.yaml')) return 'pnpm';
  if (tree.byPath.has('yarn.lock')) return 'yarn';
  if (tree.byPath.has('bun.lock') || tree.byPath.has('bun.lockb')) return 'bun';
  return 'npm';
}

const inNode: Search = (root) => {
  const script = readScript(root.text('package.json'), 'scripts');
  if (script === undefined || /no test specified/.test(script.value)) return undefined;
  const manager = nodePackageManager(root);
  // `bun test` is bun's own runner; the script needs `run`.
  return command(manager === 'bun' ? ['bun', 'run', 'test'] : [manager, 'test'], 'package.json', script.line);
};

const inDeno: Search = (root) => {
  for (const file of ['deno.json', 'deno.jsonc']) {
    const script = readScript(root.text(file), 'tasks');
    if (script !== undefined) return command(['deno', 'task', 'test'], file, script.line);
  }
  return undefined;
};

const PYTEST_SIGNS: [file: string, sign: RegExp][] = [
  ['pytest.ini', /^\s*\[pytest\]/m],
  ['pyproject.toml', /^\s*\[tool\.pytest(?:\.ini_options)?\]/m],
  ['tox.ini', /^\s*\[pytest\]/m],
  ['setup.cfg', /^\s*\[tool:pytest\]/m],
];
const PYTEST_REQUIREMENTS = ['pyproject.toml', ...REQUIREMENTS];

const inPython: Search = (root) => {
  const pytest = (file: string, line: number): TestCommand => command([...pythonPrefix(root.tree), 'pytest'], file, line);
  for (const [file, sign] of PYTEST_SIGNS) {
    const line = lineOf(root.text(file), sign);
    if (line !== undefined) return pytest(file, line);
  }
  const tox = lineOf(root.text('tox.ini'), /^\s*\[(?:tox|testenv)\]/m);
  if (tox !== undefined) return command(['tox'], 'tox.ini', tox);
  for (const file of PYTEST_REQUIREMENTS) {
    const line = lineOf(root.text(file), /^[ \t]*["']?pytest(?![\w-])/m);
    if (line !== undefined) return pytest(file, line);
  }
  return root.tree.byPath.has('manage.py') ? command([...pythonRunner(root.tree), 'manage.py', 'test'], 'manage.py', 1) : undefined;
};

function pythonTool(tree: Tree): string | undefined {
  if (tree.byPath.has('uv.lock')) return 'uv';
  if (tree.byPath.has('poetry.lock')) return 'poetry';
  if (tree.byPath.has('pdm.lock')) return 'pdm';
  return tree.byPath.has('Pipfile') ? 'pipenv' : undefined;
}

function pythonPrefix(tree: Tree): string[] {
  const tool = pythonTool(tree);
  return tool === undefined ? ['python3', '-m'] : [tool, 'run'];
}

function pythonRunner(tree: Tree): string[] {
  const tool = pythonTool(tree);
  return tool === undefined ? ['python3'] : [tool, 'run', 'python'];
}

const inGo: Search = ({ tree, text }) => {
  const line = lineOf(text('go.mod'), /^module\s/m);
  if (line === undefined || !tree.files.some((file) => file.path.endsWith('_test.go'))) return undefined;
  return command(['go', 'test', './...'], 'go.mod', line);
};

const inRust: Search = ({ text }) => {
  const line = lineOf(text('Cargo.toml'), /^\s*\[(?:package|workspace)\]/m);
  return line === undefined ? undefined : command(['cargo', 'test'], 'Cargo.toml', line);
};

const inMaven: Search = ({ tree, text }) => {
  const line = lineOf(text('pom.xml'), /<project[\s>]/);
  return line === undefined ? undefined : command([wrapper(tree, 'mvnw', 'mvn'), 'test'], 'pom.xml', line);
};

const inGradle: Search = ({ tree }) => {
  const file = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'].find((name) => tree.byPath.has(name));
  return file === undefined ? undefined : command([wrapper(tree, 'gradlew', 'gradle'), 'test'], file, 1);
};

function wrapper(tree: Tree, name: string, program: string): string {
  return tree.byPath.get(name)?.mode === '100755' ? `./${name}` : program;
}

const inRuby: Search = ({ text }) => {
  const rspec = text('.rspec');
  if (rspec !== undefined) return command(['bundle', 'exec', 'rspec'], '.rspec', 1);
  const line = lineOf(text('Rakefile'), /^\s*(?:Rake::TestTask\.new|Minitest::TestTask\.create|task\s*\(?:?["']?test\b)/m);
  return line === undefined ? undefined : command(['bundle', 'exec', 'rake', 'test'], 'Rakefile', line);
};

const inPhp: Search = ({ tree, text }) => {
  const script = readScript(text('composer.json'), 'scripts');
  if (script !== undefined) return command(['composer', 'test'], 'composer.json', script.line);
  const file = ['phpunit.xml', 'phpunit.xml.dist', 'phpunit.dist.xml'].find((name) => tree.byPath.has(name));
  return file === undefined ? undefined : command(['vendor/bin/phpunit'], file, 1);
};

const inDotnet: Search = ({ tree }) => {
  const file = tree.files.find(({ path }) => /^[^/]+\.(?:slnx?|csproj|fsproj|vbproj)$/.test(path));
  return file === undefined ? undefined : command(['dotnet', 'test'], file.path, 1);
};

const inElixir: Search = ({ tree }) =>
  tree.byPath.has('mix.exs') && tree.folders.has('test') ? command(['mix', 'test'], 'mix.exs', 1) : undefined;

const inSwift: Search = ({ tree }) =>
  tree.byPath.has('Package.swift') && tree.folders.has('Tests') ? command(['swift', 'test'], 'Package.swift', 1) : undefined;

const inMake: Search = ({ text }) => {
  // make itself looks for them in this order.
  for (const file of ['GNUmakefile', 'makefile', 'Makefile']) {
    const line = lineOf(text(file), /^test[ \t]*::?(?!=)/m);
    if (line !== undefined) return command(['make', 'test'], file, line);
  }
  return undefined;
};

const SEARCHES: readonly Search[] = [
  inNode,
  inDeno,
  inPython,
  inGo,
  inRust,
  inMaven,
  inGradle,
  inRuby,
  inPhp,
  inDotnet,
  inElixir,
  inSwift,
  inMake,
];

function command(argv: string[], file: string, line: number): TestCommand {
  return { argv, source: { file, line } };
}

/** Line, from 1, of the first match; undefined when there is none or no text. */
export function lineOf(text: string | undefined, pattern: RegExp): number | undefined {
  const match = text === undefined ? null : pattern.exec(text);
  if (text === undefined || match === null) return undefined;
  // A pattern that allows leading blanks may begin on an empty line before what it means.
  const at = match.index + (match[0].length - match[0].trimStart().length);
  return text.slice(0, at).split('\n').length;
}

/** The script `test` in one table of a JSON manifest: its text and its line. */
function readScript(text: string | undefined, table: 'scripts' | 'tasks'): { value: string; line: number } | undefined {
  const value = text === undefined ? undefined : valueOfScript(text, table);
  if (text === undefined || value === undefined) return undefined;
  const start = text.search(new RegExp(`(?<!\\\\)"${table}"\\s*:`));
  const at = start < 0 ? -1 : text.slice(start).search(/(?<!\\)"test"\s*:/);
  return at < 0 ? undefined : { value, line: text.slice(0, start + at).split('\n').length };
}

function valueOfScript(text: string, table: string): string | undefined {
  try {
    const manifest = JSON.parse(text) as Record<string, unknown> | null;
    const scripts = manifest?.[table] as Record<string, unknown> | null | undefined;
    const script = scripts?.['test'];
    return script === undefined || script === null ? undefined : JSON.stringify(script);
  } catch {
    // Not JSON, or JSON with comments: then the repository's own tools decide, and we say nothing.
    return undefined;
  }
}

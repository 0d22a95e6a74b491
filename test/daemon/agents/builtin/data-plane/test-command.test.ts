import assert from 'node:assert/strict';
import { describeProject } from '../../../../../daemon/agents/builtin/data-plane/project.ts';
import { findTestCommand } from '../../../../../daemon/agents/builtin/data-plane/test-command.ts';
import { indexTree, type Tree } from '../../../../../daemon/agents/builtin/data-plane/tree.ts';

function treeOf(files: Record<string, string>, executable: string[] = []): Tree {
  return indexTree(
    Object.keys(files).map((path) => ({
      path,
      mode: executable.includes(path) ? '100755' : '100644',
      oid: '0'.repeat(40),
      size: files[path]?.length ?? 0,
    })),
  );
}

function search(files: Record<string, string>, executable: string[] = []): string {
  const found = findTestCommand({ tree: treeOf(files, executable), text: (path) => files[path] });
  return found === undefined ? 'none' : `${found.argv.join(' ')} @ ${found.source.file}:${found.source.line}`;
}

const scripts = (test: string): string => JSON.stringify({ name: 'x', scripts: { lint: 'x', test } }, null, 2);

describe('data-plane: findTestCommand', () => {
  const cases: [name: string, files: Record<string, string>, expected: string, executable?: string[]][] = [
    ['npm', { 'package.json': scripts('mocha') }, 'npm test @ package.json:5'],
    ["npm's own default is none", { 'package.json': scripts('echo "Error: no test specified" && exit 1') }, 'none'],
    ['pnpm by its lock file', { 'package.json': scripts('x'), 'pnpm-lock.yaml': '' }, 'pnpm test @ package.json:5'],
    [
      'yarn by its own field',
      { 'package.json': '{"packageManager": "yarn@4.1.0",\n"scripts": {"test": "x"}}' },
      'yarn test @ package.json:2',
    ],
    ['bun runs the script', { 'package.json': scripts('x'), 'bun.lock': '' }, 'bun run test @ package.json:5'],
    ['a script of another table is none', { 'package.json': '{"scripts": {"a": "\\"test\\": 1"}, "jest": {"test": "x"}}' }, 'none'],
    ['a manifest that is not JSON is none', { 'package.json': '{"scripts": {"test": ' }, 'none'],
    ['pytest in pyproject', { 'pyproject.toml': '[project]\n\n[tool.pytest.ini_options]\n' }, 'python3 -m pytest @ pyproject.toml:3'],
    ['pytest with uv', { 'pyproject.toml': '[tool.pytest.ini_options]\n', 'uv.lock': '' }, 'uv run pytest @ pyproject.toml:1'],
    ['pytest with poetry', { 'setup.cfg': '[tool:pytest]\n', 'poetry.lock': '' }, 'poetry run pytest @ setup.cfg:1'],
    ['tox', { 'tox.ini': '[tox]\n' }, 'tox @ tox.ini:1'],
    ['pytest among the requirements', { 'requirements-dev.txt': 'flake8\npytest>=7\n' }, 'python3 -m pytest @ requirements-dev.txt:2'],
    ['pytest-cov alone is not pytest', { 'requirements.txt': 'pytest-cov\n' }, 'none'],
    ['go', { 'go.mod': '// a\nmodule x\n', 'a_test.go': '' }, 'go test ./... @ go.mod:2'],
    ['go without tests', { 'go.mod': 'module x\n' }, 'none'],
    ['cargo', { 'Cargo.toml': '# x\n[workspace]\n' }, 'cargo test @ Cargo.toml:2'],
    ['maven', { 'pom.xml': '<?xml?>\n<project>\n' }, 'mvn test @ pom.xml:2'],
    ['maven with its wrapper', { 'pom.xml': '<project>\n', mvnw: '' }, './mvnw test @ pom.xml:1', ['mvnw']],
    ['gradle, wrapper not executable', { 'build.gradle.kts': '', gradlew: '' }, 'gradle test @ build.gradle.kts:1'],
    ['rake', { Rakefile: "require 'rake'\n\nRake::TestTask.new do |t|\n" }, 'bundle exec rake test @ Rakefile:3'],
    ['composer', { 'composer.json': '{\n"scripts": {\n"test": ["phpunit"]}}' }, 'composer test @ composer.json:3'],
    ['dotnet', { 'App.sln': '' }, 'dotnet test @ App.sln:1'],
    ['make', { Makefile: 'TEST = x\ntest := y\nall: test\n\ntest: all\n\t./t\n' }, 'make test @ Makefile:5'],
    ['an ecosystem before make', { Makefile: 'test:\n', 'Cargo.toml': '[package]\n' }, 'cargo test @ Cargo.toml:1'],
    ['nothing', { 'README.md': '' }, 'none'],
    ['only the root counts', { 'sub/package.json': scripts('x') }, 'none'],
  ];
  for (const [name, files, expected, executable] of cases) {
    it(name, () => assert.equal(search(files, executable), expected));
  }
});

describe('data-plane: describeProject', () => {
  it('reads a monorepo, the nearest to the root first, and skips samples and copies', () => {
    const project = describeProject(
      treeOf({
        'package.json': '',
        'pnpm-lock.yaml': '',
        'services/api/go.mod': '',
        'services/ml/pyproject.toml': '',
        'services/ml/uv.lock': '',
        'examples/x/Cargo.toml': '',
        'vendor/y/composer.json': '',
        'vendor/y/.github/workflows/a.yml': '',
        '.gitlab-ci.yml': '',
        'ci/Jenkinsfile': '',
      }),
      () => false,
    );
    assert.deepEqual(project, { types: ['node', 'go', 'python'], packageManagers: ['pnpm', 'go', 'uv'], ci: ['gitlab', 'jenkins'] });
  });

  it('names the managers that need no lock file', () => {
    assert.deepEqual(describeProject(treeOf({ 'package.json': '', 'setup.py': '' }), () => false).packageManagers, ['npm', 'pip']);
  });
});

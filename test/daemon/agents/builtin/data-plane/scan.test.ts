import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scanCommit } from '../../../../../daemon/agents/builtin/data-plane/scan.ts';
import { Findings } from '../../../../../shared/artifacts/findings.ts';
import {
  armRepo,
  commitFiles,
  type Files,
  git,
  HOSTILE_ATTRIBUTES,
  makeRepo,
  makeTrap,
  removeTempFolders,
  tempFolder,
  writeFiles,
} from '../../../../support/repos.ts';

// Put together here, so that no scanner of a host takes this file for a leak.
const TOKEN = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
const PASSWORD = ['s3cr', 'et-value-9'].join('');

async function scan(repo: string): Promise<Findings> {
  const commit = git(repo, 'rev-parse', 'HEAD');
  const gitDir = git(repo, 'rev-parse', '--absolute-git-dir');
  return Findings.parse(await scanCommit({ gitDir }, commit));
}

/** A repository whose commit holds these files, ignored ones too. */
function makeForced(files: Files): string {
  const repo = makeRepo({});
  writeFiles(repo, files);
  git(repo, 'add', '--all', '--force');
  git(repo, 'commit', '--quiet', '-m', 'forced');
  return repo;
}

const brief = (found: Findings): string[] =>
  found.findings.map((f) => `${f.severity} ${f.rule} ${f.file}${f.line === undefined ? '' : `:${f.line}`}`);
const byRule = (found: Findings, rule: string): Findings['findings'] => found.findings.filter((f) => f.rule === rule);

const CLEAN = {
  '.gitignore': 'node_modules/\n*.log\n',
  'package.json': '{\n  "name": "a",\n  "scripts": {\n    "build": "tsc",\n    "test": "mocha"\n  },\n  "dependencies": { "x": "1" }\n}\n',
  'package-lock.json': '{}\n',
  '.github/workflows/ci.yml': 'on: push\n',
  'src/a.js': 'export const a = 1;\n',
};

describe('data-plane: scanCommit', () => {
  afterEach(removeTempFolders);

  it('finds nothing in a clean repository, and says what the project is', async () => {
    const found = await scan(makeRepo(CLEAN));
    assert.deepEqual(brief(found), []);
    assert.deepEqual(found.project.types, ['node']);
    assert.deepEqual(found.project.packageManagers, ['npm']);
    assert.deepEqual(found.project.ci, ['github-actions']);
    assert.deepEqual(found.project.testCommand, { argv: ['npm', 'test'], source: { file: 'package.json', line: 5 } });
    assert.equal(found.project.files, 5);
    assert.equal(found.truncated, undefined);
  });

  it('finds each planted problem at its file and line', async () => {
    const repo = makeRepo({
      'package.json': '{\n  "devDependencies": { "x": "1" }\n}\n',
      'node_modules/x/index.js': 'x\n',
      'node_modules/x/package.json': '{}\n',
      '.DS_Store': 'x',
      'src/.DS_Store': 'x',
      'npm-debug.log': 'x\n',
      '.env': `PORT=80\nAPI_SECRET=${PASSWORD}\n`,
      '.env.example': 'API_SECRET=\n',
      'src/config.js': `// one\n// two\nconst t = "${TOKEN}";\n`,
      '.idea/workspace.xml': '<project/>\n',
      'src/.a.js.swp': 'x',
      'coverage/lcov.info': 'x\n',
      'coverage/lcov-report/index.html': 'x\n',
      'data/huge.bin': Buffer.alloc(5_000_001, 'x'),
    });
    const found = await scan(repo);
    assert.deepEqual(
      brief(found).filter((line) => !line.includes('missing-ignore-entry')),
      [
        'high secret src/config.js:3',
        'high tracked-environment .env:2',
        'medium large-file data/huge.bin',
        'medium tracked-dependencies node_modules',
        'low tracked-coverage coverage',
        'low tracked-editor-file .idea/workspace.xml',
        'low tracked-editor-file src/.a.js.swp',
        'low tracked-log npm-debug.log',
        'low tracked-system-file .DS_Store',
        'low tracked-system-file src/.DS_Store',
      ],
    );
    assert.equal(byRule(found, 'secret')[0]?.column, 12);
    const entries = byRule(found, 'missing-ignore-entry').map((f) => f.data?.entry ?? '');
    assert.deepEqual(
      new Set(entries),
      new Set(['*.log', '.*.sw[a-p]', '.DS_Store', '.env', '.idea/workspace.xml', 'coverage/', 'node_modules/']),
    );
    assert.equal(JSON.stringify(found).includes(TOKEN), false);
    assert.equal(JSON.stringify(found).includes(PASSWORD), false);
  });

  it('makes one finding of a committed node_modules, with its count', async () => {
    const files: Record<string, string> = { 'package.json': '{"dependencies":{"a":"1"}}', '.gitignore': 'node_modules\n' };
    for (let i = 0; i < 3_000; i++) files[`node_modules/p${i % 50}/f${i}.js`] = `token = '${TOKEN}' // ${i}\n`;
    const found = await scan(makeForced(files));
    assert.deepEqual(brief(found), ['medium tracked-dependencies node_modules']);
    assert.deepEqual(found.findings[0]?.data, { count: 3_000, bytes: found.findings[0]?.data?.bytes, folder: true });
    assert.ok(found.notes.some((note) => note.startsWith('3,000 files in folders that should not be tracked')));
  });

  it('takes git at its word about what is ignored', async () => {
    const found = await scan(
      makeForced({
        '.gitignore': '# build\n/out/*\n!/out/keep.txt\n!important.log\n',
        'out/made.txt': 'x',
        'out/keep.txt': 'x',
        'sub/.gitignore': '*.gen\n',
        'sub/deep/a.gen': 'x',
        'a.gen': 'x',
        'important.log': 'on purpose\n',
      }),
    );
    assert.deepEqual(brief(found), ['info tracked-ignored .gitignore:2', 'info tracked-ignored sub/.gitignore:1']);
    assert.deepEqual(
      found.findings.map((f) => f.data?.paths),
      [['out/made.txt'], ['sub/deep/a.gen']],
    );
  });

  it('leaves alone what only looks alike', async () => {
    const found = await scan(
      makeForced({
        'target/notes.md': 'a goal\n',
        'venv/readme.md': 'x\n',
        'coverage/index.md': 'x\n',
        'test/fixtures/node_modules/a/index.js': 'x\n',
        'test/data/sample.log': 'x\n',
        '.env.example': `SECRET=${PASSWORD}\n`,
        'Cargo.toml': '[package]\n',
        '.gitignore': '/target\n__pycache__\n.env\n',
        'src/target/mod.rs': '// x\n',
      }),
    );
    // The note tells that `/target` and the tracked notes contradict each other.
    assert.deepEqual(brief(found), ['info tracked-ignored .gitignore:1']);
    assert.ok(found.notes.some((note) => note.includes('2 files that would not belong here otherwise')));
  });

  it('anchors an entry that would hide sources, and asks for none that is there', async () => {
    const found = await scan(
      makeRepo({
        'crate/Cargo.toml': '[package]\n',
        'crate/src/lib.rs': '// x\n',
        'docs-src/target/index.md': 'x\n',
        'app/pyproject.toml': '[project]\n',
        'app/a.py': 'x = 1\n',
        'app/.gitignore': '*.py[cod]\n__pycache__\n',
      }),
    );
    assert.deepEqual(
      byRule(found, 'missing-ignore-entry').map((f) => f.data?.entry),
      ['/crate/target/'],
    );
  });

  it('reads environment files: shared ones are found only with a secret in them', async () => {
    const found = await scan(
      makeForced({
        '.gitignore': '.env.local\n.env.*.local\n',
        '.env': 'PORT=80\n',
        '.env.production': `A=1\nDB_PASSWORD="${PASSWORD}"\n`,
        '.env.staging': 'DB_PASSWORD=changeme\n',
        'api/.env.local': 'X=1\n',
      }),
    );
    assert.deepEqual(
      brief(found).filter((line) => line.includes('environment')),
      ['medium tracked-environment .env.production:2', 'low tracked-environment api/.env.local'],
    );
  });

  it('lowers what stands in tests and documentation, and drops placeholders', async () => {
    const found = await scan(
      makeRepo({
        'README.md': `token ${TOKEN}\n`,
        'test/a.js': `\n"${TOKEN}"\n`,
        'src/db.js': `"postgres://user:password@db.internal.company.net/x"\n`,
        'config/a.env': `URL=mysql://app:!ChangeMe!@db.internal.company.net/x\n`,
        'src/local.js': `"postgres://admin:${PASSWORD}@localhost:5432/x"\n`,
        'src/live.js': `"postgres://admin:${PASSWORD}@db.internal.company.net/x"\n`,
      }),
    );
    assert.deepEqual(brief(found), [
      'high secret src/live.js:1',
      'low secret README.md:1',
      'low secret src/local.js:1',
      'low secret test/a.js:2',
    ]);
  });

  it('reads a bare repository, without a work tree and leaving nothing behind', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('signalbox-ignore-'));
    const bare = join(tempFolder('bare'), 'x.git');
    git(makeRepo({ ...CLEAN, '.gitignore': '' }), 'clone', '--quiet', '--bare', '.', bare);
    const found = Findings.parse(await scanCommit({ gitDir: bare }, git(bare, 'rev-parse', 'HEAD')));
    assert.deepEqual(brief(found), ['low missing-ignore-entry .gitignore']);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith('signalbox-ignore-')),
      before,
    );
  });

  it('enters no submodule and follows no link', async () => {
    const inner = makeRepo({ 'node_modules/a.js': 'x', 'leak.txt': TOKEN });
    const repo = makeRepo({ 'a.txt': 'x' });
    git(repo, 'submodule', '--quiet', 'add', inner, 'sub');
    const outside = join(tempFolder('outside'), 'secret.txt');
    writeFileSync(outside, `${TOKEN}\n`);
    symlinkSync(outside, join(repo, 'link.txt'));
    symlinkSync('/etc/hostname', join(repo, '.gitignore'));
    commitFiles(repo, {});
    const found = await scan(repo);
    assert.deepEqual(brief(found), []);
    assert.ok(found.notes.includes('Submodules were not entered: 1.'));
  });

  it('runs nothing of a hostile repository', async () => {
    const trap = makeTrap();
    const repo = makeRepo({ 'a.txt': 'x', 'b.bin': 'x', 'c.eq': 'x' });
    armRepo(repo, trap);
    writeFileSync(join(repo, '.git', 'info', 'exclude'), '*\n');
    const tree = execFileSync('git', ['-C', repo, 'rev-parse', 'HEAD^{tree}'], { encoding: 'utf8' }).trim();
    assert.equal(tree.length, 40);
    writeFileSync(join(repo, '.gitattributes'), HOSTILE_ATTRIBUTES);
    const found = await scan(repo);
    assert.deepEqual(brief(found), []);
    assert.equal(trap.wasSprung(), false);
  });

  it('leaves out paths that must not be used', async () => {
    const repo = makeRepo({ 'a.txt': 'x' });
    const blob = git(repo, 'rev-parse', 'HEAD:a.txt');
    const make = (lines: string): string => execFileSync('git', ['-C', repo, 'mktree'], { input: lines, encoding: 'utf8' }).trim();
    const inner = make(`100644 blob ${blob}\t.gitignore\n`);
    const evil = make(`040000 tree ${inner}\t..\n100644 blob ${blob}\tok.txt\n040000 tree ${inner}\t.GIT\n`);
    const commit = git(repo, 'commit-tree', '-m', 'evil', evil);
    const found = await scanCommit({ gitDir: join(repo, '.git') }, commit);
    assert.equal(found.project.files, 1);
    assert.ok(found.notes.some((note) => note.startsWith('2 paths')));
  });

  it('says what was not searched for secrets', async () => {
    const found = await scan(makeRepo({ 'a.bin': Buffer.from([1, 0, 2]), 'big.txt': `${'x'.repeat(1_000_001)}${TOKEN}` }));
    assert.deepEqual(brief(found), []);
    assert.ok(found.notes.some((note) => note.startsWith('1 binary')));
    assert.ok(found.notes.some((note) => note.startsWith('1 file over 1.0 MB')));
  });

  it('gives the same ids at another commit, also when lines move', async () => {
    const repo = makeRepo({ 'a.js': `"${TOKEN}"\n` });
    const first = await scan(repo);
    commitFiles(repo, { 'a.js': `\n\n"${TOKEN}"\n`, 'b.js': 'x\n' });
    const second = await scan(repo);
    assert.equal(first.findings.length, 1);
    assert.equal(second.findings[0]?.line, 3);
    assert.deepEqual(
      second.findings.map((f) => f.id),
      first.findings.map((f) => f.id),
    );
  });

  it('goes through ten thousand files, each read once', async () => {
    const repo = makeRepo({});
    const input: string[] = ['commit refs/heads/main\ncommitter T <t@localhost> 1700000000 +0000\ndata 1\nx\n'];
    for (let i = 0; i < 10_000; i++) {
      const text = i === 7_777 ? `key = '${TOKEN}'\n` : `value ${i}\n`;
      input.push(`M 100644 inline src/d${i % 100}/f${i}.js\ndata ${text.length}\n${text}\n`);
    }
    execFileSync('git', ['-C', repo, 'fast-import', '--quiet', '--force'], { input: input.join('') });
    const progress: string[] = [];
    const found = await scanCommit({ gitDir: join(repo, '.git') }, git(repo, 'rev-parse', 'main'), {
      onProgress: (text) => progress.push(text),
    });
    assert.equal(found.project.files, 10_000);
    assert.deepEqual(brief(found), ['high secret src/d77/f7777.js:1']);
    assert.ok(progress.length > 5 && progress.length < 20);
  });
});

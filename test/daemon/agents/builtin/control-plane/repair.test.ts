import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worktree } from '../../../../../daemon/agents/builtin/control-plane/operations.ts';
import { performRepairs } from '../../../../../daemon/agents/builtin/control-plane/repair.ts';
import type { Operation, Plan, Repair } from '../../../../../shared/artifacts/plan.ts';
import { Repairs } from '../../../../../shared/artifacts/repairs.ts';
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

interface Place {
  repo: string;
  path: string;
  where: Worktree;
  base: string;
}

function makePlace(files: Files, prepare: (repo: string) => void = () => {}): Place {
  const repo = makeRepo({});
  writeFiles(repo, files);
  git(repo, 'add', '--all', '--force');
  git(repo, 'commit', '--quiet', '--allow-empty', '-m', 'files');
  prepare(repo);
  const path = join(tempFolder('tree'), 'tree');
  git(repo, 'worktree', 'add', '--quiet', '-b', 'work', path);
  return {
    repo,
    path,
    base: git(repo, 'rev-parse', 'HEAD'),
    where: { gitDir: git(path, 'rev-parse', '--absolute-git-dir'), workTree: path },
  };
}

function repair(id: string, operations: Operation[], needs: string[] = []): Repair {
  return {
    id,
    title: `Do ${id}`,
    findings: [`f-${id}`],
    risk: 'low',
    needs,
    operations,
    changes: 'Changes.',
    undo: 'Undo.',
    paths: operations.map((operation) => operation.path),
  };
}

async function perform(
  place: Place,
  repairs: Repair[],
  { allowed = repairs.map((r) => r.id), done = [] as string[], committed = [] as string[] } = {},
): Promise<Repairs> {
  const plan: Plan = { version: 1, base: place.base, repairs, manual: [] };
  const result = await performRepairs(place.where, {
    run: 'run-1',
    plan,
    allowed: new Set(allowed),
    done: new Set(done),
    onCommitted: ({ id }) => committed.push(id),
  });
  return Repairs.parse(result);
}

const told = (repairs: Repairs): string[] => repairs.results.map((r) => `${r.id} ${r.status}${r.status === 'done' ? '' : ` ${r.code}`}`);
const isClean = (place: Place): boolean => git(place.path, 'status', '--porcelain', '--ignored') === '';

const ignore: Operation = { op: 'append_lines', path: '.gitignore', lines: ['*.log', 'node_modules/'] };
const untrackLog: Operation = { op: 'untrack', path: 'a.log', folder: false };

describe('control-plane: performRepairs', () => {
  afterEach(removeTempFolders);

  it('makes one commit per repair, with trailers, and leaves the main checkout alone', async () => {
    const place = makePlace({ '.gitignore': 'x', 'a.log': '1', 'node_modules/a/b.js': '1', 'node_modules/c.js': '1', 'keep.txt': '1' });
    const committed: string[] = [];
    const result = await perform(
      place,
      [
        repair('ignore', [ignore]),
        repair('logs', [untrackLog], ['ignore']),
        repair('modules', [{ op: 'untrack', path: 'node_modules', folder: true }], ['ignore']),
      ],
      { committed },
    );
    assert.deepEqual(told(result), ['ignore done', 'logs done', 'modules done']);
    assert.deepEqual(committed, ['ignore', 'logs', 'modules']);
    assert.equal(
      git(
        place.path,
        'log',
        '--format=%s|%(trailers:key=Signalbox-Run,valueonly,separator=)|%(trailers:key=Signalbox-Repair,valueonly,separator=)',
        `${place.base}..`,
      ),
      'Do modules|run-1|modules\nDo logs|run-1|logs\nDo ignore|run-1|ignore',
    );
    assert.equal(readFileSync(join(place.path, '.gitignore'), 'utf8'), 'x\n*.log\nnode_modules/\n');
    assert.equal(git(place.path, 'ls-files'), '.gitignore\nkeep.txt');
    assert.equal(result.head, git(place.path, 'rev-parse', 'HEAD'));
    assert.equal(existsSync(join(place.path, 'node_modules')), false);
    assert.ok(isClean(place));
    assert.equal(git(place.repo, 'rev-parse', 'HEAD'), place.base);
    assert.equal(existsSync(join(place.repo, 'a.log')), true);
  });

  it('does only what was allowed, and not what needs what was not done', async () => {
    const place = makePlace({ '.gitignore': '', 'a.log': '1', 'b.pyc': '1' });
    const result = await perform(
      place,
      [
        repair('ignore', [ignore]),
        repair('logs', [untrackLog], ['ignore']),
        repair('pyc', [{ op: 'untrack', path: 'b.pyc', folder: false }]),
      ],
      { allowed: ['logs', 'pyc'] },
    );
    assert.deepEqual(told(result), ['ignore refused not_allowed', 'logs left need_not_done', 'pyc done']);
    assert.equal(git(place.path, 'ls-files'), '.gitignore\na.log');
  });

  it('goes on from an earlier attempt without doing anything twice', async () => {
    const place = makePlace({ '.gitignore': '', 'a.log': '1' });
    const repairs = [repair('ignore', [ignore]), repair('logs', [untrackLog], ['ignore'])];
    const first = await perform(place, repairs, { allowed: ['ignore'] });
    const second = await perform(place, repairs, { done: ['ignore'] });
    assert.deepEqual(told(second), ['ignore done', 'logs done']);
    const [earlier] = second.results;
    assert.ok(earlier?.status === 'done' && earlier.earlier === true && earlier.commit === first.head);
    assert.equal(git(place.path, 'rev-list', '--count', `${place.base}..`), '2');
  });

  it('keeps the line ends of the file that it adds to', async () => {
    const place = makePlace({ '.gitignore': 'a\r\nb\r\n' });
    await perform(place, [repair('ignore', [{ ...ignore, lines: ['c'] }])]);
    assert.equal(readFileSync(join(place.path, '.gitignore'), 'utf8'), 'a\r\nb\r\nc\r\n');
  });

  it('creates a file, and not over another one', async () => {
    const place = makePlace({ 'a.txt': 'mine' });
    const result = await perform(place, [
      repair('make', [{ op: 'create_file', path: '.gitignore', lines: ['x'] }]),
      repair('over', [{ op: 'create_file', path: 'a.txt', lines: ['x'] }]),
    ]);
    assert.deepEqual(told(result), ['make done', 'over failed file_exists']);
    assert.equal(readFileSync(join(place.path, 'a.txt'), 'utf8'), 'mine');
  });

  it('rolls a failed repair back and goes on with the others', async () => {
    const place = makePlace({ '.gitignore': '', 'a.log': '1', 'b.log': '2' });
    const result = await perform(place, [
      repair('bad', [untrackLog, { op: 'append_lines', path: 'missing.txt', lines: ['x'] }]),
      repair('good', [{ op: 'untrack', path: 'b.log', folder: false }]),
    ]);
    assert.deepEqual(told(result), ['bad failed file_missing', 'good done']);
    assert.equal(git(place.path, 'ls-files'), '.gitignore\na.log');
    assert.equal(readFileSync(join(place.path, 'a.log'), 'utf8'), '1');
    assert.ok(isClean(place));
  });

  it('does not commit what changes nothing', async () => {
    const place = makePlace({ 'a.txt': '' });
    assert.deepEqual(told(await perform(place, [repair('gone', [untrackLog])])), ['gone left nothing_to_change']);
    assert.equal(git(place.path, 'rev-parse', 'HEAD'), place.base);
  });

  it('refuses what it does not name', async () => {
    const place = makePlace({ 'a.log': '1', 'b.txt': '1' });
    const sly = { ...repair('sly', [untrackLog]), paths: ['b.txt'] };
    assert.deepEqual(told(await perform(place, [sly])), ['sly refused path_refused']);
    assert.ok(isClean(place));
  });

  for (const path of [
    '../outside.txt',
    '.git',
    '.git/config',
    'sub/.GIT/config',
    'a/../../x',
    '/etc/passwd',
    '.git./x',
    'GIT~1/x',
    '.g\u200cit/config',
    'a//b',
  ]) {
    it(`refuses the path ${JSON.stringify(path)}, although it was allowed`, async () => {
      const place = makePlace({ 'a.txt': '' });
      const before = readFileSync(join(place.path, '.git'), 'utf8');
      const result = await perform(place, [
        repair('w', [{ op: 'create_file', path, lines: ['x'] }]),
        repair('a', [{ op: 'append_lines', path, lines: ['x'] }]),
        repair('u', [{ op: 'untrack', path, folder: false }]),
      ]);
      assert.deepEqual(told(result), ['w refused path_refused', 'a refused path_refused', 'u refused path_refused']);
      assert.equal(readFileSync(join(place.path, '.git'), 'utf8'), before);
      assert.equal(existsSync(join(place.path, '..', 'outside.txt')), false);
    });
  }

  it('follows no symbolic link, neither the file nor a folder above it', async () => {
    const outside = tempFolder('outside');
    writeFileSync(join(outside, 'victim.txt'), 'safe');
    const place = makePlace({}, (repo) => {
      symlinkSync(join(outside, 'victim.txt'), join(repo, 'link.txt'));
      symlinkSync(outside, join(repo, 'dir'));
      commitFiles(repo, {});
    });
    const result = await perform(place, [
      repair('file', [{ op: 'append_lines', path: 'link.txt', lines: ['x'] }]),
      repair('folder', [{ op: 'append_lines', path: 'dir/victim.txt', lines: ['x'] }]),
      repair('make', [{ op: 'create_file', path: 'dir/new.txt', lines: ['x'] }]),
      repair('tree', [{ op: 'untrack', path: 'dir', folder: true }]),
      repair('itself', [{ op: 'untrack', path: 'link.txt', folder: false }]),
    ]);
    assert.deepEqual(told(result), [
      'file refused path_refused',
      'folder refused path_refused',
      'make refused path_refused',
      'tree refused path_refused',
      'itself done',
    ]);
    assert.equal(readFileSync(join(outside, 'victim.txt'), 'utf8'), 'safe');
    assert.equal(existsSync(join(outside, 'new.txt')), false);
  });

  it('takes names that look like patterns or options for what they are', async () => {
    const place = makePlace({ '*.log': '1', 'a.log': '1', '-rf': '1', ':(top)x': '1' });
    const names = ['*.log', '-rf', ':(top)x'];
    const result = await perform(
      place,
      names.map((path, i) => repair(`r${i}`, [{ op: 'untrack', path, folder: false }])),
    );
    assert.deepEqual(told(result), ['r0 done', 'r1 done', 'r2 done']);
    assert.equal(git(place.path, 'ls-files'), 'a.log');
  });

  it('runs nothing of a hostile repository', async () => {
    const trap = makeTrap();
    const place = makePlace({ '.gitattributes': HOSTILE_ATTRIBUTES, 'a.txt': '1', 'b.bin': '1', 'c.eq': '1', 'd.txt': '1\n' });
    armRepo(place.repo, trap);
    const result = await perform(place, [
      repair('add', [{ op: 'append_lines', path: 'd.txt', lines: ['x'] }]),
      ...['a.txt', 'b.bin', 'c.eq'].map((path, i) => repair(`r${i}`, [{ op: 'untrack', path, folder: false }])),
      repair('bad', [
        { op: 'append_lines', path: 'd.txt', lines: ['y'] },
        { op: 'append_lines', path: 'none', lines: ['y'] },
      ]),
    ]);
    assert.deepEqual(told(result), ['add done', 'r0 done', 'r1 done', 'r2 done', 'bad failed file_missing']);
    assert.equal(trap.wasSprung(), false);
  });
});

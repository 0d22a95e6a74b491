// The test runner must not report a success that was none. It runs here on planted suites, in a temporary folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');

describe('the test runner', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(path.join(os.tmpdir(), 'signalbox-runner-'));
    mkdirSync(path.join(home, 'test/daemon'), { recursive: true });
    for (const file of ['test/run.mjs', 'test/counting-reporter.cjs', '.mocharc.json'])
      copyFileSync(path.join(root, file), path.join(home, file));
    symlinkSync(path.join(root, 'node_modules'), path.join(home, 'node_modules'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  /** Plants one unit test file and runs the suite; answers with the exit code and the last line. */
  function runPlanted(source: string, ...args: string[]): { status: number | null; last: string } {
    writeFileSync(path.join(home, 'test/daemon/planted.test.ts'), source);
    const result = spawnSync(process.execPath, ['test/run.mjs', 'unit', ...args], { cwd: home, encoding: 'utf8' });
    return { status: result.status, last: result.stdout.trimEnd().split('\n').at(-1) ?? '' };
  }

  it('counts what passed, failed and was skipped', () => {
    const source = `it('a', () => {}); it('b', () => { throw new Error('no'); }); it.skip('c', () => {});`;
    assert.deepEqual(runPlanted(source), { status: 1, last: '1 passed, 1 failed, 1 skipped' });
    assert.deepEqual(runPlanted(`it('a', () => {});`), { status: 0, last: '1 passed, 0 failed' });
    assert.deepEqual(runPlanted(source, '--grep', 'a'), { status: 0, last: '1 passed, 0 failed' });
  });

  it('counts a process that ended with 0 in the middle as failed', () => {
    assert.deepEqual(runPlanted(`it('a', () => {}); it('b', () => process.exit(0));`), { status: 1, last: '0 passed, 1 failed' });
  });

  it('counts a suite that ran no test as failed, also when the arguments chose none', () => {
    assert.deepEqual(runPlanted(''), { status: 1, last: '0 passed, 1 failed' });
    assert.deepEqual(runPlanted(`it('a', () => {});`, '--grep', 'nothing is called so'), { status: 1, last: '0 passed, 1 failed' });
  });

  it('counts a file that cannot be loaded, and a failing hook, as failed', () => {
    assert.deepEqual(runPlanted(`import './missing.ts';`), { status: 1, last: '0 passed, 1 failed' });
    assert.deepEqual(runPlanted(`before(() => { throw new Error('no'); }); it('a', () => {});`), { status: 1, last: '0 passed, 1 failed' });
  });

  it('refuses a suite that does not exist, and a forgotten .only', () => {
    assert.equal(spawnSync(process.execPath, ['test/run.mjs', 'unti'], { cwd: home }).status, 2);
    assert.equal(runPlanted(`it.only('a', () => {});`).status, 1);
  });
});

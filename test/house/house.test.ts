import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findLongFunctions } from './functions.ts';
import { findHabitFaults, findTextFaults } from './habits.ts';
import { TOP_FOLDERS } from './rooms.ts';
import { readSources } from './source.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const PRODUCT = ['shared', 'daemon', 'extension', 'webview-ui'];
const NOT_OURS = ['.git', 'node_modules', 'dist', 'coverage', '.vscode-test'];

/** Every file that git has or would take, as paths relative to the root. */
function listRepositoryFiles(): string[] {
  const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  return [...new Set(out.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file))))];
}

describe('the house', () => {
  it('has the top folders of the design and no other', () => {
    const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const unknown = folders.map((entry) => entry.name).filter((name) => !TOP_FOLDERS.includes(name) && !NOT_OURS.includes(name));
    assert.deepEqual(unknown, []);
  });

  it('keeps pure rooms pure, names that say something, and files short', () => {
    const sources = readSources(root, [...PRODUCT, 'test']);
    assert.ok(sources.length > 50, `only ${sources.length} sources found: the test looks in the wrong place`);
    assert.deepEqual(findHabitFaults(sources), []);
  });

  it('keeps functions short', () => {
    const folders = PRODUCT.filter((folder) => readSources(root, [folder]).length > 0);
    assert.deepEqual(findLongFunctions(root, folders), []);
  });

  it('names no path of one machine, and has no em dash', () => {
    const files = listRepositoryFiles().filter(
      (file) => !file.startsWith('test/fixtures/') && !/\.(png|ttf)$|package-lock\.json$/.test(file),
    );
    const faults = files.flatMap((file) => findTextFaults(file, readFileSync(path.join(root, file), 'utf8')));
    assert.deepEqual(faults, []);
  });
});

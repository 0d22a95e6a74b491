import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePaths, ensurePrivateFolder, type PathError, resolvePaths } from '../../../daemon/platform/paths.ts';
import { removeTempFolders, tempFolder } from '../../support/repos.ts';

describe('resolvePaths', () => {
  const cases: [string, Record<string, string>, NodeJS.Platform, string, { state: string; config: string }][] = [
    ['the default on Linux', {}, 'linux', '/home/me', { state: '/home/me/.local/state/signalbox', config: '/home/me/.config/signalbox' }],
    [
      'XDG folders',
      { XDG_STATE_HOME: '/s', XDG_CONFIG_HOME: '/c' },
      'linux',
      '/home/me',
      { state: '/s/signalbox', config: '/c/signalbox' },
    ],
    [
      'relative XDG folders do not count',
      { XDG_STATE_HOME: 's', XDG_CONFIG_HOME: './c' },
      'linux',
      '/home/me',
      { state: '/home/me/.local/state/signalbox', config: '/home/me/.config/signalbox' },
    ],
    [
      'SIGNALBOX_HOME before all',
      { SIGNALBOX_HOME: '/b', XDG_STATE_HOME: '/s' },
      'linux',
      '/home/me',
      { state: '/b', config: '/b/config' },
    ],
    [
      'an empty SIGNALBOX_HOME does not count',
      { SIGNALBOX_HOME: '' },
      'linux',
      '/home/me',
      { state: '/home/me/.local/state/signalbox', config: '/home/me/.config/signalbox' },
    ],
    [
      'macOS',
      {},
      'darwin',
      '/Users/me',
      { state: '/Users/me/Library/Application Support/Signalbox', config: '/Users/me/Library/Application Support/Signalbox/config' },
    ],
    ['Windows', { LOCALAPPDATA: 'C:\\L' }, 'win32', 'C:\\Users\\me', { state: 'C:\\L\\Signalbox', config: 'C:\\L\\Signalbox\\config' }],
    [
      'Windows without LOCALAPPDATA',
      {},
      'win32',
      'C:\\Users\\me',
      { state: 'C:\\Users\\me\\AppData\\Local\\Signalbox', config: 'C:\\Users\\me\\AppData\\Local\\Signalbox\\config' },
    ],
  ];
  for (const [name, env, platform, home, expected] of cases) {
    it(`gives ${name}`, () => assert.deepEqual(resolvePaths(env, platform, home), expected));
  }

  it('refuses a relative SIGNALBOX_HOME and an unknown home directory', () => {
    assert.throws(
      () => resolvePaths({ SIGNALBOX_HOME: 'here' }, 'linux', '/home/me'),
      (error: PathError) => error.code === 'home_not_absolute',
    );
    assert.throws(
      () => resolvePaths({}, 'linux', ''),
      (error: PathError) => error.code === 'home_unknown',
    );
  });
});

describe('ensurePrivateFolder', () => {
  after(removeTempFolders);
  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  const refuses = (path: string, code: string) =>
    assert.rejects(ensurePrivateFolder(path), (error: PathError) => error.code === code && error.path === path);

  it('creates what is missing for the owner only', async () => {
    const home = join(tempFolder(), 'a', 'b');
    await ensurePaths({ state: home, config: join(home, 'config') });
    for (const path of [join(home, '..'), home, join(home, 'config')]) assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  it('refuses a folder that the group or others can write to', async () => {
    for (const mode of [0o720, 0o702, 0o777]) {
      const path = join(tempFolder(), 'open');
      mkdirSync(path);
      chmodSync(path, mode);
      await refuses(path, 'folder_writable_by_others');
    }
  });

  it('refuses a folder, or a link to one, that belongs to somebody else', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const path = join(tempFolder(), 'foreign');
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, 12345, 12345);
    await refuses(path, 'folder_foreign');
    symlinkSync(path, `${path}-link`);
    await refuses(`${path}-link`, 'folder_foreign');
  });

  it('refuses a file', async () => {
    const path = join(tempFolder(), 'file');
    writeFileSync(path, '');
    await refuses(path, 'folder_not_a_directory');
    await refuses(join(path, 'below'), 'folder_not_a_directory');
  });
});

import assert from 'node:assert/strict';
import { findHome } from '../../../extension/connection/home.ts';
import { daemonEnvironment } from '../../../extension/connection/start.ts';
import { resolvePaths } from '../../../daemon/platform/paths.ts';

describe('the state folder', () => {
  const cases: [NodeJS.Platform, string, Record<string, string>][] = [
    ['linux', '/home/a', {}],
    ['linux', '/home/a', { XDG_STATE_HOME: '/state' }],
    ['linux', '/home/a', { XDG_STATE_HOME: 'relative' }],
    ['linux', '/home/a', { SIGNALBOX_HOME: '/own', XDG_STATE_HOME: '/state' }],
    ['darwin', '/Users/a', { XDG_STATE_HOME: '/state' }],
    ['win32', 'C:\\Users\\a', {}],
    ['win32', 'C:\\Users\\a', { LOCALAPPDATA: 'D:\\local' }],
  ];
  for (const [platform, home, env] of cases) {
    it(`is the daemon's own: ${platform} ${JSON.stringify(env)}`, () => {
      assert.equal(findHome('', env, platform, home), resolvePaths(env, platform, home).state);
    });
  }

  it('is what the setting says before anything else, and must be absolute', () => {
    assert.equal(findHome('/mine', { SIGNALBOX_HOME: '/own' }, 'linux', '/home/a'), '/mine');
    assert.throws(() => findHome('mine', {}, 'linux', '/home/a'), /signalbox\.home .*absolute/);
    assert.throws(() => findHome('', { SIGNALBOX_HOME: 'own' }, 'linux', '/home/a'), /SIGNALBOX_HOME .*absolute/);
  });

  it('the daemon gets the environment without what belongs to the editor', () => {
    const env = {
      PATH: '/bin',
      VSCODE_IPC_HOOK: 'x',
      ELECTRON_NO_ASAR: '1',
      NODE_OPTIONS: '--inspect',
      NODE_EXTRA_CA_CERTS: '/ca',
      SIGNALBOX_TASK_TIMEOUT: '5',
    };
    assert.deepEqual(daemonEnvironment(env, ''), {
      PATH: '/bin',
      NODE_EXTRA_CA_CERTS: '/ca',
      SIGNALBOX_TASK_TIMEOUT: '5',
      ELECTRON_RUN_AS_NODE: '1',
    });
    assert.equal(daemonEnvironment(env, '/mine')['SIGNALBOX_HOME'], '/mine');
  });
});

// Where the daemon of this person keeps its state, by the same rules as the daemon itself. Pure.
import { posix, win32 } from 'node:path';

/** The state folder, absolute; `setting` is the user's `signalbox.home`, empty for none. Throws an Error that says which value is wrong. */
export function findHome(
  setting: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  userHome: string,
): string {
  const { join, isAbsolute } = platform === 'win32' ? win32 : posix;
  for (const [name, value] of [
    ['signalbox.home', setting],
    ['SIGNALBOX_HOME', env['SIGNALBOX_HOME'] ?? ''],
  ] as const) {
    if (value === '') continue;
    if (!isAbsolute(value)) throw new Error(`${name} is ${JSON.stringify(value)}; give an absolute path.`);
    return value;
  }
  const named = (name: string): string | undefined => {
    const value = env[name];
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  if (platform === 'win32') return join(named('LOCALAPPDATA') ?? join(userHome, 'AppData', 'Local'), 'Signalbox');
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'Signalbox');
  return join(named('XDG_STATE_HOME') ?? join(userHome, '.local', 'state'), 'signalbox');
}

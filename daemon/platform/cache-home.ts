import { isAbsolute, join } from 'node:path';

/** The folder for what can be made again, of all programs of a person; `home` is the person's home directory. */
export function findCacheHome(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform, home: string): string {
  const named = env['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(named)) return named;
  if (platform === 'darwin') return join(home, 'Library', 'Caches');
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local');
  return join(home, '.cache');
}

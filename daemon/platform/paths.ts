// Where Signalbox keeps its files, and that nobody else can write there.
import { lstat, mkdir, stat } from 'node:fs/promises';
import { isAbsolute, posix, win32 } from 'node:path';

/** The folders of one installation, absolute. */
export interface SignalboxPaths {
  readonly state: string;
  readonly config: string;
}

/** Why a folder cannot be used. */
export type PathErrorCode =
  | 'home_not_absolute'
  | 'home_unknown'
  | 'folder_foreign'
  | 'folder_writable_by_others'
  | 'folder_not_a_directory';

/** A folder that is not safe to use; `path` names it. */
export class PathError extends Error {
  override readonly name = 'PathError';
  readonly code: PathErrorCode;
  readonly path: string;

  constructor(code: PathErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

/** The state and config folders for an environment and platform; `home` is the person's home directory. Throws PathError. */
export function resolvePaths(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform, home: string): SignalboxPaths {
  const { join: joinFor, isAbsolute: isAbsoluteFor } = platform === 'win32' ? win32 : posix;
  const absolute = (name: string): string | undefined => {
    const value = env[name];
    return value !== undefined && isAbsoluteFor(value) ? value : undefined;
  };
  const own = env['SIGNALBOX_HOME'];
  if (own !== undefined && own !== '') {
    if (!isAbsoluteFor(own))
      throw new PathError('home_not_absolute', own, `SIGNALBOX_HOME is ${JSON.stringify(own)}; give an absolute path.`);
    return { state: own, config: joinFor(own, 'config') };
  }
  if (!isAbsoluteFor(home))
    throw new PathError('home_unknown', home, 'There is no home directory; set SIGNALBOX_HOME to an absolute path.');
  if (platform === 'win32') {
    const state = joinFor(absolute('LOCALAPPDATA') ?? joinFor(home, 'AppData', 'Local'), 'Signalbox');
    return { state, config: joinFor(state, 'config') };
  }
  if (platform === 'darwin') {
    const state = joinFor(home, 'Library', 'Application Support', 'Signalbox');
    return { state, config: joinFor(state, 'config') };
  }
  return {
    state: joinFor(absolute('XDG_STATE_HOME') ?? joinFor(home, '.local', 'state'), 'signalbox'),
    config: joinFor(absolute('XDG_CONFIG_HOME') ?? joinFor(home, '.config'), 'signalbox'),
  };
}

/** Creates `path` (0700) when it is missing, and throws PathError when it belongs to somebody else or others can write to it. */
export async function ensurePrivateFolder(path: string): Promise<string> {
  if (!isAbsolute(path)) throw new TypeError(`Not an absolute path: ${path}`);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || code === 'ENOTDIR') throw notADirectory(path);
    throw error;
  }
  const facts = await stat(path);
  if (!facts.isDirectory()) throw notADirectory(path);
  if (process.platform === 'win32') return path;
  const link = await lstat(path);
  const uid = process.getuid?.();
  if (facts.uid !== uid || link.uid !== uid) {
    throw new PathError(
      'folder_foreign',
      path,
      `${path} belongs to user ${facts.uid === uid ? link.uid : facts.uid}, not to you. Use another folder by setting SIGNALBOX_HOME.`,
    );
  }
  if ((facts.mode & 0o022) !== 0) {
    throw new PathError('folder_writable_by_others', path, `Others can write to ${path}. Run: chmod go-w ${JSON.stringify(path)}`);
  }
  return path;
}

function notADirectory(path: string): PathError {
  return new PathError('folder_not_a_directory', path, `${path} is not a folder. Move it away, or set SIGNALBOX_HOME.`);
}

/** Creates or checks the state folder and the config folder. */
export async function ensurePaths(paths: SignalboxPaths): Promise<SignalboxPaths> {
  await ensurePrivateFolder(paths.state);
  await ensurePrivateFolder(paths.config);
  return paths;
}

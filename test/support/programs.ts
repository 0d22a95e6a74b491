// The built programs (see `npm run build`) and the environment that a test starts them with.
import { fileURLToPath } from 'node:url';

export const DAEMON = fileURLToPath(new URL('../../dist/daemon.cjs', import.meta.url));
export const CLI = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));

/** Where the code that V8 made of them is kept from one test to the next, apart from the person's own. */
const XDG_CACHE_HOME = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

/** An environment in which nothing leads to the person's own files; `home` is HOME, and the state folder unless another is named. */
export function environmentOf(home: string, state = home): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home, SIGNALBOX_HOME: state, XDG_CACHE_HOME };
}

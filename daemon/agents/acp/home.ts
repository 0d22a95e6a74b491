/** The HOME that an agent gets: its own, with the files of its profile, and with links to the logins that the person has. */
import { mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fillIn, type Profile } from './profiles.ts';

interface Places {
  home: string;
  worktree: string;
  /** HOME of the person, and the environment from which the profile's variables are passed on. */
  personHome: string;
  personEnv: Readonly<Record<string, string | undefined>>;
}

/** Makes the HOME; returns the environment that the profile adds, and the logins that the agent may read and renew. */
export async function prepareHome(profile: Profile, places: Places): Promise<{ env: Record<string, string>; logins: string[] }> {
  const values = { home: places.home, worktree: places.worktree, model: profile.model ?? '' };
  for (const [path, text] of Object.entries(profile.files)) {
    const file = join(places.home, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, fillIn(text, values), { mode: 0o600 });
  }
  const logins: string[] = [];
  for (const path of profile.login) {
    const theirs = join(places.personHome, path);
    if (!(await stat(theirs).catch(() => undefined))?.isFile()) continue;
    const link = join(places.home, path);
    await mkdir(dirname(link), { recursive: true, mode: 0o700 });
    await rm(link, { force: true });
    // A link and no copy: an agent renews its login, and a copy would leave the person's own out of date.
    await symlink(theirs, link);
    logins.push(theirs);
  }
  const passed = profile.pass.flatMap((name): [string, string][] => {
    const value = places.personEnv[name];
    return value === undefined ? [] : [[name, value]];
  });
  const set = Object.entries(profile.env).map(([name, value]): [string, string] => [name, fillIn(value, values)]);
  return { env: Object.fromEntries([...passed, ...set]), logins };
}

/** Where an agent's program is: on PATH, where Signalbox installed it, or fetched by npx at a pinned version. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';
import type { Profile } from './profiles.ts';

export interface FoundProgram {
  argv: readonly [string, ...string[]];
  from: 'path' | 'installed' | 'npx';
}

/** Where to look: the PATH, and the folder below which `installAgent` puts packages. */
export interface ProgramPlaces {
  path: string;
  installed: string;
}

/** Looks for the program; undefined when it is nowhere and cannot be fetched either. */
export async function findProgram(profile: Profile, { path, installed }: ProgramPlaces): Promise<FoundProgram | undefined> {
  const { program, args } = profile;
  if (isAbsolute(program)) return (await isExecutable(program)) ? { argv: [program, ...args], from: 'path' } : undefined;
  // What was installed for Signalbox has the version that the profile was tried with.
  const own = join(folderOf(installed, profile), 'node_modules', '.bin', program);
  if (profile.package !== undefined && (await isExecutable(own))) return { argv: [own, ...args], from: 'installed' };
  const found = await findOnPath(program, path);
  if (found !== undefined) return { argv: [found, ...args], from: 'path' };
  const npx = profile.package === undefined ? undefined : await findOnPath('npx', path);
  if (npx === undefined || profile.package === undefined) return undefined;
  return { argv: [npx, '--yes', `--package=${profile.package}`, '--', program, ...args], from: 'npx' };
}

/** The folder of an agent's package at its version. */
export function folderOf(installed: string, { package: name = '' }: Pick<Profile, 'package'>): string {
  return join(installed, name.replace(/[^A-Za-z0-9._@-]/g, '+'));
}

/** The folders in which a program lies, its packages included: what a sandbox has to show. */
export async function foldersOf(file: string): Promise<string[]> {
  const real = await realpath(file).catch(() => file);
  const parts = real.split(sep);
  const packages = parts.indexOf('node_modules');
  // The link itself too: it is what is started.
  return [...new Set([dirname(file), packages > 0 ? parts.slice(0, packages + 1).join(sep) : dirname(real)])];
}

async function findOnPath(program: string, path: string): Promise<string | undefined> {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  for (const folder of path.split(delimiter).filter(isAbsolute))
    for (const ending of endings) if (await isExecutable(join(folder, program + ending))) return join(folder, program + ending);
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Profiles that the person wrote: YAML files, checked with the place of each problem. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { listShapeProblems, type Problem, problemAt, readSource, strictShape } from '../../../shared/yaml/source.ts';
import { PRICES_FILE } from './prices.ts';
import { Profile, PROFILES } from './profiles.ts';

const ProfileFile = strictShape({
  ...Profile.shape,
  /** A shipped profile that this one begins with; what is said here replaces it, and `env` and `files` are added. */
  extends: z.string().optional(),
  title: Profile.shape.title.optional(),
  program: Profile.shape.program.optional(),
});

/** Reads one profile; what it extends is filled in. */
export function readProfile(text: string, file: string): { profile?: Profile; problems: Problem[] } {
  const { source, problems } = readSource({ text, file });
  if (source === undefined) return { problems };
  const read = ProfileFile.safeParse(source.data);
  if (!read.success) return { problems: [...problems, ...listShapeProblems(source, read.error)] };
  const said = source.data as Record<string, unknown>;
  const { extends: _, ...own } = said;
  const { extends: named } = read.data;
  const base = named === undefined ? undefined : PROFILES.get(named);
  if (named !== undefined && base === undefined) {
    const message = `There is no shipped profile \`${named}\`; there are ${[...PROFILES.keys()].join(', ')}.`;
    return { problems: [...problems, problemAt(source, ['extends'], { code: 'unknown-profile', message })] };
  }
  const env = { ...base?.env, ...read.data.env };
  const files = { ...base?.files, ...read.data.files };
  const whole = Profile.safeParse({ title: read.data.agent, ...base, ...own, env, files });
  if (!whole.success) return { problems: [...problems, ...listShapeProblems(source, whole.error)] };
  return problems.length > 0 ? { problems } : { profile: whole.data, problems };
}

/** The shipped profiles with those of a folder, which replace shipped ones of the same agent; and what is wrong with files there. */
export async function loadProfiles(folder: string): Promise<{ profiles: Map<string, Profile>; problems: Problem[] }> {
  const profiles = new Map(PROFILES);
  const problems: Problem[] = [];
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name) && name !== PRICES_FILE).sort();
  for (const name of names) {
    const file = join(folder, name);
    const read = readProfile(await readFile(file, 'utf8'), file);
    problems.push(...read.problems);
    if (read.profile) profiles.set(read.profile.agent, read.profile);
  }
  return { profiles, problems };
}

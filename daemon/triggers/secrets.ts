// Secrets by reference: a variable of the daemon's environment, or a file of the user's that nobody else can read.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretReference } from '../../shared/state/trigger-definition.ts';

const MIN_LENGTH = 16;
const MAX_BYTES = 4_096;

export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>;
  /** The user's configuration folder. */
  config: string;
}

/** The secret, or why there is none, in a sentence that holds nothing of it. */
export type FoundSecret = { ok: true; secret: string } | { ok: false; problem: string };

/** Reads a secret as it is now. */
export async function readSecret(reference: SecretReference, { env, config }: SecretSources): Promise<FoundSecret> {
  if ('env' in reference) return judge(env[reference.env], `the variable ${reference.env} of the daemon's environment`);
  const path = join(config, 'secrets', reference.file);
  try {
    const file = await open(path, 'r');
    try {
      const facts = await file.stat();
      if (!facts.isFile()) return { ok: false, problem: `${path} is no file.` };
      if (process.platform !== 'win32' && (facts.mode & 0o077) !== 0)
        return { ok: false, problem: `Others may read ${path}; run \`chmod 600\` on it.` };
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      return judge(buffer.toString('utf8', 0, bytesRead).trim(), path);
    } finally {
      await file.close();
    }
  } catch (error) {
    return { ok: false, problem: `The secret ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.` };
  }
}

function judge(secret: string | undefined, where: string): FoundSecret {
  if (secret === undefined || secret === '') return { ok: false, problem: `The secret is missing: set ${where}.` };
  if (secret.length < MIN_LENGTH)
    return { ok: false, problem: `The secret is too short: ${where} needs ${MIN_LENGTH} characters or more.` };
  return { ok: true, secret };
}

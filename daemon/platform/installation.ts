import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from './atomic.ts';

/** Who this installation is, for ever: its id stands in journals and cursors, its key binds approvals to actions. */
export const Installation = z.object({ id: z.string().regex(/^[0-9a-f]{16}$/), key: z.string().regex(/^[0-9a-f]{64}$/) });
export type Installation = z.infer<typeof Installation>;

/** Reads the installation of a state folder, or makes it (0600); throws when the file is there and is not one. */
export async function readInstallation(home: string): Promise<Installation> {
  const path = join(home, 'installation.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const made = { id: randomBytes(8).toString('hex'), key: randomBytes(32).toString('hex') };
    await writeFileAtomic(path, `${JSON.stringify(made)}\n`, { mode: 0o600 });
    return made;
  }
  try {
    return Installation.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${path} is not what Signalbox wrote. Bring it back from a copy; without it, approvals that were granted cannot be recognised.`,
      { cause },
    );
  }
}

// Programs of a test's own, made of the sources: a process that starts from a bundle needs no tsx, which takes it half a second.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles a script, whose imports are relative to the root of the repository, into `folder`; returns the program's path. */
export async function bundleScript(contents: string, folder: string): Promise<string> {
  const outfile = join(folder, 'script.cjs');
  await build({ stdin: { contents, resolveDir: ROOT }, outfile, bundle: true, platform: 'node', target: 'node20', logLevel: 'warning' });
  return outfile;
}

// The file in which a running daemon says where it listens. It is written by the daemon only; here it is read and doubted.
import { lstat, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Endpoint, ENDPOINT_FILE } from '../../../shared/protocol/endpoint.ts';
import { resolvePaths } from '../../platform/paths.ts';
import { CliFailure } from '../failure.ts';

/** The state folder for an environment; throws PathError. */
export function findHome(env: NodeJS.ProcessEnv): string {
  return resolvePaths(env, process.platform, homedir()).state;
}

/** The endpoint of the daemon that runs for this home, or undefined when none does; throws when the file is not to be trusted. */
export async function readEndpoint(home: string): Promise<Endpoint | undefined> {
  const path = join(home, ENDPOINT_FILE);
  let text: string;
  try {
    const facts = await lstat(path);
    if (process.platform !== 'win32' && (facts.uid !== process.getuid?.() || (facts.mode & 0o077) !== 0)) {
      throw new CliFailure(`${path} can be read by others, or is not yours.`, {
        code: 'endpoint_unsafe',
        hint: 'Somebody may know its token. Run `signalbox down`, delete the file, and start again.',
      });
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const endpoint = parseEndpoint(text);
  return endpoint && isRunning(endpoint.pid) ? endpoint : undefined;
}

function parseEndpoint(text: string): Endpoint | undefined {
  try {
    return Endpoint.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whether a process with that id exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// The file in which a running daemon says where it listens. It is written by the daemon only; here it is read and doubted.
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Endpoint, ENDPOINT_FILE } from '../../shared/protocol/endpoint.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';

const MAX_BYTES = 16 * 1024;

/** The endpoint of the daemon that runs for this home, or undefined when none does; throws SignalboxError `endpoint_unsafe` when others could read its token. */
export async function readEndpoint(home: string): Promise<Endpoint | undefined> {
  const path = join(home, ENDPOINT_FILE);
  const facts = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (!facts?.isFile() || facts.size > MAX_BYTES) return undefined;
  if (process.platform !== 'win32' && (facts.uid !== process.getuid?.() || (facts.mode & 0o077) !== 0)) {
    throw new SignalboxError({
      code: 'endpoint_unsafe',
      message: `${path} can be read by others, or is not yours. Delete it, and restart the daemon.`,
      facts: { path },
    });
  }
  const endpoint = parseEndpoint(await readFile(path, 'utf8').catch(() => ''));
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

// The file in which a running daemon says how to reach it: written after listening, removed only by its writer.
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Endpoint, ENDPOINT_FILE } from '../../shared/protocol/endpoint.ts';
import { writeFileAtomic } from '../platform/atomic.ts';
import { identifyProcess, isAlive } from '../platform/process.ts';

/** What the endpoint file says: `stale` when its process is gone, `invalid` when it is not an endpoint file. */
export type EndpointState =
  | { readonly kind: 'running'; readonly endpoint: Endpoint }
  | { readonly kind: 'stale'; readonly endpoint: Endpoint }
  | { readonly kind: 'invalid'; readonly path: string }
  | { readonly kind: 'absent' };

const MAX_BYTES = 16 * 1024;

/** Writes the endpoint file of this process (0600, whole or not at all); returns what was written. */
export async function writeEndpoint(home: string, endpoint: Omit<Endpoint, 'pid' | 'startTime'>): Promise<Endpoint> {
  const identity = await identifyProcess(process.pid);
  if (!identity) throw new Error('This process cannot read its own start time');
  const complete = Endpoint.parse({ ...endpoint, pid: identity.pid, startTime: identity.startTime });
  await writeFileAtomic(join(home, ENDPOINT_FILE), `${JSON.stringify(complete)}\n`, { mode: 0o600 });
  return complete;
}

/** Removes the endpoint file if it is the one that was written here; says whether it was. */
export async function removeEndpoint(home: string, own: Pick<Endpoint, 'pid' | 'startTime' | 'token'>): Promise<boolean> {
  const found = await readFileOf(home);
  if (found.kind !== 'read') return false;
  const { pid, startTime, token } = found.endpoint;
  if (pid !== own.pid || startTime !== own.startTime || token !== own.token) return false;
  await rm(join(home, ENDPOINT_FILE), { force: true });
  return true;
}

/** Reads and checks the endpoint file of a state folder. */
export async function readEndpoint(home: string): Promise<EndpointState> {
  const found = await readFileOf(home);
  if (found.kind !== 'read') return found;
  const { endpoint } = found;
  const process = await identifyProcess(endpoint.pid);
  const same = process !== undefined && process.startTime === endpoint.startTime && (await isAlive(process)) !== false;
  return { kind: same ? 'running' : 'stale', endpoint };
}

async function readFileOf(
  home: string,
): Promise<{ kind: 'read'; endpoint: Endpoint } | { kind: 'invalid'; path: string } | { kind: 'absent' }> {
  const path = join(home, ENDPOINT_FILE);
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      const parsed = Endpoint.safeParse(JSON.parse(buffer.toString('utf8', 0, bytesRead)));
      return parsed.success ? { kind: 'read', endpoint: parsed.data } : { kind: 'invalid', path };
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'absent' };
    if (error instanceof SyntaxError) return { kind: 'invalid', path };
    throw error;
  }
}

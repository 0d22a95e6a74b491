// Which process is at the other end of a loopback connection, as far as the system says (Linux: /proc).
// It tells an attempt's process that did not hide. One that cleared its environment and lost all its ancestors,
// or that handed its socket to another, is not found: only a sandbox keeps that one out.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { ATTEMPT_TAG, hasTag } from '../platform/process.ts';

/** Who is at the other end: a process of an attempt, one outside of all, nobody any more (the socket is closed), or unknown on this platform. */
export type PeerOrigin =
  | { readonly kind: 'attempt'; readonly attempt: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown' };

/** Bounds of one look: processes, open files of each, and processes looked at together. */
const MAX_PROCESSES = 20_000;
const MAX_FILES = 4_096;
const AT_ONCE = 16;

/**
 * The attempt whose process holds the client's end of a connection to this daemon, or undefined (also when the system does not say).
 * Throws SignalboxError `attempt_may_not_answer` when nobody holds it any more: who asks and leaves at once cannot be told from an attempt.
 */
export async function attemptOfPeer(localPort: number, remotePort: number): Promise<string | undefined> {
  const origin = await findPeerOrigin(localPort, remotePort);
  if (origin.kind !== 'gone') return origin.kind === 'attempt' ? origin.attempt : undefined;
  throw new SignalboxError({
    code: 'attempt_may_not_answer',
    message: 'The client left before the daemon could see which process it was. Stay connected until the answer comes.',
  });
}

/** Looks up who is at the other end. */
export async function findPeerOrigin(localPort: number, remotePort: number): Promise<PeerOrigin> {
  if (process.platform !== 'linux') return { kind: 'unknown' };
  const files = (await findInodes(localPort, remotePort)).map((inode) => `socket:[${inode}]`);
  if (files.length === 0) return { kind: 'gone' };
  const holders = await findHolders(files);
  for (const pid of holders) {
    const attempt = await hasTag(pid, ATTEMPT_TAG);
    if (attempt !== undefined) return { kind: 'attempt', attempt };
  }
  return { kind: holders.length === 0 ? 'unknown' : 'outside' };
}

/** The inodes of sockets whose own port is `remotePort` and which are connected to our `localPort`: one, unless somebody uses further loopback addresses. */
async function findInodes(localPort: number, remotePort: number): Promise<string[]> {
  const inodes: string[] = [];
  const own = `:${toHex(remotePort)}`;
  const other = `:${toHex(localPort)}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const fields = line.trim().split(/\s+/);
      const [, local = '', remote = '', state] = fields;
      const inode = fields[9];
      // 01 is an established connection; a socket that no process holds any more has inode 0.
      if (state === '01' && inode !== undefined && inode !== '0' && isLoopback(local) && local.endsWith(own) && remote.endsWith(other))
        inodes.push(inode);
    }
  }
  return inodes;
}

function toHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** 127.0.0.0/8, also as an IPv4-mapped IPv6 address; the tables show each word of an address in the machine's byte order. */
function isLoopback(address: string): boolean {
  const [ip = ''] = address.split(':');
  return ip.length === 8 ? ip.endsWith('7F') || ip.startsWith('7F') : /^0{16}FFFF0000[0-9A-F]{6}7F$/.test(ip);
}

/** The processes that hold one of the files, among those that this user may look at. */
async function findHolders(files: readonly string[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).slice(-MAX_PROCESSES);
  const holders: number[] = [];
  const look = async (): Promise<void> => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) if (await holds(pid, files)) holders.push(Number(pid));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  return holders;
}

async function holds(pid: string, files: readonly string[]): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // Gone meanwhile, or another user's.
  const names = await readdir(folder).catch(() => []);
  for (const name of names.slice(0, MAX_FILES)) if (files.includes(await readlink(`${folder}/${name}`).catch(() => ''))) return true;
  return false;
}

// Which process is at the other end of a loopback connection, as far as the system says (Linux: /proc).
// It tells an attempt's process that did not hide. One that cleared its environment and lost all its ancestors,
// or that handed its socket to another, is not found: only a sandbox keeps that one out.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { ATTEMPT_TAG, hasTag } from '../platform/process.ts';

/** Who is at the other end: a process of an attempt, one outside of all, nobody any more (the socket is closed), or unknown on this platform. */
export type PeerOrigin = { readonly kind: 'attempt'; readonly attempt: string } | { readonly kind: 'outside' } | { readonly kind: 'gone' } | { readonly kind: 'unknown' };

/** Bounds of one look: processes, open files of each, and bytes of the tables of sockets. */
const MAX_PROCESSES = 20_000;
const MAX_FILES = 4_096;
const AT_ONCE = 16;

/** The attempt whose process holds the client's end of a connection to this daemon, or undefined (also when unknown). */
export async function attemptOfPeer(localPort: number, remotePort: number): Promise<string | undefined> {
  const origin = await findPeerOrigin(localPort, remotePort);
  return origin.kind === 'attempt' ? origin.attempt : undefined;
}

/** Like attemptOfPeer, but tells apart why there is none: who answers approvals should be refused when `gone`. */
export async function findPeerOrigin(localPort: number, remotePort: number): Promise<PeerOrigin> {
  if (process.platform !== 'linux') return { kind: 'unknown' };
  const inode = await findInode(localPort, remotePort);
  if (inode === undefined) return { kind: 'gone' };
  const holders = await findHolders(`socket:[${inode}]`);
  for (const pid of holders) {
    const attempt = await hasTag(pid, ATTEMPT_TAG);
    if (attempt !== undefined) return { kind: 'attempt', attempt };
  }
  return { kind: holders.length === 0 ? 'unknown' : 'outside' };
}

/** The inode of the socket whose own port is `remotePort` and which is connected to our `localPort`. */
async function findInode(localPort: number, remotePort: number): Promise<string | undefined> {
  const own = `:${toHex(remotePort)}`;
  const other = `:${toHex(localPort)}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const fields = line.trim().split(/\s+/);
      const [, local = '', remote = '', state] = fields;
      const inode = fields[9];
      // 01 is an established connection; a socket that no process holds any more has inode 0.
      if (state === '01' && inode !== undefined && inode !== '0' && isLoopback(local) && local.endsWith(own) && remote.endsWith(other)) return inode;
    }
  }
  return undefined;
}

function toHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** 127.0.0.0/8, also as an IPv4-mapped IPv6 address; the tables show each word of an address in the machine's byte order. */
function isLoopback(address: string): boolean {
  const [ip = ''] = address.split(':');
  return ip.length === 8 ? ip.endsWith('7F') || ip.startsWith('7F') : /^0{16}FFFF0000[0-9A-F]{6}7F$/.test(ip);
}

/** The processes that hold a file, among those that this user may look at. */
async function findHolders(file: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).slice(-MAX_PROCESSES);
  const holders: number[] = [];
  const look = async (): Promise<void> => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) if (await holds(pid, file)) holders.push(Number(pid));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  return holders;
}

async function holds(pid: string, file: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // Gone meanwhile, or another user's.
  const names = await readdir(folder).catch(() => []);
  for (const name of names.slice(0, MAX_FILES)) if ((await readlink(`${folder}/${name}`).catch(() => '')) === file) return true;
  return false;
}

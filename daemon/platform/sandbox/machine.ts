/** What this machine offers to a sandbox: whether bubblewrap really works here, the system's folders, and the tools on the PATH. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, lstat, readlink, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Enforcement } from '../../../shared/state/agent.ts';
import { liesIn, sandboxArguments, type SystemEntry } from './argv.ts';

/** How attempts are started on this machine: `bwrap` is there exactly when the level is `enforced`. */
export interface Machine {
  readonly enforcement: Enforcement;
  readonly bwrap?: string;
  readonly system: readonly SystemEntry[];
  readonly masked: readonly string[];
}

const TOP = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt', '/nix', '/gnu', '/var/lib/ca-certificates'];
/** Readable for root only, and an attempt may run as root in a container. */
const SECRETS = ['/etc/shadow', '/etc/gshadow', '/etc/shadow-', '/etc/gshadow-', '/etc/sudoers'];
const PROBE_MS = 10_000;

/** Looks once what this machine can do; `mode` is `off` where the user does not want a sandbox. */
export async function inspectMachine(mode: 'auto' | 'off'): Promise<Machine> {
  const system = await listSystem();
  const masked = (await Promise.all(SECRETS.map(async (path) => ((await exists(path)) ? [path] : [])))).flat();
  const advisory = (why: string): Machine => ({ enforcement: { level: 'advisory', why }, system, masked });
  if (mode === 'off') return advisory('The sandbox is switched off by SIGNALBOX_SANDBOX=off.');
  if (process.platform !== 'linux') return advisory(`There is no sandbox for ${process.platform} yet.`);
  const bwrap = await findProgram('bwrap');
  if (bwrap === undefined) return advisory('bubblewrap (bwrap) is not installed.');
  const problem = await probe(bwrap, system, masked);
  if (problem !== undefined) return advisory(`bubblewrap does not work here: ${problem}`);
  return { enforcement: { level: 'enforced', why: 'bubblewrap' }, bwrap, system, masked };
}

/** Starts the smallest sandbox; returns what bubblewrap says when it cannot. */
function probe(bwrap: string, system: readonly SystemEntry[], masked: readonly string[]): Promise<string | undefined> {
  const args = sandboxArguments({
    argv: ['true'],
    cwd: '/tmp',
    system,
    masked,
    tools: [],
    hidden: [],
    borrowed: [],
    writable: [],
    covered: [],
    pinned: [],
  });
  return new Promise((resolve) => {
    execFile(bwrap, args, { timeout: PROBE_MS, env: { PATH: '/usr/bin:/bin' } }, (error, _stdout, stderr) => {
      const said = stderr.split('\n', 1)[0]?.slice(0, 300).trim() ?? '';
      resolve(error === null ? undefined : said || error.message.slice(0, 300));
    });
  });
}

async function listSystem(): Promise<SystemEntry[]> {
  const found = await Promise.all(
    TOP.map(async (path): Promise<SystemEntry[]> => {
      const facts = await lstat(path).catch(() => undefined);
      if (facts?.isSymbolicLink()) return [{ path, link: await readlink(path) }];
      return facts?.isDirectory() ? [{ path }] : [];
    }),
  );
  return found.flat();
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of searchPath(process.env['PATH'] ?? '')) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

function searchPath(path: string): string[] {
  return path.split(delimiter).filter((entry) => isAbsolute(entry));
}

/**
 * The folders beside the system's that a PATH leads to. Of a program's own installation (`PREFIX/bin` beside `PREFIX/lib`) the
 * whole is shown, since programs read what lies beside them; of `~/bin`, `~/.local/bin` and the like only the folder itself.
 */
export async function listTools(path: string, machine: Pick<Machine, 'system'>, homes: readonly string[]): Promise<string[]> {
  const shown = machine.system.map((entry) => entry.path);
  const tools = new Set<string>();
  for (const entry of searchPath(path)) {
    const folder = await realpath(entry).catch(() => undefined);
    if (folder === undefined || folder === '/' || shown.some((top) => liesIn(folder, top))) continue;
    if ((await stat(folder)).isDirectory()) tools.add(await installationOf(folder, homes));
  }
  return [...tools];
}

async function installationOf(folder: string, homes: readonly string[]): Promise<string> {
  const prefix = dirname(folder);
  const personal = prefix === '/' || homes.some((home) => prefix === home || prefix === join(home, '.local') || liesIn(home, prefix));
  if (basename(folder) !== 'bin' || personal || !(await exists(join(prefix, 'lib')))) return folder;
  return prefix;
}

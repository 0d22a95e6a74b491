// What the operating system says about processes: identity, parents, groups, and the tag in their environment.
// Boundary: only reads. Linux has /proc; macOS is asked through ps; Windows through PowerShell and has no readable environment.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import * as z from 'zod';

const execFileAsync = promisify(execFile);
const ASK = { timeout: 10_000, maxBuffer: 32 * 1024 * 1024, windowsHide: true } as const;

/** Which process this is, beyond its number: numbers are used again, also after a restart of the machine and on other machines. */
export const ProcessIdentity = z.object({
  pid: z.number().int().positive(),
  startTime: z.string().min(1).max(100),
  host: z.string().max(256),
  bootId: z.string().max(200),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** One row of the process table. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTime: string;
}

/** The identity of a running process, or undefined when there is none (a zombie has ended). On Linux the process is looked at before the first await. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startTime = process.platform === 'linux' ? readRow(pid, { zombies: true })?.startTime : await askStartTime(pid);
  if (startTime === undefined) return undefined;
  return { pid, startTime, host: hostname(), bootId: await readBootId() };
}

/** Whether exactly this process still runs; undefined when it belongs to another host, where nobody here can know. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean | undefined> {
  if (identity.host !== hostname()) return undefined;
  if (identity.bootId !== (await readBootId())) return false;
  const startTime = process.platform === 'linux' ? readRow(identity.pid)?.startTime : await askStartTime(identity.pid);
  return startTime === identity.startTime;
}

let bootId: Promise<string> | undefined;

function readBootId(): Promise<string> {
  bootId ??= askBootId();
  return bootId;
}

async function askBootId(): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    if (process.platform === 'win32') return await askPowerShell('(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.Ticks');
    return (await execFileAsync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], ASK)).stdout.trim();
  } catch {
    return 'unknown';
  }
}

async function askStartTime(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'win32') return (await askPowerShell(`(Get-Process -Id ${Math.trunc(pid)}).StartTime.Ticks`)) || undefined;
    const { stdout } = await execFileAsync('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { ...ASK, env: { LC_ALL: 'C' } });
    const [, state = '', started = ''] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
    return state.startsWith('Z') || started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}

async function askPowerShell(expression: string): Promise<string> {
  const binary = `${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;
  return (await execFileAsync(binary, ['-NoProfile', '-NonInteractive', '-Command', expression], ASK)).stdout.trim();
}

/** One Linux process, or undefined when it is gone or (unless `zombies`) has ended and only waits for its parent. */
function readRow(pid: number, { zombies = false } = {}): ProcessRow | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may itself contain any character.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  if (!zombies && (state === 'Z' || state === 'X')) return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), startTime: fields[19] ?? '' };
}

/** All processes that run now; empty on Windows. */
export async function listProcesses(): Promise<ProcessRow[]> {
  if (process.platform === 'linux') {
    const names = await readdir('/proc');
    return names.flatMap((name) => (/^\d+$/.test(name) ? (readRow(Number(name)) ?? []) : []));
  }
  if (process.platform === 'win32') return [];
  const { stdout } = await execFileAsync('/bin/ps', ['-axo', 'pid=,ppid=,pgid=,stat='], ASK);
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state = 'Z'] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group), session: 0, startTime: '' }];
  });
}

/** The value of an environment variable that a process was started with, or undefined. */
export async function readVariable(pid: number, name: string): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
      return variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
    } catch {
      return undefined;
    }
  }
  return (await askVariables(name, ['-p', String(pid)])).get(pid);
}

/** The value of the variable in every process that carries it. */
export async function readVariables(rows: readonly ProcessRow[], name: string): Promise<Map<number, string>> {
  if (process.platform !== 'linux') return askVariables(name, ['-ax']);
  const found = new Map<number, string>();
  await Promise.all(
    rows.map(async ({ pid }) => {
      const value = await readVariable(pid, name);
      if (value !== undefined) found.set(pid, value);
    }),
  );
  return found;
}

async function askVariables(name: string, which: readonly string[]): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  if (process.platform === 'win32') return found;
  try {
    const { stdout } = await execFileAsync('/bin/ps', ['-E', '-ww', ...which, '-o', 'pid=,command='], ASK);
    for (const line of stdout.split('\n')) {
      const [, pid, value] = new RegExp(`^\\s*(\\d+)\\s.*\\s${name}=(\\S+)`).exec(line) ?? [];
      if (pid !== undefined && value !== undefined) found.set(Number(pid), value);
    }
  } catch {
    // ps ends with 1 when nothing matches.
  }
  return found;
}

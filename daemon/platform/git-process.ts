// Starts git and carries its output, bounded in size and time. Boundary: the only place that spawns git.
// Invariants:
// 1. Before a command that could consult attributes or hooks, the drivers of the configuration as git sees it are overridden.
// 2. Diffs get --no-ext-diff --no-textconv, and diffs and status get --ignore-submodules=all, whoever calls.
// 3. A command that ends by timeout, size or abort takes its whole process group with it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  DRIVER_PATTERN,
  findGitBinary,
  gitEnvironment,
  type GitSetting,
  type GitWhere,
  neutraliseDrivers,
  UnsafeGitConfig,
} from './git-environment.ts';
import { rememberAnswers } from './git-answers.ts';

/** Why git did not give an answer. */
export type GitErrorCode =
  | 'git_failed'
  | 'git_timeout'
  | 'git_output_too_large'
  | 'git_missing'
  | 'git_aborted'
  | 'git_directory_missing'
  | 'git_config_unsafe';

/** A git command that did not succeed: `code` is stable, `stderr` is bounded to 64 KiB and may contain paths of the repository. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly code: GitErrorCode;
  readonly args: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(code: GitErrorCode, message: string, facts: { args: readonly string[]; exitCode?: number | undefined; stderr?: string }) {
    super(message);
    this.code = code;
    this.args = facts.args;
    this.exitCode = facts.exitCode;
    this.stderr = facts.stderr ?? '';
  }
}

/** Bounds and inputs of one git command. */
export interface GitOptions {
  readonly stdin?: string | Buffer;
  /** Most bytes of standard output kept; default 64 MiB. */
  readonly maxBytes?: number;
  /** With more output than `maxBytes`: return what fits with `truncated: true` instead of throwing. */
  readonly truncate?: boolean;
  /** Default 60,000 ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Only GIT_INDEX_FILE, GIT_ALTERNATE_OBJECT_DIRECTORIES and GIT_AUTHOR_* / GIT_COMMITTER_* are accepted. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are an answer; default only 0. */
  readonly okCodes?: readonly number[];
  /** Further configuration overrides. */
  readonly settings?: readonly GitSetting[];
}

/** The answer of one git command. */
export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly truncated: boolean;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_STDERR_BYTES = 64 * 1024;

// These read objects and refs only: they consult neither attributes nor hooks, so they need no look at the drivers.
const READERS = new Set([
  'cat-file',
  'check-ref-format',
  'config',
  'for-each-ref',
  'ls-tree',
  'merge-base',
  'mktree',
  'rev-list',
  'rev-parse',
  'show-ref',
  'var',
  'version',
]);
const recallDrivers = rememberAnswers<readonly GitSetting[]>();
const DIFFS = new Set(['diff', 'diff-files', 'diff-index', 'diff-tree', 'log', 'show']);

function guardArguments(args: readonly string[]): string[] {
  const [command = '', ...rest] = args;
  if (command.startsWith('-')) throw new TypeError('The first argument for git must be its subcommand');
  if (DIFFS.has(command)) return [command, '--no-ext-diff', '--no-textconv', '--ignore-submodules=all', ...rest];
  if (command === 'status') return [command, '--ignore-submodules=all', ...rest];
  return [...args];
}

/** Starts git with the hardened environment; the caller reads the streams and waits for `close`. */
export async function spawnGit(where: GitWhere, args: readonly string[], opts: GitOptions = {}): Promise<ChildProcessWithoutNullStreams> {
  const drivers = READERS.has(args[0] ?? '') ? [] : await recallDrivers(where, () => readDrivers(where, opts));
  const env = gitEnvironment(where, [...drivers, ...(opts.settings ?? [])], opts.env);
  // The one command that takes no literal pathspecs, and fails when they are on.
  if (args[0] === 'check-ignore') delete env['GIT_LITERAL_PATHSPECS'];
  return startGit(where, guardArguments(args), env);
}

async function readDrivers(where: GitWhere, opts: GitOptions): Promise<GitSetting[]> {
  const args = ['config', '-z', '--name-only', '--get-regexp', DRIVER_PATTERN];
  const child = startGit(where, args, gitEnvironment(where, []));
  const bounds = {
    maxBytes: 1024 * 1024,
    timeoutMs: opts.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    okCodes: [0, 1],
    ...(opts.signal ? { signal: opts.signal } : {}),
  };
  const { stdout } = await collect(child, args, bounds);
  try {
    return neutraliseDrivers(stdout);
  } catch (error) {
    if (error instanceof UnsafeGitConfig) throw new GitError('git_config_unsafe', error.message, { args });
    throw error;
  }
}

function startGit(where: GitWhere, args: readonly string[], env: Record<string, string>): ChildProcessWithoutNullStreams {
  const binary = findGitBinary();
  if (binary === undefined) throw new GitError('git_missing', 'git was not found on PATH. Install git 2.38 or newer.', { args });
  const cwd = where.workTree ?? where.gitDir;
  if (!existsSync(cwd)) throw new GitError('git_directory_missing', `${cwd} does not exist.`, { args });
  return spawn(binary, args, { cwd, env, stdio: 'pipe', detached: process.platform !== 'win32', windowsHide: true });
}

/** Ends a git process started by spawnGit, and its children. */
export function killGit(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** Waits for a started git process, feeding `stdin` and collecting its output within the bounds; throws GitError. */
export function collect(child: ChildProcessWithoutNullStreams, args: readonly string[], opts: GitOptions): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const maxBytes = opts.maxBytes ?? DEFAULT_MAX_BYTES;
    const stdout: Buffer[] = [];
    let size = 0;
    let truncated = false;
    let failure: GitError | undefined;
    const readStderr = keepStderr(child);
    const end = (error?: GitError): void => {
      failure ??= error;
      killGit(child);
    };
    const release = watchBounds(args, opts, end);
    child.stdout.on('data', (chunk: Buffer) => {
      if (truncated || failure) return;
      const kept = chunk.subarray(0, maxBytes - size);
      stdout.push(kept);
      size += kept.length;
      if (kept.length === chunk.length) return;
      truncated = true;
      end(opts.truncate ? undefined : new GitError('git_output_too_large', `git ${args[0]} wrote more than ${maxBytes} bytes.`, { args }));
    });
    child.on('error', (error) => {
      release();
      reject(new GitError('git_failed', `git could not be started: ${error.message}`, { args }));
    });
    child.on('close', (exitCode, signal) => {
      release();
      const stderr = readStderr();
      if (failure) return reject(failure);
      const result = { code: exitCode ?? -1, stdout: Buffer.concat(stdout), stderr, truncated };
      if (truncated || (opts.okCodes ?? [0]).includes(result.code)) return resolve(result);
      reject(failedCommand(args, exitCode, signal, stderr));
    });
    // git may end before it has read everything; its exit code tells the story.
    child.stdin.on('error', () => {});
    child.stdin.end(opts.stdin ?? '');
  });
}

function watchBounds(args: readonly string[], opts: GitOptions, end: (error: GitError) => void): () => void {
  const timeoutMs = opts.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const timer = setTimeout(() => end(new GitError('git_timeout', `git ${args[0]} took longer than ${timeoutMs} ms.`, { args })), timeoutMs);
  const abort = (): void => end(new GitError('git_aborted', `git ${args[0]} was canceled.`, { args }));
  if (opts.signal?.aborted) abort();
  opts.signal?.addEventListener('abort', abort, { once: true });
  return () => {
    clearTimeout(timer);
    opts.signal?.removeEventListener('abort', abort);
  };
}

/** Keeps the beginning of a git process's standard error; call the result after `close`. */
export function keepStderr(child: ChildProcessWithoutNullStreams): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, MAX_STDERR_BYTES - size);
    size += kept.length;
    if (kept.length > 0) chunks.push(kept);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** The error for a git command that ended with an exit code that is no answer, or by a signal. */
export function failedCommand(args: readonly string[], exitCode: number | null, signal: string | null, stderr: string): GitError {
  const how = exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `ended with code ${exitCode}`;
  const firstLine = stderr.split('\n', 1)[0]?.slice(0, 500) ?? '';
  return new GitError('git_failed', `git ${args[0]} ${how}${firstLine === '' ? '.' : `: ${firstLine}`}`, {
    args,
    exitCode: exitCode ?? undefined,
    stderr,
  });
}

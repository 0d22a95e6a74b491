/**
 * Changed files of a repository's main checkout, in batches.
 *
 * 1. Only folders that a pattern can match are watched, and a bounded number of them: beyond that nothing is, and the reason is told.
 * 2. A batch ends when nothing has changed for a while, or when it has lasted or grown too long. The same files in the same state are
 *    the same batch.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { watch } from 'chokidar';
import type { TriggerDefinition } from '../../shared/state/trigger-definition.ts';
import type { Ear, Listener } from './listener.ts';

type FilesDefinition = Extract<TriggerDefinition, { kind: 'files' }>;

/** Folders that one trigger may watch. */
const MAX_FOLDERS = 2_000;
/** Paths that a batch may hold, and those that a run is told of. */
const MAX_PATHS = 10_000;
const MAX_TOLD = 100;
/** A batch ends after so many times the wait, even where something goes on changing. */
const MAX_WAITS = 20;
/** What belongs to git and to package managers is nobody's edit. */
const NEVER = new Set(['.git', 'node_modules']);

export interface FilesRequest {
  /** The main checkout, and folders of ours that may lie in it. */
  root: string;
  hidden: readonly string[];
  definition: FilesDefinition;
  matches(path: string, pattern: string): boolean;
}

/** Watches until it is closed. */
export function watchFiles({ root, hidden, definition, matches }: FilesRequest, ear: Ear): Listener {
  const { include, ignore, settleMs } = definition;
  const slashed = (path: string): string => relative(root, path).split(sep).join('/');
  const wanted = (path: string): boolean => include.some((one) => matches(path, one)) && !ignore.some((one) => matches(path, one));
  const skipped = (path: string): boolean => {
    const inside = slashed(path);
    return (
      inside.split('/').some((part) => NEVER.has(part)) ||
      hidden.some((one) => path === one || path.startsWith(one + sep)) ||
      ignore.some((one) => matches(inside, one))
    );
  };
  const folders = new Set<string>();
  const tooMany = (): void => {
    void watcher.close();
    ear.problem(`There are more than ${MAX_FOLDERS} folders to watch in ${root}. Narrow \`files\`, or add to \`ignore\`.`);
  };
  const watcher = watch([...new Set(include.map((pattern) => join(root, baseOf(pattern))))], {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path, stats) => {
      if (skipped(path)) return true;
      if (stats?.isDirectory() && folders.add(path).size > MAX_FOLDERS) setImmediate(tooMany);
      return folders.size > MAX_FOLDERS;
    },
  });
  const batch = createBatch(settleMs, async (paths) => void (await ear.hear(await describeBatch(root, paths))));
  watcher.on('all', (kind, path) => {
    const inside = slashed(path);
    if ((kind === 'add' || kind === 'change' || kind === 'unlink') && wanted(inside)) batch.add(inside);
  });
  watcher.on('error', (error) => ear.problem(explainFault(error, root)));
  watcher.on('ready', () => {
    if (folders.size <= MAX_FOLDERS) ear.problem(undefined);
  });
  return {
    close() {
      batch.end();
      void watcher.close();
    },
  };
}

function explainFault(error: unknown, root: string): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EMFILE')
    return `The system gives no more watches, so changes in ${root} are not seen. Raise fs.inotify.max_user_watches, or narrow \`files\`.`;
  return `Files of ${root} cannot be watched: ${code}.`;
}

/** The folder above everything that a pattern can match. */
function baseOf(pattern: string): string {
  const parts = pattern.split('/');
  // Without a slash it means a name in any folder.
  if (parts.length === 1) return '.';
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  return parts.slice(0, wild === -1 ? -1 : wild).join('/') || '.';
}

function createBatch(settleMs: number, flush: (paths: string[]) => Promise<void>): { add(path: string): void; end(): void } {
  let paths = new Set<string>();
  let began = 0;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(timer);
    const done = [...paths].sort();
    paths = new Set();
    if (done.length > 0) void flush(done);
  };
  return {
    add(path) {
      if (paths.size === 0) began = performance.now();
      paths.add(path);
      clearTimeout(timer);
      const left = began + MAX_WAITS * settleMs - performance.now();
      if (paths.size >= MAX_PATHS || left <= 0) return end();
      timer = setTimeout(end, Math.min(settleMs, left)).unref();
    },
    end() {
      clearTimeout(timer);
      paths.clear();
    },
  };
}

async function describeBatch(root: string, paths: readonly string[]) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const { mtimeMs = 0, size = -1 } = (await stat(join(root, path)).catch(() => undefined)) ?? {};
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  }
  const [first = ''] = paths;
  const summary = paths.length === 1 ? `${first} changed` : `${first} and ${paths.length - 1} more changed`;
  const facts = { path: first, paths: paths.slice(0, MAX_TOLD), count: paths.length };
  return { firing: `files:${hash.digest('hex')}`, facts, summary };
}

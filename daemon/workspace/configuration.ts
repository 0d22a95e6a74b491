/**
 * What a repository says about Signalbox: the files of `.signalbox/` in its main checkout, never those of a worktree.
 * It is input, not authority: bounded, links are not followed, and its hash is what a person trusts.
 */
import { createHash } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { isDefinition } from '../platform/yaml-folder.ts';
import type { RepoInfo } from './inspect.ts';
import { WorkspaceError } from './workspace-error.ts';

const MAX_FILES = 500;
const MAX_FILE_BYTES = 256 * 1024;
const MAX_DEPTH = 6;

/** The files of `.signalbox/`, and the hash over all of them; the hash is empty when there is none. */
export interface RepoConfiguration {
  digest: string;
  files: string[];
  policies: { file: string; text: string }[];
  workflows: { file: string; name: string; text: string }[];
  /** `.signalbox/worktree.yaml`: what each worktree needs before work begins. */
  worktree?: { file: string; text: string };
}

/** The folder that holds a repository's configuration, or undefined for a bare one. */
export function configurationRoot(repo: Pick<RepoInfo, 'bare' | 'commonDir' | 'path' | 'linkedWorktree'>): string | undefined {
  if (repo.bare) return undefined;
  if (!repo.linkedWorktree) return repo.path;
  return basename(repo.commonDir) === '.git' ? dirname(repo.commonDir) : undefined;
}

/** Reads `.signalbox/`; throws WorkspaceError configuration_unreadable when it holds links, or more or larger files than it may. */
export async function readConfiguration(repo: RepoInfo): Promise<RepoConfiguration> {
  const root = configurationRoot(repo);
  if (root === undefined) return { digest: '', files: [], policies: [], workflows: [] };
  const paths = (await listFiles(join(root, '.signalbox'), 0)).sort();
  if (paths.length === 0) return { digest: '', files: [], policies: [], workflows: [] };
  const hash = createHash('sha256');
  const configuration: RepoConfiguration = { digest: '', files: [], policies: [], workflows: [] };
  for (const path of paths) {
    const file = relative(root, path).split(sep).join('/');
    const bytes = await readBounded(path, file);
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    configuration.files.push(file);
    addSource(configuration, path, file, bytes);
  }
  return { ...configuration, digest: hash.digest('hex') };
}

function addSource(configuration: RepoConfiguration, path: string, file: string, bytes: Buffer): void {
  const [, folder, name, more] = file.split('/');
  if (file === '.signalbox/worktree.yaml') configuration.worktree = { file: path, text: bytes.toString('utf8') };
  if (name === undefined || more !== undefined || !isDefinition(name)) return;
  if (folder === 'policies') configuration.policies.push({ file: path, text: bytes.toString('utf8') });
  if (folder === 'workflows')
    configuration.workflows.push({ file: path, name: name.replace(/\.ya?ml$/, ''), text: bytes.toString('utf8') });
}

async function listFiles(folder: string, depth: number): Promise<string[]> {
  const info = await lstat(folder).catch(() => undefined);
  if (!info) return [];
  if (info.isSymbolicLink() || !info.isDirectory()) throw unreadable(folder, 'is not a folder of its own');
  if (depth > MAX_DEPTH) throw unreadable(folder, `lies more than ${MAX_DEPTH} folders deep`);
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await listFiles(path, depth + 1)));
    else if (entry.isFile()) found.push(path);
    else throw unreadable(path, 'is neither a file nor a folder');
    if (found.length > MAX_FILES) throw unreadable(folder, `holds more than ${MAX_FILES} files`);
  }
  return found;
}

async function readBounded(path: string, file: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_FILE_BYTES + 1), 0, MAX_FILE_BYTES + 1, 0);
    if (bytesRead > MAX_FILE_BYTES) throw unreadable(file, `is larger than ${MAX_FILE_BYTES} bytes`);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function unreadable(path: string, why: string): WorkspaceError {
  return new WorkspaceError('configuration_unreadable', `${path} ${why}, so .signalbox/ is not used. Mend it, or remove it.`, { path });
}

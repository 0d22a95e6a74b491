/**
 * What an attempt finds and leaves besides its worktree: a folder of its own with the inputs of its task, a place for its
 * outputs and a report of what it measured. What lies there was written by somebody who is not trusted.
 *
 * 1. No link is followed, and nothing outside of the two folders is read.
 * 2. Files, folders and lists are bounded in number, size and depth; what is too large is refused with a sentence.
 */
import { lstat, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WorkspaceError } from './workspace-error.ts';

/** Bytes of one output, all files of a folder together. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_FILES = 500;
const MAX_DEPTH = 8;
/** Bytes of a report: its values go into the record. */
const MAX_REPORT_BYTES = 32 * 1024;

/** Where things lie in the folder of an attempt. */
export interface Desk {
  /** The task as JSON: what to do, with what, and what was wrong before. */
  task: string;
  /** The artifacts of the task. */
  inputs: string;
  /** Outputs are looked for here first, then in the worktree. */
  outputs: string;
  /** Values and metrics, as one JSON object. */
  report: string;
}

/** The places of an attempt below its folder. */
export function deskOf(home: string): Desk {
  return {
    task: join(home, 'task.json'),
    inputs: join(home, 'inputs'),
    outputs: join(home, 'outputs'),
    report: join(home, 'report.json'),
  };
}

/** Lays out the inputs of a task. `files` are paths below the folder of inputs. */
export async function layOut(home: string, task: unknown, files: readonly { path: string; text: string }[]): Promise<Desk> {
  const desk = deskOf(home);
  await mkdir(desk.inputs, { recursive: true, mode: 0o700 });
  await mkdir(desk.outputs, { recursive: true, mode: 0o700 });
  await writeFile(desk.task, JSON.stringify(task, undefined, 2), { mode: 0o600 });
  for (const { path, text } of files) {
    if (!isPlain(path)) throw refuse(`The input ${path} has no plain name.`, { path });
    await mkdir(dirname(join(desk.inputs, path)), { recursive: true, mode: 0o700 });
    await writeFile(join(desk.inputs, path), text, { mode: 0o600 });
  }
  return desk;
}

function isPlain(path: string): boolean {
  return (
    path !== '' &&
    !path.startsWith('/') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** What the attempt reported; nothing when it left no report. Throws WorkspaceError output_unreadable for one that is too large or no JSON object. */
export async function readReport(home: string): Promise<Record<string, unknown>> {
  const { report } = deskOf(home);
  const text = await readFileAt(report, MAX_REPORT_BYTES, 'The report');
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The same sentence for both.
  }
  throw refuse('The report is no JSON object. Write one, such as {"coverage": 83}, to the file that SIGNALBOX_REPORT names.', {});
}

/**
 * One output as it is stored, looked for in each folder in turn; undefined when it is in none. A folder (`designs/`)
 * becomes JSON with its files, a list (`tickets[]`) a JSON array: of `tickets.json`, or of the files in `tickets/`.
 */
export async function readOutput(folders: readonly string[], name: string): Promise<{ content: string; mediaType: string } | undefined> {
  for (const folder of folders) {
    const found = await readOutputIn(folder, name);
    if (found) return found;
  }
  return undefined;
}

async function readOutputIn(folder: string, name: string): Promise<{ content: string; mediaType: string } | undefined> {
  if (name.endsWith('/')) {
    const files = await readFolder(join(folder, name.slice(0, -1)), name);
    return files.length === 0 ? undefined : { content: JSON.stringify({ files }), mediaType: 'application/vnd.signalbox.folder+json' };
  }
  if (name.endsWith('[]')) return readList(folder, name.slice(0, -2));
  const text = await readFileAt(join(folder, name), MAX_BYTES, name);
  return text === undefined ? undefined : { content: text, mediaType: mediaTypeOf(name) };
}

async function readList(folder: string, name: string): Promise<{ content: string; mediaType: string } | undefined> {
  const whole = await readFileAt(join(folder, `${name}.json`), MAX_BYTES, `${name}.json`);
  const entries =
    whole === undefined ? (await readFolder(join(folder, name), `${name}[]`)).map(readEntry) : parseJson(whole, `${name}.json`);
  if (!Array.isArray(entries)) throw refuse(`${name}.json is no list.`, { name });
  if (whole === undefined && entries.length === 0) return undefined;
  return { content: JSON.stringify(entries), mediaType: 'application/json' };
}

function readEntry({ path, text }: { path: string; text: string }): unknown {
  return path.endsWith('.json') ? parseJson(text, path) : { name: path, text };
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refuse(`${name} is no JSON.`, { name });
  }
}

async function readFolder(root: string, name: string): Promise<{ path: string; text: string }[]> {
  const files: { path: string; text: string }[] = [];
  let left = MAX_BYTES;
  const walk = async (folder: string, below: string, depth: number): Promise<void> => {
    const info = await lstat(folder).catch(() => undefined);
    if (!info) return;
    if (!info.isDirectory()) throw refuse(`${name} is no folder of its own.`, { name });
    if (depth > MAX_DEPTH) throw refuse(`${name} goes more than ${MAX_DEPTH} folders deep.`, { name });
    for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${below}${entry.name}`;
      if (entry.name === '.git') continue;
      if (entry.isDirectory()) await walk(join(folder, entry.name), `${path}/`, depth + 1);
      else {
        if (files.length >= MAX_FILES) throw refuse(`${name} has more than ${MAX_FILES} files.`, { name });
        const text = await readFileAt(join(folder, entry.name), left, `${name}${path}`);
        left -= Buffer.byteLength(text ?? '');
        files.push({ path, text: text ?? '' });
      }
    }
  };
  await walk(root, '', 0);
  return files;
}

/** The text of a file that is one; undefined when there is none. */
async function readFileAt(path: string, maxBytes: number, name: string): Promise<string | undefined> {
  const info = await lstat(path).catch(() => undefined);
  if (!info) return undefined;
  if (!info.isFile()) throw refuse(`${name} is a link or no file, and is not read.`, { name });
  const handle = await open(path, 'r');
  try {
    const { size, ino } = await handle.stat();
    // What was looked at is what is read: a link that took its place meanwhile is another file.
    if (ino !== info.ino) throw refuse(`${name} changed while it was read.`, { name });
    if (size > maxBytes) throw refuse(`${name} has ${size} bytes; ${maxBytes} is the most.`, { name, bytes: size, limit: maxBytes });
    const bytes = await handle.readFile();
    return bytes.toString('utf8');
  } finally {
    await handle.close();
  }
}

function mediaTypeOf(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  if (name.endsWith('.md')) return 'text/markdown';
  return /\.ya?ml$/.test(name) ? 'application/yaml' : 'text/plain';
}

function refuse(message: string, facts: Record<string, unknown>): WorkspaceError {
  return new WorkspaceError('output_unreadable', message, facts);
}

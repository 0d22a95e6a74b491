/**
 * Finished runs and tasks that left memory, in `archive/`: one document for each run, and tasks in chunks with an index.
 *
 * 1. What `write` has answered is durable; writing the same again changes nothing, so that a crash in between does no harm.
 * 2. Memory does not grow with what is archived, but for 10 bits a task.
 * 3. `version` changes with every write, before whoever wrote hears of it: nothing found and the same version means that it was not there.
 */
// Long because: writing, merging, finding and listing share the list of chunks, which each of them may find changed.
import { hash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Approval } from '../../shared/state/approval.ts';
import type { RunDocument, TaskDocument } from '../../shared/state/document.ts';
import type { Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import { syncFolder, writeFileAtomic } from '../platform/atomic.ts';
import { ensurePrivateFolder } from '../platform/paths.ts';
import { damaged, findLines, indexPath, keyOf, mayHave, readFilter, readLines, writeChunk, type Chunk } from './archive-chunk.ts';
import { isLargeMerge, mergeChunks, pickMerge } from './archive-merge.ts';
import { openRunList, type RunList } from './archive-runs.ts';

const CHUNK = /^(\d{12})-(\d{1,9})\.ndjson$/;
/** Lines read at once when tasks are listed. */
const PAGE = 256;
/** Time for turning documents into text before everything else gets a turn, in milliseconds. */
const STEP_MS = 3;
/** Ids that are looked for at once. */
const LOOKS = 64;

/** What leaves memory together. */
export interface ArchiveBatch {
  runs: readonly RunDocument[];
  tasks: readonly TaskDocument[];
}

/** One page, newest first; `next` is where the one after it goes on. */
export interface ArchivePage<Entry> {
  entries: Entry[];
  next: number | undefined;
}

/** The archive of one state folder. Reads throw StoreError `archive_damaged` for files that are not what was written. */
export interface ArchiveStore {
  readonly version: number;
  write(batch: ArchiveBatch): Promise<void>;
  /** Never wrong when it says no; costs no disk. */
  mayHaveTask(id: string): boolean;
  readRun(id: string): Promise<RunDocument | undefined>;
  /** An approval of an archived run. */
  readApproval(id: string): Promise<Approval | undefined>;
  /** Also a task of an archived run. */
  readTask(id: string): Promise<TaskDocument | undefined>;
  listRuns(query: { before?: number; limit: number; wanted(line: { id: string; repo?: string }): boolean }): Promise<ArchivePage<Run>>;
  listTasks(query: { before?: number; limit: number }): Promise<ArchivePage<Task>>;
  /** Every document, one after the other. */
  scan(): AsyncGenerator<RunDocument | TaskDocument>;
}

/** A line of a chunk: the document of a task, or the run whose document has that task or approval. */
type TaskLine = TaskDocument | { id: string; run: string };

/** Opens the archive of a state folder, and finishes what a crash left of a merge. */
export async function openArchive(dir: string): Promise<ArchiveStore> {
  const root = await ensurePrivateFolder(join(dir, 'archive'));
  const tasks = await ensurePrivateFolder(join(root, 'tasks'));
  const runs = await ensurePrivateFolder(join(root, 'runs'));
  await syncFolder(root);
  return new FolderOfArchive(runs, tasks, await openRunList(join(root, 'runs.ndjson')), await openChunks(tasks));
}

async function openChunks(folder: string): Promise<Chunk[]> {
  const names = await readdir(folder);
  for (const name of names) if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
  const whole = new Set(names.filter((name) => name.endsWith('.idx')));
  const chunks: Chunk[] = [];
  const found = names.flatMap((name) => {
    const [, first, count] = CHUNK.exec(name) ?? [];
    return first === undefined || count === undefined ? [] : [{ name, first: Number(first), count: Number(count) }];
  });
  // The larger of two that begin alike is the merged one: what it covers was to be removed.
  let end = 0;
  for (const { name, first, count } of found.sort((a, b) => a.first - b.first || b.count - a.count)) {
    const path = join(folder, name);
    if (!whole.has(name.replace(/\.ndjson$/, '.idx')) || first + count <= end) {
      await removeChunk(path);
      continue;
    }
    chunks.push({ first, count, path, filter: await readFilter(path, count) });
    end = first + count;
  }
  return chunks;
}

async function removeChunk(path: string): Promise<void> {
  await rm(indexPath(path), { force: true });
  await rm(path, { force: true });
}

class FolderOfArchive implements ArchiveStore {
  readonly #runs: string;
  readonly #tasks: string;
  readonly #list: RunList;
  #chunks: Chunk[];
  #turn: Promise<unknown> = Promise.resolve();
  #aside: Promise<unknown> | undefined;
  version = 0;

  constructor(runs: string, tasks: string, list: RunList, chunks: Chunk[]) {
    this.#runs = runs;
    this.#tasks = tasks;
    this.#list = list;
    this.#chunks = chunks;
  }

  write(batch: ArchiveBatch): Promise<void> {
    const turn = this.#turn.then(() => this.#writeNow(batch));
    // Nobody waits for the merge but the next write; one that failed is tried again then.
    this.#turn = turn.then(() => this.#merge()).catch(() => undefined);
    return turn;
  }

  async #writeNow({ runs, tasks }: ArchiveBatch): Promise<void> {
    const wanted: { id: string; line: string }[] = [];
    let began = performance.now();
    const add = async (id: string, line: TaskLine): Promise<void> => {
      wanted.push({ id, line: JSON.stringify(line) });
      if (performance.now() - began < STEP_MS) return;
      await new Promise((resolve) => setImmediate(resolve));
      began = performance.now();
    };
    for (const document of runs) {
      await this.#writeRun(document);
      for (const { id } of document.tasks) await add(id, { id, run: document.run.id });
      for (const { id } of document.approvals) await add(approvalKey(id), { id: approvalKey(id), run: document.run.id });
    }
    for (const document of tasks) await add(document.task.id, document);
    const there = await this.#findThose(wanted.map(({ id }) => id));
    const entries = wanted.filter(({ id }) => !there.has(id));
    if (entries.length > 0) {
      const last = this.#chunks.at(-1);
      const chunk = await writeChunk(this.#tasks, last ? last.first + last.count : 0, entries);
      // Not before: a merge may have put another list in the place of the old one meanwhile.
      this.#chunks.push(chunk);
    }
    this.version += 1;
  }

  /** The ids that have a line. Many are looked for at once: each look waits for several turns of the event loop, and nearly all find nothing. */
  async #findThose(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const maybe = ids.filter((id) => this.mayHaveTask(id));
    const found = new Set<string>();
    for (let from = 0; from < maybe.length; from += LOOKS)
      await Promise.all(maybe.slice(from, from + LOOKS).map(async (id) => (await this.#findTask(id)) && found.add(id)));
    return found;
  }

  /** A run that was brought back comes again without its details: the archive has those already. */
  async #writeRun(document: RunDocument): Promise<void> {
    const { run } = document;
    const known = await this.readRun(run.id);
    // First the line, then the document: a line without a document is passed over, a document without a line would never be listed.
    if (!known) await this.#list.append({ id: run.id, ...(run.repo === undefined ? {} : { repo: run.repo }) });
    const whole = known && document.stages.length === 0 ? { ...known, run } : document;
    const path = this.#pathOf(run.id);
    await ensurePrivateFolder(join(path, '..'));
    await writeFileAtomic(path, JSON.stringify(whole));
    await syncFolder(this.#runs);
  }

  /** Merges what can be; a large merge goes on beside the writes that follow, so that they never wait for it. */
  async #merge(): Promise<void> {
    while (this.#aside === undefined) {
      const group = pickMerge(this.#chunks);
      if (!group) return;
      const merging = this.#mergeGroup(group);
      if (!isLargeMerge(group)) await merging;
      else this.#aside = merging.catch(() => undefined).finally(() => (this.#aside = undefined));
    }
  }

  async #mergeGroup(group: readonly Chunk[]): Promise<void> {
    const merged = await mergeChunks(this.#tasks, group);
    const gone = new Set(group);
    this.#chunks = [...this.#chunks.filter((c) => !gone.has(c)), merged].sort((a, b) => a.first - b.first);
    await Promise.all(group.map(({ path }) => removeChunk(path)));
  }

  async readApproval(id: string): Promise<Approval | undefined> {
    const found = await this.#findTask(approvalKey(id));
    const document = found && 'run' in found ? await this.readRun(found.run) : undefined;
    return document?.approvals.find((a) => a.id === id);
  }

  mayHaveTask(id: string): boolean {
    if (this.#chunks.length === 0) return false;
    const key = keyOf(id);
    return this.#chunks.some((chunk) => mayHave(chunk, key));
  }

  async readRun(id: string): Promise<RunDocument | undefined> {
    const path = this.#pathOf(id);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? undefined : parse<RunDocument>(path, text);
  }

  async readTask(id: string): Promise<TaskDocument | undefined> {
    const found = await this.#findTask(id);
    return found && this.#resolve(found);
  }

  async #resolve(line: TaskLine): Promise<TaskDocument | undefined> {
    if ('task' in line) return line;
    if (line.id.startsWith(approvalKey(''))) return undefined;
    const document = await this.readRun(line.run);
    const task = document?.tasks.find((t) => t.id === line.id);
    return task && { task, attempts: document?.attempts.filter((a) => a.task === line.id) ?? [] };
  }

  async #findTask(id: string): Promise<TaskLine | undefined> {
    const key = keyOf(id);
    for (let at = this.#chunks.length - 1; at >= 0; at--) {
      const chunk = this.#chunks[at];
      if (!chunk || !mayHave(chunk, key)) continue;
      const lines = await this.#whileThere(chunk, () => findLines(chunk, key));
      // A merge took its place: whatever it had stands in another one now.
      if (!lines) return this.#findTask(id);
      const found = lines.map((text) => parse<TaskLine>(chunk.path, text)).find((line) => idOf(line) === id);
      if (found) return found;
    }
    return undefined;
  }

  /** What `read` gives, or undefined when the chunk was merged away meanwhile. */
  async #whileThere<T>(chunk: Chunk, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!this.#chunks.includes(chunk)) return undefined;
      throw error;
    }
  }

  async listRuns({
    before,
    limit,
    wanted,
  }: {
    before?: number;
    limit: number;
    wanted(line: { id: string; repo?: string }): boolean;
  }): Promise<ArchivePage<Run>> {
    const entries: Run[] = [];
    const seen = new Set<string>();
    for await (const { line, at } of this.#list.backwards(before)) {
      if (entries.length >= limit) return { entries, next: at.end };
      if (seen.has(line.id) || !wanted(line)) continue;
      seen.add(line.id);
      const document = await this.readRun(line.id);
      if (document) entries.push(document.run);
    }
    return { entries, next: undefined };
  }

  async listTasks({ before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number }): Promise<ArchivePage<Task>> {
    const entries: Task[] = [];
    let next = before;
    for (;;) {
      const chunk = this.#chunks.findLast((c) => c.first < next);
      if (!chunk) return { entries, next: undefined };
      if (entries.length >= limit) return { entries, next };
      const to = Math.min(next - chunk.first, chunk.count);
      const from = Math.max(0, to - Math.min(PAGE, limit - entries.length));
      const lines = await this.#whileThere(chunk, () => readLines(chunk, from, to));
      if (!lines) continue;
      for (const text of lines.reverse()) {
        const line = parse<TaskLine>(chunk.path, text);
        const document = await this.#resolve(line);
        if (document) entries.push(document.task);
      }
      next = chunk.first + from;
    }
  }

  async *scan(): AsyncGenerator<RunDocument | TaskDocument> {
    for await (const { line } of this.#list.backwards(undefined)) {
      const document = await this.readRun(line.id);
      if (document) yield document;
    }
    for (let next = 0; ; ) {
      const chunk = this.#chunks.find((c) => c.first + c.count > next);
      if (!chunk) return;
      const from = next - chunk.first;
      const lines = await this.#whileThere(chunk, () => readLines(chunk, from, Math.min(from + PAGE, chunk.count)));
      for (const text of lines ?? []) {
        const line = parse<TaskLine>(chunk.path, text);
        if ('task' in line) yield line;
      }
      next += lines?.length ?? 0;
    }
  }

  #pathOf(run: string): string {
    // Ids differ by case too, and not every file system tells that.
    const name = hash('sha256', run, 'hex');
    return join(this.#runs, name.slice(0, 2), `${name}.json`);
  }
}

/** What an approval is found by: no task has such an id. */
const approvalKey = (id: string): string => `approval/${id}`;

function idOf(line: TaskLine): string {
  return 'task' in line ? line.task.id : line.id;
}

function parse<T>(path: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw damaged(path);
  }
}

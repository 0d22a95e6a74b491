// A journal on the real disk, in batches of three commits and segments of two batches, and ways to damage it.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Commit } from '../../../shared/events/envelope.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import type { Head } from '../../../daemon/journal/port.ts';
import { collect, sampleCommits, taken } from '../../contracts/journal.ts';

const INSTALLATION = 'test-installation';
const folders: string[] = [];

export interface Scene {
  /** The state folder. */
  readonly dir: string;
  readonly head: Head;
  /** The commits that were written. */
  readonly commits: Commit[];
}

/** Makes a journal of so many commits; removeScenes takes it away. */
export async function makeScene(commits = 24): Promise<Scene> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-journal-'));
  folders.push(dir);
  const journal = await open(dir);
  for (let seq = 0; seq < commits; seq += 3) taken(await journal.append(seq, sampleCommits(seq + 1, seq + 3)));
  const all = await collect(journal.read(1));
  await journal.close();
  return { dir, head: journal.head, commits: all };
}

async function open(dir: string) {
  const now = '2026-01-02T03:04:05.678Z';
  return (await openJournal({ dir, installation: INSTALLATION, now, segmentBytes: 2_000 })).journal;
}

/** Removes every folder that makeScene made. */
export async function removeScenes(): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** Starts on the journal as a daemon does, appends two commits, and returns all that there is; throws JournalDamaged. */
export async function goOn(dir: string): Promise<Commit[]> {
  const journal = await open(dir);
  const { seq } = journal.head;
  taken(await journal.append(seq, sampleCommits(seq + 1, seq + 2)));
  const all = await collect(journal.read(1));
  await journal.close();
  return all;
}

/** The paths of the segments, oldest first. */
export async function segmentsOf(dir: string): Promise<string[]> {
  const folder = join(dir, 'journal');
  return (await readdir(folder))
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
    .map((name) => join(folder, name));
}

/** Changes the text of the segment that holds a commit. */
export async function editSegment(dir: string, seq: number, edit: (text: string) => string): Promise<void> {
  for (const path of await segmentsOf(dir)) {
    const text = await readFile(path, 'utf8');
    if (text.includes(`\n{"seq":${seq},`)) await writeFile(path, edit(text));
  }
}

/** Ways to damage a journal, each with the first commit that is then in doubt. */
export const DAMAGES: Readonly<Record<string, { seq: number; make(dir: string): Promise<void> }>> = {
  'a changed line': { seq: 8, make: (dir) => editSegment(dir, 8, (text) => text.replace('"event 8"', '"EVENT 8"')) },
  'a removed line': { seq: 8, make: (dir) => editSegment(dir, 8, (text) => text.replace(/^\{"seq":8,.*\n/m, '')) },
  'exchanged lines': { seq: 8, make: (dir) => editSegment(dir, 8, (text) => text.replace(/^(\{"seq":8,.*\n)(.*\n)/m, '$2$1')) },
  'a missing segment': { seq: 7, make: async (dir) => rm((await segmentsOf(dir))[1] ?? '') },
  'a changed frame': { seq: 7, make: (dir) => editSegment(dir, 8, (text) => text.replace('{"batch":3', '{"batch":4')) },
  'a changed header': { seq: 7, make: (dir) => editSegment(dir, 8, (text) => text.replace('"format":1', '"format":2')) },
};

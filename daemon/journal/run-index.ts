/**
 * Where the commits of a run stand, so that asking for one run does not read the whole journal.
 *
 * 1. Each sealed segment has a file beside the journal that names the ranges of commits with something of a run in them. It is no second
 *    truth: whoever reads looks at the commits again, and a file that is missing, damaged, or of another chain is made anew.
 * 2. What is not sealed yet is read as it stands.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Commit } from '../../shared/events/envelope.ts';
import { writeFileAtomic } from '../platform/atomic.ts';
import { nodeDisk, type Disk } from './disk.ts';
import type { Head } from './port.ts';
import { readLists, type Range } from './read.ts';
import { listSegments, openSegment, segmentName, type Segment } from './segments.ts';

const FORMAT = 1;
/** Commits of the same run with no more than so many others between make one range: a read passes over these anyway. */
const GAP = 64;
/** Segments that one snapshot's child indexes; a long history is caught up with over a few of them. */
const AT_ONCE = 4;

const IndexFile = z.strictObject({
  format: z.literal(FORMAT),
  last: z.number().int().positive(),
  /** Hash of the commit `last`. */
  hash: z.string(),
  runs: z.record(z.string(), z.array(z.tuple([z.number().int(), z.number().int()]))),
});
type IndexFile = z.infer<typeof IndexFile>;

/** A stretch of the journal, and what of it may be about the run. */
export interface Part {
  ranges: Range[];
  /** The last commit of the stretch; undefined for the one that still grows. */
  end: Head | undefined;
}

/** A segment that is never written again. */
interface Sealed {
  segment: Segment;
  last: Head;
}

/** Folder of the index in a state folder. */
function indexFolder(dir: string): string {
  return join(dir, 'index');
}

/** The stretches behind commit `after`, oldest first, with what may be about `run` in each; makes what is missing of the index. Throws JournalDamaged. */
export async function* listParts(dir: string, run: string, after: number, disk: Disk = nodeDisk): AsyncGenerator<Part> {
  const { sealed, open } = await listSealed(disk, dir);
  for (const one of sealed) {
    if (one.last.seq <= after) continue;
    const { runs } = (await readIndex(dir, one)) ?? (await makeIndex(disk, dir, one));
    const ranges = Object.hasOwn(runs, run) ? (runs[run] ?? []) : [];
    yield {
      ranges: ranges.filter(([, to]) => to > after).map(([from, to]) => ({ from: Math.max(from, after + 1), to })),
      end: one.last,
    };
  }
  yield { ranges: [{ from: Math.max(open, after + 1), to: Number.MAX_SAFE_INTEGER }], end: undefined };
}

/** Indexes sealed segments that have no index yet, some at once, and removes what belongs to segments that are gone. */
export async function indexSealed(dir: string, disk: Disk = nodeDisk): Promise<number> {
  const { sealed } = await listSealed(disk, dir);
  let made = 0;
  for (const one of sealed) {
    if (made >= AT_ONCE) break;
    if (await readIndex(dir, one)) continue;
    await makeIndex(disk, dir, one);
    made += 1;
  }
  const known = new Set(sealed.map(({ segment }) => indexName(segment)));
  for (const name of await readdir(indexFolder(dir)).catch(() => [])) {
    if (!known.has(name) && name.endsWith('.json')) await rm(join(indexFolder(dir), name), { force: true });
  }
  return made;
}

/** The sealed segments, and the first commit of the one that is still written. */
async function listSealed(disk: Disk, dir: string): Promise<{ sealed: Sealed[]; open: number }> {
  const segments: Segment[] = [];
  for (const path of await listSegments(disk, dir)) segments.push(await openSegment(disk, path, undefined));
  const sealed = segments.flatMap((segment, at) => {
    const next = segments[at + 1]?.header;
    return next ? [{ segment, last: { seq: next.first - 1, hash: next.prev } }] : [];
  });
  return { sealed, open: segments.at(-1)?.header.first ?? 1 };
}

function indexName({ header }: Segment): string {
  return segmentName(header.first).replace(/\.ndjson$/, '.json');
}

async function readIndex(dir: string, { segment, last }: Sealed): Promise<IndexFile | undefined> {
  try {
    const file = IndexFile.parse(JSON.parse(await readFile(join(indexFolder(dir), indexName(segment)), 'utf8')));
    return file.last === last.seq && file.hash === last.hash ? file : undefined;
  } catch {
    // Missing or damaged: either way it is made anew from what it only repeats.
    return undefined;
  }
}

async function makeIndex(disk: Disk, dir: string, { segment, last }: Sealed): Promise<IndexFile> {
  const runs = new Map<string, [number, number][]>();
  for await (const commits of readLists(disk, [segment], { from: segment.header.first, to: last.seq }))
    for (const commit of commits) noteRuns(runs, commit);
  const file: IndexFile = { format: FORMAT, last: last.seq, hash: last.hash, runs: Object.fromEntries(runs) };
  await mkdir(indexFolder(dir), { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(indexFolder(dir), indexName(segment)), `${JSON.stringify(file)}\n`);
  return file;
}

function noteRuns(runs: Map<string, [number, number][]>, { seq, events }: Commit): void {
  for (const { run } of events) {
    if (run === undefined) continue;
    const ranges = runs.get(run);
    const latest = ranges?.at(-1);
    if (!ranges) runs.set(run, [[seq, seq]]);
    else if (latest && seq - latest[1] <= GAP) latest[1] = seq;
    else ranges.push([seq, seq]);
  }
}

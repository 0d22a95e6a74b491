/**
 * The journal's appends beside the bare disk: the same bytes in the same batches, appended and synced with nothing around them, in turns.
 * The journal chains, hashes and frames each commit. Either it is given one batch after the other, or the next while the disk has one,
 * so that it makes bytes meanwhile. The events are JSON already, as the coordinator hands them over.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event, UnchainedCommit } from '../../shared/events/envelope.ts';
import { openJournal } from '../../daemon/journal/file.ts';
import type { Journal } from '../../daemon/journal/port.ts';
import { median, round, times, type Bench, type Line, type Row } from './row.ts';

/** How many commits make a batch, and how many batches the journal is given at once. */
const WAYS = [
  { batch: 1, window: 1 },
  { batch: 100, window: 1 },
  { batch: 1_000, window: 1 },
  { batch: 100, window: 2 },
  { batch: 1_000, window: 2 },
] as const;
type Way = (typeof WAYS)[number];
/** Appends of one turn, and turns. */
const APPENDS: Readonly<Record<number, number>> = { 1: 300, 100: 60, 1_000: 20 };
const TURNS = 8;

/** What the coordinator makes of a submitted task and its assignment, without the commits' chain. */
function makeCommit(seq: number): UnchainedCommit & { eventsJson: string } {
  const task = `0192f0c0-0000-7000-8000-${String(seq).padStart(12, '0')}`;
  const of = { id: `0badcafe-${seq}.0`, tenant: 'local', v: 1, stream: `task/${task}`, task } as const;
  const events: Event[] = [
    {
      ...of,
      type: 'task.submitted',
      data: { wants: 'bench', action: 'noop', priority: 0, timeoutMs: 60_000, maxAttempts: 3, payload: { n: seq }, artifacts: {} },
    },
  ];
  return { seq, at: new Date().toISOString(), principal: 'user', cause: `rpc:${seq}`, events, eventsJson: JSON.stringify(events) };
}

/** Milliseconds for so many appends, with as many of them under way as the window says. */
async function appendAll(journal: Journal, { batch, window }: Way, appends: number): Promise<number> {
  const first = journal.head.seq;
  const batches = Array.from({ length: appends }, (_, n) =>
    Array.from({ length: batch }, (__, index) => makeCommit(first + n * batch + 1 + index)),
  );
  const begin = performance.now();
  let next = 0;
  const appendOn = async (): Promise<void> => {
    for (let n = next++; n < appends; n = next++) {
      const { kind } = await journal.append(first + n * batch, batches[n] ?? []);
      if (kind !== 'appended') throw new Error(`The journal refused a batch: ${kind}`);
    }
  };
  await Promise.all(Array.from({ length: window }, appendOn));
  return performance.now() - begin;
}

/** Bytes of the last so many batches that the journal wrote. */
async function readBatches(dir: string, count: number): Promise<Buffer[]> {
  const folder = join(dir, 'journal');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
  const text = (await Promise.all(names.slice(-2).map((name) => readFile(join(folder, name), 'utf8')))).join('');
  const batches = text.split(/^(?=\{"batch":)/m).filter((part) => part.startsWith('{"batch":'));
  return batches.slice(-count).map((part) => Buffer.from(part));
}

function writeBare(fd: number, batches: readonly Buffer[]): number {
  const begin = performance.now();
  for (const bytes of batches) {
    writeSync(fd, bytes);
    fdatasyncSync(fd);
  }
  return performance.now() - begin;
}

/** The same batches by both, in turns; milliseconds for an append. */
async function measure(dir: string, way: Way): Promise<Way & { bytes: number; journalMs: number; bareMs: number; ratios: number[] }> {
  const appends = APPENDS[way.batch] ?? 1;
  const { journal } = await openJournal({ dir, installation: 'bench', now: new Date().toISOString() });
  const fd = openSync(join(dir, 'bare'), 'a');
  await appendAll(journal, way, appends);
  let [journalMs, bareMs, bytes] = [0, 0, 0];
  const ratios: number[] = [];
  try {
    for (let turn = 0; turn < TURNS; turn++) {
      const own = await appendAll(journal, way, appends);
      const batches = await readBatches(dir, appends);
      const bare = writeBare(fd, batches);
      ratios.push(own / appends / (bare / batches.length));
      journalMs += own / appends / TURNS;
      bareMs += bare / batches.length / TURNS;
      bytes = batches.at(-1)?.length ?? 0;
    }
  } finally {
    closeSync(fd);
    await journal.close();
  }
  return { ...way, bytes, journalMs, bareMs, ratios };
}

async function measureAll({ dir, say }: Bench): Promise<{ lines: Line[]; figures: unknown }> {
  const lines: Line[] = [];
  const figures: unknown[] = [];
  for (const way of WAYS) {
    const { batch, window } = way;
    const result = await measure(join(dir, `${batch}-${window}`), way);
    const { journalMs, bareMs, bytes } = result;
    figures.push(result);
    // The turn in the middle: one hiccup of the disk says nothing about either.
    const ratio = median(result.ratios);
    const perSecond = (ms: number): string => `${Math.round((batch * 1_000) / ms)} commits/s (${round(ms)} ms)`;
    const what = `batches of ${batch}${window > 1 ? ', the next made meanwhile' : ''}`;
    say(`${what}, ${bytes} bytes: ${times(ratio)}, turn by turn ${result.ratios.map((one) => round(one)).join(' ')}`);
    lines.push({
      what: `append with fdatasync, ${what}`,
      ours: perSecond(journalMs),
      beside: `bare disk ${perSecond(bareMs)}`,
      ratio: times(ratio),
      budget: 'within 1.5 x',
      met: ratio <= 1.5,
    });
  }
  return { lines, figures };
}

export const appendRow: Row = {
  name: 'append',
  about: 'appends of the journal beside the bare disk with the same bytes in the same batches',
  measure: measureAll,
};

// What the record says about decisions, read from the files beside a daemon that may run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Commit, EventNamed } from '../../../shared/events/envelope.ts';
import { Action } from '../../../shared/state/action.ts';
import { nodeDisk } from '../../journal/disk.ts';
import { exportHead } from '../../journal/exported-head.ts';
import { readRemovals } from '../../journal/start.ts';
import { readJournal } from '../../journal/read.ts';
import { readStoredText } from '../../store/artifacts.ts';
import { StoreError } from '../../store/errors.ts';
import { CliFailure } from '../failure.ts';

/** The commits of the record from `from` (or where it begins) to what is durable now; none without a journal. */
export async function* readCommits(home: string, range: { from?: number; to?: number } = {}): AsyncGenerator<Commit[]> {
  if (!existsSync(join(home, 'journal'))) return;
  const head = await exportHead(home);
  if (head === undefined) return;
  const first = ((await readRemovals(home)).at(-1)?.last ?? 0) + 1;
  const read = await readJournal(nodeDisk, home);
  yield* read({ from: Math.max(first, range.from ?? first), to: Math.min(head.seq, range.to ?? head.seq) });
}

/** The JSON of an artifact; undefined when it is not there (removed for good, or lost). */
export function readRecordedJson(home: string, digest: string): unknown {
  try {
    return JSON.parse(readRecordedText(home, digest) ?? '');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readRecordedText(home: string, digest: string): string | undefined {
  try {
    return readStoredText(home, digest);
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

/** What is kept beside the record, by its digest; undefined when it is not there any more. */
export interface Kept {
  text(digest: string): string | undefined;
  json(digest: string): unknown;
}

/** What a state folder keeps beside its record. */
export function keptIn(home: string): Kept {
  return { text: (digest) => readRecordedText(home, digest), json: (digest) => readRecordedJson(home, digest) };
}

/** The action that a decision was about; undefined when its artifact is not there. */
export function readRecordedAction(home: string, digest: string | undefined): Action | undefined {
  // What older versions recorded lacks fields that have a neutral value.
  return digest === undefined ? undefined : Action.safeParse(readRecordedJson(home, digest)).data;
}

/** A decision as it was recorded. */
export interface RecordedDecision {
  at: string;
  event: EventNamed<'policy.decided'>;
}

/** The decisions of the commit that an event's id names (`<epoch>-<seq>.<index>`, `<seq>.<index>` or `<seq>`). */
export async function findDecisions(home: string, id: string): Promise<RecordedDecision[]> {
  const [, seq, index] = /^(?:[0-9a-f]+-)?(\d{1,15})(?:\.(\d{1,6}))?$/.exec(id) ?? [];
  if (seq === undefined)
    throw new CliFailure(`${id} is not the id of an event.`, {
      code: 'usage',
      exit: 2,
      hint: 'Give its number as `signalbox events` shows it, or its whole id.',
    });
  const found: RecordedDecision[] = [];
  for await (const commits of readCommits(home, { from: Number(seq), to: Number(seq) }))
    for (const commit of commits)
      if (commit.seq === Number(seq))
        commit.events.forEach((event, i) => {
          if (event.type === 'policy.decided' && (index === undefined || Number(index) === i)) found.push({ at: commit.at, event });
        });
  if (found.length === 0)
    throw new CliFailure(`Event ${id} is no decision of the policy.`, {
      code: 'not_found',
      hint: '`signalbox events` lists them as policy.decided.',
    });
  return found;
}

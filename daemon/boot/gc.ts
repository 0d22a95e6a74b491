/** What the record, the archive and the state reach, and the removal of what they do not. */
import { setImmediate as turn } from 'node:timers/promises';
import type { State } from '../../shared/state/evolve.ts';
import { toJson } from '../../shared/state/serialize.ts';
import type { Journal } from '../journal/port.ts';
import type { ArchiveStore } from '../store/archive.ts';
import { collectGarbage, type Garbage } from '../store/gc.ts';

const DIGEST = /\b[0-9a-f]{64}\b/g;

interface Reached {
  digests: Set<string>;
  attempts: Set<string>;
}

/** Removes, or only counts, what nothing reaches any more. Reads the whole record once, in turns. */
export async function collectUnreached(
  { home, state, journal, archive }: { home: string; state: State; journal: Pick<Journal, 'read'>; archive: Pick<ArchiveStore, 'scan'> },
  { dryRun, now }: { dryRun: boolean; now: number },
): Promise<{ artifacts: Garbage; spools: Garbage }> {
  const reached: Reached = { digests: new Set(), attempts: new Set() };
  // Whatever looks like a digest counts as one: keeping too much is harmless.
  const note = (value: unknown): void => {
    for (const [digest] of JSON.stringify(value).matchAll(DIGEST)) reached.digests.add(digest);
  };
  // The state first: what leaves it meanwhile is in here already, and what is recorded meanwhile is young.
  for (const list of Object.values(toJson(state))) {
    if (!Array.isArray(list)) continue;
    for (const entry of list) note(entry);
    await turn();
  }
  for (const id of state.attempts.keys()) reached.attempts.add(id);
  for await (const { events } of journal.read(1)) {
    note(events);
    for (const { attempt } of events) if (attempt !== undefined) reached.attempts.add(attempt);
  }
  for await (const document of archive.scan()) {
    note(document);
    for (const { id } of document.attempts) reached.attempts.add(id);
  }
  return collectGarbage({
    dir: home,
    now,
    dryRun,
    keepsArtifact: (digest) => reached.digests.has(digest),
    keepsAttempt: (attempt) => reached.attempts.has(attempt),
  });
}

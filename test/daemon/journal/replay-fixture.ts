import { emptyState, evolve } from '../../../shared/state/evolve.ts';
import { toJson } from '../../../shared/state/serialize.ts';
import { nodeDisk } from '../../../daemon/journal/disk.ts';
import type { Head } from '../../../daemon/journal/port.ts';
import { readJournal } from '../../../daemon/journal/read.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';

/** The end of a journal: what expected.json of a fixture holds. */
export interface Replayed {
  head: Head;
  state: unknown;
}

/** Folds a journal from its first commit, as JSON; throws when its chain is not sound. */
export async function replayFixture(folder: string): Promise<Replayed> {
  const { head, problems } = await verifyJournal(folder);
  if (problems.length > 0) throw new Error(problems.map((one) => `${one.file}:${one.line}: ${one.message}`).join('\n'));
  const state = emptyState();
  const read = await readJournal(nodeDisk, folder);
  for await (const commits of read({ from: 1, to: head.seq })) for (const commit of commits) evolve(state, commit);
  return { head, state: JSON.parse(JSON.stringify(toJson(state))) as unknown };
}

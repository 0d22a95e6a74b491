/** The journal and the state that follows from it, opened in that order. */
import { emptyState, evolve, type State } from '../../shared/state/evolve.ts';
import { openJournal } from '../journal/file.ts';
import type { Journal } from '../journal/port.ts';
import { readInstallation, type Installation } from '../platform/installation.ts';

export interface OpenRecord {
  installation: Installation;
  journal: Journal;
  state: State;
  /** Sentences about what the last process left. */
  notices: string[];
  /** Counts what was recorded, and has a snapshot made when it is time. */
  noteCommits(commits: readonly unknown[]): void;
  close(): Promise<void>;
}

/** Opens the record of a state folder; throws JournalDamaged when it is not what was written. */
export async function openRecord(home: string, _here: string): Promise<OpenRecord> {
  const installation = await readInstallation(home);
  const { journal, setAside } = await openJournal({ dir: home, installation: installation.id, now: new Date().toISOString() });
  const state = emptyState();
  for await (const commit of journal.read(1)) evolve(state, commit);
  const notices = setAside ? [`${JSON.stringify(setAside)}`] : [];
  return { installation, journal, state, notices, noteCommits: () => undefined, close: () => journal.close() };
}

/** The journal and the state that follows from it, opened in that order; and the snapshots that keep a start short. */
import { join } from 'node:path';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { State } from '../../shared/state/evolve.ts';
import { openJournal } from '../journal/file.ts';
import type { Journal } from '../journal/port.ts';
import { watchSpace } from '../journal/space.ts';
import { startSnapshot } from '../journal/snapshot-start.ts';
import { loadState } from '../journal/snapshot.ts';
import { readInstallation, type Installation } from '../platform/installation.ts';
import { writeLog } from '../platform/log.ts';

/** Commits after which a new snapshot is made. */
const SNAPSHOT_EVERY = 20_000;

export interface OpenRecord {
  installation: Installation;
  journal: Journal;
  state: State;
  /** Sentences about what the last process left, and about a disk that runs full. */
  notices(): string[];
  /** Why the disk has no room for new work right now, or undefined; answers at once. */
  refuseNewWork(): Refusal | undefined;
  /** Counts what was recorded, and has a child process make a snapshot when it is time. */
  noteCommits(commits: readonly unknown[]): void;
  close(): Promise<void>;
}

/** Opens the record of a state folder; throws JournalDamaged when it is not what was written. */
export async function openRecord(home: string, here: string, minFreeBytes: number): Promise<OpenRecord> {
  const installation = await readInstallation(home);
  const space = watchSpace({ dir: home, minBytes: minFreeBytes, onChange: (low) => writeLog(low ? 'disk.low' : 'disk.enough', low ?? {}) });
  await space.look();
  const { journal, setAside } = await openJournal({ dir: home, installation: installation.id, now: new Date().toISOString() });
  const { state, replayed, notices } = await loadState(home, journal);
  for (const { code, message } of notices)
    writeLog(code === 'snapshot_ahead' ? 'journal.lost_its_end' : 'snapshot.not_used', { code, message });
  const said = setAside ? [`${setAside.bytes} bytes that were not synced before the last stop were set aside in ${setAside.file}.`] : [];
  let since = replayed;
  let making = false;

  const snapshot = async (): Promise<void> => {
    making = true;
    since = 0;
    const answer = await startSnapshot({ childPath: join(here, 'snapshot.cjs'), dir: home, upTo: journal.head.seq });
    writeLog('snapshot', answer);
    making = false;
  };
  const noteCommits = (commits: readonly unknown[]): void => {
    since += commits.length;
    if (since >= SNAPSHOT_EVERY && !making) void snapshot();
  };
  noteCommits([]);
  const { refusal: refuseNewWork } = space;
  const sentences = [...said, ...notices.map((n) => n.message)];
  const listNotices = (): string[] => sentences.concat(refuseNewWork()?.message ?? []);
  return { installation, journal, state, notices: listNotices, refuseNewWork, noteCommits, close: () => journal.close() };
}

import type { Run } from '../state/run.ts';
import type { EventOf } from './envelope.ts';

export type ArchiveEvent =
  /** All that belongs to these runs, and these tasks of no run, stands in the archive and is in memory no longer. */
  | EventOf<'archive.moved', { runs: string[]; tasks: string[] }>
  /** A run is needed again, for instance to take its merge back; its details stay in the archive. */
  | EventOf<'archive.restored', { run: Run }>;

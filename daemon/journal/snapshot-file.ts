import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Low } from 'lowdb';
import * as z from 'zod';
import { EVOLVE_VERSION, type State } from '../../shared/state/evolve.ts';
import { fromJson, toJson, type StateJson } from '../../shared/state/serialize.ts';
import { AtomicJsonAdapter, syncFolder } from '../platform/atomic.ts';
import { ensurePrivateFolder } from '../platform/paths.ts';
import { sha256 } from './format.ts';

/** Version of the file around the state; the state itself has EVOLVE_VERSION. */
const SNAPSHOT_FORMAT = 1;
const NAME = /^(\d{16})\.json$/;
const KEPT = 2;

const SnapshotFile = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  evolve: z.number().int().positive(),
  seq: z.number().int().positive(),
  /** Hash of the commit `seq`: the snapshot belongs to this chain and no other. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 of the state's JSON text. */
  sum: z.string().regex(/^[0-9a-f]{64}$/),
  state: z.unknown(),
});
type SnapshotFile = z.infer<typeof SnapshotFile>;

/** What a database without a file holds. */
const NONE: SnapshotFile = { format: SNAPSHOT_FORMAT, evolve: EVOLVE_VERSION, seq: 0, hash: '', sum: '', state: null };

/** A state with the commit that it includes last. */
export interface Snapshot {
  seq: number;
  hash: string;
  state: State;
}

/** Why a snapshot is not used. */
export type SnapshotFlaw = { code: 'snapshot_unreadable' | 'snapshot_changed' | 'snapshot_of_other_version'; message: string };

/** The folder of snapshots in a state folder. */
export function snapshotFolder(dir: string): string {
  return join(dir, 'snapshots');
}

/** The snapshots in a state folder, newest first. */
export async function listSnapshots(dir: string): Promise<{ seq: number; path: string }[]> {
  const folder = snapshotFolder(dir);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = names.flatMap((name) => {
    const seq = NAME.exec(name)?.[1];
    return seq === undefined ? [] : [{ seq: Number(seq), path: join(folder, name) }];
  });
  return found.sort((a, b) => b.seq - a.seq);
}

function openSnapshot(path: string, data: SnapshotFile): Low<SnapshotFile> {
  return new Low(new AtomicJsonAdapter<SnapshotFile>(path, (value) => SnapshotFile.parse(value)), data);
}

/** Reads one snapshot; a flaw when it is not what was written, or the state of another version of `evolve`. */
export async function readSnapshot({ seq, path }: { seq: number; path: string }): Promise<Snapshot | SnapshotFlaw> {
  const db = openSnapshot(path, NONE);
  try {
    await db.read();
  } catch (error) {
    return {
      code: 'snapshot_unreadable',
      message: `The snapshot ${path} cannot be read: ${error instanceof Error ? error.message.slice(0, 200) : ''}`,
    };
  }
  const file = db.data;
  if (file === NONE) return { code: 'snapshot_unreadable', message: `The snapshot ${path} is gone.` };
  if (file.evolve !== EVOLVE_VERSION) {
    return {
      code: 'snapshot_of_other_version',
      message: `The snapshot ${path} was folded by version ${file.evolve}, and this is version ${EVOLVE_VERSION}.`,
    };
  }
  if (file.seq !== seq || sha256(JSON.stringify(file.state)) !== file.sum) {
    return { code: 'snapshot_changed', message: `The snapshot ${path} is not what was written: its checksum does not match.` };
  }
  // Its checksum says that `toJson` of this version made it.
  return { seq, hash: file.hash, state: fromJson(file.state as StateJson) };
}

/** Writes a snapshot durably and removes all but the newest two that are not ahead of it; returns its path. */
export async function writeSnapshot(dir: string, { seq, hash, state }: Snapshot): Promise<string> {
  const folder = await ensurePrivateFolder(snapshotFolder(dir));
  const path = join(folder, `${String(seq).padStart(16, '0')}.json`);
  const json = toJson(state);
  const file: SnapshotFile = { format: SNAPSHOT_FORMAT, evolve: EVOLVE_VERSION, seq, hash, sum: sha256(JSON.stringify(json)), state: json };
  await openSnapshot(path, file).write();
  // One that is ahead belongs to a journal that was cut, or to a newer snapshot under way; neither is ours to remove.
  const old = (await listSnapshots(dir)).filter((other) => other.seq <= seq).slice(KEPT);
  for (const other of old) await rm(other.path, { force: true });
  if (old.length > 0) await syncFolder(folder);
  return path;
}

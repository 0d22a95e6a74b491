/**
 * Knows roughly how much the disk of the journal has left, without ever making anybody wait.
 *
 * 1. `refusal` answers from the last look, and starts the next one when that is over a second old; one look at a time.
 * 2. A file system that cannot be asked refuses nothing: the write itself will tell.
 */
import { statfs } from 'node:fs/promises';
import type { Refusal } from '../../shared/protocol/errors.ts';

/** Bytes that an unprivileged process may still write below a folder. */
export type FreeBytes = (folder: string) => Promise<number>;

/** What to watch: the state folder, and the bytes below which new work is refused (0: never). */
export interface WatchSpace {
  dir: string;
  minBytes: number;
  freeBytes?: FreeBytes;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** Told when the space goes below the threshold, and when it is back. */
  onChange?: (low: { free: number; min: number } | undefined) => void;
}

/** The watched space. */
export interface Space {
  /** Why new work is refused right now, or undefined. */
  refusal(): Refusal | undefined;
  /** Looks now. */
  look(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const MB = 1024 * 1024;

const askSystem: FreeBytes = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

/** Watches the space below a folder; look once before the first `refusal`. */
export function watchSpace({ dir, minBytes, freeBytes = askSystem, now = () => performance.now(), onChange }: WatchSpace): Space {
  let free = Infinity;
  let lookedAt = -Infinity;
  let looking: Promise<void> | undefined;

  const lookNow = async (): Promise<void> => {
    const wasLow = free < minBytes;
    free = await freeBytes(dir).catch(() => Infinity);
    if (free < minBytes !== wasLow) onChange?.(wasLow ? undefined : { free, min: minBytes });
  };
  const look = (): Promise<void> => {
    lookedAt = now();
    looking ??= lookNow().finally(() => (looking = undefined));
    return looking;
  };
  return {
    look,
    refusal() {
      if (minBytes === 0) return undefined;
      if (now() - lookedAt >= LOOK_EVERY_MS) void look();
      return free < minBytes ? refuse(dir, free, minBytes) : undefined;
    },
  };
}

function refuse(dir: string, free: number, min: number): Refusal {
  const left = `${Math.floor(free / MB)} MB of the ${Math.floor(min / MB)} MB`;
  return {
    code: 'disk_full',
    message: `The disk of ${dir} has ${left} left that new work needs. What runs may end. Make space there, or lower SIGNALBOX_MIN_FREE_MB.`,
    facts: { path: dir, freeBytes: free, minBytes: min },
  };
}

/** Versions of the wire that this code speaks. A client offers its range, the daemon picks the highest in common. */
export const PROTOCOL = { min: 1, max: 1 } as const;

/** Version of the program, as in package.json. */
export const PROGRAM_VERSION = '0.1.0';

/** The highest version that both ranges hold, or undefined. */
export function commonVersion(a: { min: number; max: number }, b: { min: number; max: number }): number | undefined {
  const highest = Math.min(a.max, b.max);
  return highest >= Math.max(a.min, b.min) ? highest : undefined;
}

/** Bounds of the wire, the same for every connection. */
export const LIMITS = {
  frameBytes: 4 * 1024 * 1024,
  batch: 256,
  connections: 128,
  inFlight: 1_024,
  /** Bad frames that a connection may send before it is closed. */
  badFrames: 16,
  /** Bytes that wait for a slow reader before it is dropped. */
  bufferedBytes: 8 * 1024 * 1024,
} as const;

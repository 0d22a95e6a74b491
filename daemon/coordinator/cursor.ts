/**
 * A cursor names a place in one journal, and the commit that stands there by the start of its hash: where the journal was cut or
 * rewritten before that place, whoever comes with the cursor is noticed. Clients keep it as it is.
 */

/** A place between two commits: behind `seq`. Cursors of earlier versions carry no `hash`. */
export interface Place {
  seq: number;
  /** Hex digits of the hash of commit `seq`, or the first of them. */
  hash?: string | undefined;
}

/** Digits of the hash that a cursor carries: 48 bits, as nobody forges it and only chance must not hit. */
const DIGITS = 12;

export function encodeCursor(installation: string, { seq, hash }: Place): string {
  const text = hash === undefined || seq === 0 ? `1:${installation}:${seq}` : `2:${installation}:${seq}:${hash.slice(0, DIGITS)}`;
  return Buffer.from(text).toString('base64url');
}

/** The place behind which a cursor goes on, or undefined when it belongs to another journal or to none. */
export function decodeCursor(installation: string, cursor: string): Place | undefined {
  const [version, journal, seq = '', hash = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(':');
  if (journal !== installation || !/^\d{1,15}$/.test(seq)) return undefined;
  if (version === '1') return { seq: Number(seq) };
  return version === '2' && /^[0-9a-f]{12}$/.test(hash) ? { seq: Number(seq), hash } : undefined;
}

/** False when the commit at that place is not the one that the cursor was given for; `hash` is that of the commit, or nothing is known of it. */
export function isSamePlace({ seq, hash: digits }: Place, hash: string | undefined): boolean {
  return seq === 0 || digits === undefined || hash === undefined || hash.startsWith(digits);
}

/** A cursor names a place in one journal; clients keep it as it is. */
export function encodeCursor(installation: string, seq: number): string {
  return Buffer.from(`1:${installation}:${seq}`).toString('base64url');
}

/** The seq after which a cursor goes on, or undefined when it belongs to another journal or to none. */
export function decodeCursor(installation: string, cursor: string): number | undefined {
  const [version, journal, seq] = Buffer.from(cursor, 'base64url').toString('utf8').split(':');
  if (version !== '1' || journal !== installation || !/^\d{1,15}$/.test(seq ?? '')) return undefined;
  return Number(seq);
}

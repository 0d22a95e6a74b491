/** Bytes at the start of a piece that belong to a character before it, and bytes at its end that begin one behind it. */
function findEdges(bytes: Uint8Array): { start: number; end: number } {
  let start = 0;
  while (start < Math.min(3, bytes.length) && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  for (let back = 1; back <= Math.min(3, bytes.length - start); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return { start, end: bytes.length - (needs > back ? back : 0) };
  }
  return { start, end: bytes.length };
}

/** The whole characters of a piece, and how many bytes they and what lies before them take; a piece that has none is taken as it is. */
export function decodePiece(bytes: Buffer): { text: string; used: number } {
  const { start, end } = findEdges(bytes);
  if (end <= start) return { text: bytes.toString('utf8'), used: bytes.length };
  return { text: bytes.toString('utf8', start, end), used: end };
}

/** The longest part of a text that takes at most `limit` bytes in UTF-8, ending at a character. */
export function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let end = Math.max(0, limit);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

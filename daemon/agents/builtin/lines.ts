/** Cuts chunks into lines of at most `maxBytes`, empty ones left out; a longer one calls `onTooLong`, and nothing is given after it. */
export function cutLines(maxBytes: number, onLine: (line: string) => void, onTooLong: () => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let length = 0;
  let over = false;
  const keep = (part: Buffer): boolean => {
    length += part.length;
    over = length > maxBytes;
    if (over) onTooLong();
    if (over) parts = [];
    else parts.push(part);
    return !over;
  };
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      if (over || !keep(chunk.subarray(from, end))) return;
      // Whole lines only are decoded, so no character is cut in two.
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      from = end + 1;
      if (line !== '') onLine(line);
    }
    if (!over) keep(chunk.subarray(from));
  };
}

/** A change of a text as lines for a person: what is the same at both ends is left out but for a little around. */

const AROUND = 3;
const MAX_LINES = 2_000;

/** The change as one hunk in the form of `diff -u`. */
export function diffText(path: string, before: string, after: string): string {
  const old = splitLines(before);
  const now = splitLines(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const from = Math.max(0, start - AROUND);
  const removed = old.slice(start, old.length - end);
  const added = now.slice(start, now.length - end);
  const behind = old.slice(old.length - end, old.length - end + AROUND);
  const lines = [
    ...old.slice(from, start).map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...behind.map((line) => ` ${line}`),
  ];
  const counts = (count: number): string => `${from + 1},${start - from + count + behind.length}`;
  const head = [`--- ${before === '' ? '/dev/null' : path}`, `+++ ${path}`, `@@ -${counts(removed.length)} +${counts(added.length)} @@`];
  const more = lines.length - MAX_LINES;
  return [...head, ...lines.slice(0, MAX_LINES), ...(more > 0 ? [`(${more} more lines)`] : []), ''].join('\n');
}

function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** What an agent says, as text that a person can follow, and the raw lines beside it; both bounded. */

/** Bytes of text that one attempt may give. */
const MAX_TEXT = 16 * 1024 * 1024;
/** Characters of one raw line that are kept, and bytes of all of them: so many from the beginning, and so many from the end. */
const MAX_LINE = 16 * 1024;
const MAX_HALF = 1024 * 1024;

/** Characters of the last message that are kept. */
export const MAX_MESSAGE = 64 * 1024;

export interface Transcript {
  /** Text of a stream of its kind; a new kind begins on a new line. */
  say(kind: 'message' | 'thought', text: string): void;
  /** A line of its own. */
  note(text: string): void;
  /** The last message, at most `max` characters of its end. */
  lastMessage(max: number): string;
}

/** Writes the transcript through `write`. */
export function writeTranscript(write: (text: string) => void): Transcript {
  let kind: 'message' | 'thought' | 'note' = 'note';
  let atLineStart = true;
  let left = MAX_TEXT;
  let message = '';
  const put = (text: string): void => {
    if (text === '' || left === 0) return;
    const kept = text.slice(0, left);
    left -= kept.length;
    atLineStart = kept.endsWith('\n');
    write(left > 0 ? kept : `${kept}\n[more was said than is kept here]\n`);
  };
  return {
    say(next, text) {
      if (next !== kind) {
        if (!atLineStart) put('\n');
        if (next === 'thought') put('(thinking) ');
        if (next === 'message') message = '';
        kind = next;
      }
      if (next === 'message') message = (message + text).slice(-MAX_MESSAGE);
      put(text);
    },
    note(text) {
      if (!atLineStart) put('\n');
      kind = 'note';
      put(`${text}\n`);
    },
    lastMessage: (max) => message.trim().slice(-max),
  };
}

export interface RawLog {
  add(from: string, text: string): void;
  /** Every line that was kept, oldest first; a line says how many are missing. */
  text(): string;
}

/** Keeps the lines of a wire, the first and the last of them, without the secret that opens the attempt's door. */
export function keepRawLines(secret = ''): RawLog {
  const head: string[] = [];
  const tail: string[] = [];
  let headBytes = 0;
  let tailBytes = 0;
  let dropped = 0;
  return {
    add(from, whole) {
      const text = secret === '' ? whole : whole.replaceAll(secret, '[token]');
      const cut = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}… (${text.length} characters)` : text;
      const line = `${from} ${cut}`;
      if (tail.length === 0 && headBytes + line.length <= MAX_HALF) {
        headBytes += line.length;
        head.push(line);
        return;
      }
      tail.push(line);
      tailBytes += line.length;
      while (tailBytes > MAX_HALF && tail.length > 1) {
        tailBytes -= tail.shift()?.length ?? 0;
        dropped += 1;
      }
    },
    text: () => [...head, ...(dropped > 0 ? [`# ${dropped} lines are not kept`] : []), ...tail].join('\n'),
  };
}

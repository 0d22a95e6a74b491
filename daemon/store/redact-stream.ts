/**
 * Redaction of text that comes in pieces.
 *
 * 1. Nothing is given out before its line is whole, so that a secret that was cut between two pieces is seen as one.
 * 2. A private key is given out with all of its lines.
 * 3. At most MAX_HELD characters and one piece are held; a longer line is cut only where the cut changes nothing of what is masked.
 */

/** Masks the secrets of a text. */
export type Redact = (text: string) => Promise<string>;

/** Most characters of one line, or of one key, that wait for their end. */
export const MAX_HELD = 32 * 1024;

const KEY_BEGIN = '-----BEGIN ';
const KEY_END = '-----END ';
const PRIVATE_KEY = /^-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY/;
/** How far from the end a long line is first tried to be cut: more than any secret with its name has. */
const CUTS = [4 * 1024, 8 * 1024, 16 * 1024];
/** Characters that go through redaction in one call: it does not give way to others before it is done. */
const STEP = 64 * 1024;

/** Redacts one stream piece by piece. */
export class RedactStream {
  readonly #redact: Redact;
  #held = '';

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** The redacted text that can be given out now; a later call waits for an earlier one. */
  async push(text: string): Promise<string> {
    let out = '';
    for (let from = 0; from < text.length; from += STEP) {
      this.#held += text.slice(from, from + STEP);
      out += await this.#release();
    }
    return out;
  }

  /** The redacted rest. */
  async end(): Promise<string> {
    const rest = this.#held;
    this.#held = '';
    return rest === '' ? '' : this.#redact(rest);
  }

  async #release(): Promise<string> {
    const cut = findCut(this.#held);
    let out = cut === 0 ? '' : await this.#redact(this.#held.slice(0, cut));
    this.#held = this.#held.slice(cut);
    while (this.#held.length > MAX_HELD) out += await this.#releasePart();
    return out;
  }

  async #releasePart(): Promise<string> {
    const text = this.#held;
    const newline = text.lastIndexOf('\n') + 1;
    const whole = await this.#redact(text);
    const places = [...(newline > 0 ? [newline] : []), ...CUTS.map((back) => text.length - back)];
    for (const place of places) {
      const cut = /[\uDC00-\uDFFF]/.test(text.charAt(place)) ? place - 1 : place;
      const before = await this.#redact(text.slice(0, cut));
      if (whole !== before + (await this.#redact(text.slice(cut)))) continue;
      this.#held = text.slice(cut);
      return before;
    }
    this.#held = '';
    return whole;
  }
}

/** Where the text may be cut: behind its last line end, but not inside a private key. */
function findCut(text: string): number {
  const lineEnd = text.lastIndexOf('\n') + 1;
  if (lineEnd === 0) return 0;
  const begin = text.lastIndexOf(KEY_BEGIN);
  if (begin < 0 || begin >= lineEnd || !PRIVATE_KEY.test(text.slice(begin, begin + 100))) return lineEnd;
  const end = text.indexOf(KEY_END, begin);
  return end >= 0 && end < lineEnd ? lineEnd : text.lastIndexOf('\n', begin) + 1;
}

/** Redacts a text of any length. */
export async function redactLong(redact: Redact, text: string): Promise<string> {
  const stream = new RedactStream(redact);
  return (await stream.push(text)) + (await stream.end());
}

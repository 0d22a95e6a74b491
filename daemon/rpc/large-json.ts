// JSON of large answers, made in steps, with everything else that the event loop has to do between them.
// What is written must not change meanwhile; the state's entries never do, and an answer has its own lists of them.

/** Entries of a list that are written at once, and levels of objects below which lists are looked for. */
const STEP = 64;
const LEVELS = 2;

/** True when writing the value at once would hold up the event loop. */
export function isLarge(value: unknown, levels = LEVELS): boolean {
  if (Array.isArray(value)) return value.length > STEP;
  return isPlain(value) && levels > 0 && Object.values(value).some((member) => isLarge(member, levels - 1));
}

/** The same text as JSON.stringify gives, made in steps. Rejects with what JSON.stringify throws. */
export async function writeInSteps(value: unknown): Promise<string> {
  return (await writeMember(value, LEVELS + 1)) ?? 'null';
}

async function writeMember(value: unknown, levels: number): Promise<string | undefined> {
  if (!isLarge(value, levels)) return JSON.stringify(value);
  const pieces: string[] = [];
  if (Array.isArray(value)) {
    for (let from = 0; from < value.length; from += STEP) {
      pieces.push(JSON.stringify(value.slice(from, from + STEP)).slice(1, -1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return `[${pieces.join(',')}]`;
  }
  for (const [name, member] of Object.entries(value as object)) {
    const text = await writeMember(member, levels - 1);
    if (text !== undefined) pieces.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${pieces.join(',')}}`;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

// The functions that conditions get from us, all linear or close to it in the length of what they look at.
// A text that they cannot judge safely makes them throw, which the decision treats as a condition that failed.

/** Longest pattern of `glob`, in characters. */
export const MAX_PATTERN = 256;

/**
 * Whether a path matches a pattern: `*` and `?` stay within one segment, `**` spans any number of segments (none too).
 * A pattern without a slash is matched against the last segment. Letters are compared as they are; a leading dot is not special.
 */
export function matchGlob(path: string, pattern: string): boolean {
  return compileGlob(pattern)(path);
}

/** `glob` for a pattern that is matched against many paths. */
export function compileGlob(pattern: string): (path: string) => boolean {
  if (pattern.length > MAX_PATTERN) throw new RangeError(`The pattern is longer than ${MAX_PATTERN} characters.`);
  const segments = pattern.split('/').map(compileSegment);
  const [only] = segments;
  if (segments.length === 1 && only) return (path) => only(path.slice(path.lastIndexOf('/') + 1));
  const tokens = pattern.split('/').map((text, index) => (text === '**' ? text : (segments[index] ?? text)));
  return (path) => matchWithStars(path.split('/'), tokens, '**', (segment, token) => typeof token === 'function' && token(segment));
}

function compileSegment(pattern: string): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const tokens = [...pattern];
  const start = /^[^*?]*/.exec(pattern)?.[0] ?? '';
  // Two stars side by side mean the same as one inside a segment.
  return (text) => text.startsWith(start) && matchWithStars([...text], tokens, '*', (char, token) => token === '?' || token === char);
}

/**
 * Matches items against tokens where `star` stands for any number of items. Only the last star is ever tried
 * again, so the work is at most items times tokens, whatever the pattern.
 */
function matchWithStars<Token>(
  items: readonly string[],
  tokens: readonly Token[],
  star: Token,
  matches: (item: string, token: Token) => boolean,
): boolean {
  let item = 0;
  let token = 0;
  let lastStar = -1;
  let resume = 0;
  while (item < items.length) {
    const current = tokens[token];
    if (current === star) {
      lastStar = token;
      resume = item;
      token += 1;
    } else if (current !== undefined && matches(items[item] ?? '', current)) {
      item += 1;
      token += 1;
    } else if (lastStar >= 0) {
      resume += 1;
      item = resume;
      token = lastStar + 1;
    } else return false;
  }
  while (tokens[token] === star) token += 1;
  return token === tokens.length;
}

/** Whether a path is a folder or lies below it; both are compared segment by segment, and a `..` in either throws. */
export function isWithin(path: string, folder: string): boolean {
  const inner = splitPath(path);
  const outer = splitPath(folder);
  if (path.startsWith('/') !== folder.startsWith('/')) return false;
  return outer.every((segment, index) => inner[index] === segment);
}

function splitPath(path: string): string[] {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw new RangeError('A path with `..` cannot be compared.');
  return segments;
}

/** The host of a URL in lower case, without port; a text that is no URL with a host throws. */
export function readHost(url: string): string {
  const { hostname } = new URL(url);
  if (hostname === '') throw new RangeError('The URL has no host.');
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
}

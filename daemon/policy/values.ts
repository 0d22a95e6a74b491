// Cuts what a rule looked at down to what a record can hold: enough to understand the decision, never the whole action.

const MAX_TEXT = 120;
const MAX_ITEMS = 5;
const MAX_DEPTH = 4;
const MAX_TOTAL = 1_000;

/** The values at some paths of an action, each shortened, together at most 1,000 characters of JSON. */
export function excerptValues(action: unknown, paths: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let left = MAX_TOTAL;
  for (const path of paths) {
    const value = shorten(readPath(action, path), MAX_DEPTH);
    const size = (JSON.stringify(value) ?? '').length + path.length;
    values[path] = size <= left ? value : '(too long to keep here)';
    left -= Math.min(size, left);
  }
  return values;
}

function readPath(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (part, key) =>
        typeof part === 'object' && part !== null && Object.hasOwn(part, key) ? (part as Record<string, unknown>)[key] : undefined,
      value,
    );
}

function shorten(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}… (${value.length} characters)`;
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth === 0) return '…';
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shorten(part, depth - 1)]));
  const items = value.slice(0, MAX_ITEMS).map((part) => shorten(part, depth - 1));
  return value.length > MAX_ITEMS ? [...items, `… (${value.length} in all)`] : items;
}

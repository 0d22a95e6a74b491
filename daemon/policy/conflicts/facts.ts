// What is known about one value, whether it can be all of that, and a value that is.
//
// F1. `contradicts` is only true when no value at all can satisfy the facts.
// F2. `pickValue` gives a value that satisfies them, or undefined when it finds none, which proves nothing.
import { isWithin, matchGlob } from '../functions.ts';
import type { Fact } from './formula.ts';

export type Value = string | number | boolean;

/** Whether a value is all that the facts say. */
export function satisfiesAll(value: Value, facts: readonly Fact[]): boolean {
  return facts.every((fact) => satisfies(value, fact));
}

function satisfies(value: Value, fact: Fact): boolean {
  if (fact.test === 'among') return fact.values.includes(value) !== fact.not;
  if (fact.test === 'compare') return typeof value === 'number' && compare(value, fact.by, fact.value);
  if (typeof value !== 'string') return false;
  return testText(value, fact) !== fact.not;
}

function compare(value: number, by: Extract<Fact, { test: 'compare' }>['by'], other: number): boolean {
  switch (by) {
    case '<':
      return value < other;
    case '<=':
      return value <= other;
    case '>':
      return value > other;
    case '>=':
      return value >= other;
    default:
      return (by === '==') === (value === other);
  }
}

function testText(text: string, { test, value }: Extract<Fact, { value: string }>): boolean {
  switch (test) {
    case 'startsWith':
      return text.startsWith(value);
    case 'endsWith':
      return text.endsWith(value);
    case 'contains':
      return text.includes(value);
    default:
      return test === 'glob' ? matchGlob(text, value) : !text.split('/').includes('..') && isWithin(text, value);
  }
}

/** True when nothing can be all that the facts say; `domain` are all values that there are, when they can be counted. */
export function contradicts(facts: readonly Fact[], domain?: readonly Value[]): boolean {
  const sets = facts.filter((fact) => fact.test === 'among' && !fact.not).map((fact) => (fact as { values: readonly Value[] }).values);
  const candidates = [...sets, ...(domain ? [domain] : [])][0];
  if (candidates !== undefined)
    return !candidates.some((value) => (!domain || domain.includes(value)) && facts.every((fact) => satisfies(value, fact)));
  return contradictsNumbers(facts) || contradictsTexts(facts);
}

function contradictsNumbers(facts: readonly Fact[]): boolean {
  const low = { value: Number.NEGATIVE_INFINITY, open: false };
  const high = { value: Number.POSITIVE_INFINITY, open: false };
  for (const fact of facts) {
    if (fact.test !== 'compare') continue;
    const { by, value } = fact;
    const open = by === '>' || by === '<';
    const bound = by.startsWith('>') ? low : high;
    const tighter = bound === low ? value > low.value : value < high.value;
    if (tighter || (value === bound.value && open)) Object.assign(bound, { value, open });
  }
  return low.value > high.value || (low.value === high.value && (low.open || high.open));
}

function contradictsTexts(facts: readonly Fact[]): boolean {
  const starts = textsOf(facts, 'startsWith', false);
  const ends = textsOf(facts, 'endsWith', false);
  const apart = (a: string, b: string, begins: (x: string, y: string) => boolean): boolean => !begins(a, b) && !begins(b, a);
  if (starts.some((a) => starts.some((b) => apart(a, b, (x, y) => x.startsWith(y))))) return true;
  if (ends.some((a) => ends.some((b) => apart(a, b, (x, y) => x.endsWith(y))))) return true;
  if (starts.some((a) => textsOf(facts, 'startsWith', true).some((b) => a.startsWith(b)))) return true;
  if (ends.some((a) => textsOf(facts, 'endsWith', true).some((b) => a.endsWith(b)))) return true;
  const parts = [...starts, ...ends, ...textsOf(facts, 'contains', false)];
  if (parts.some((a) => textsOf(facts, 'contains', true).some((b) => a.includes(b)))) return true;
  return (['glob', 'within'] as const).some((test) => textsOf(facts, test, false).some((a) => textsOf(facts, test, true).includes(a)));
}

function textsOf(facts: readonly Fact[], test: Fact['test'], not: boolean): string[] {
  return facts.flatMap((fact) => (fact.test === test && 'not' in fact && fact.not === not && 'value' in fact ? [fact.value] : []));
}

/** A value that is all that the facts say; `usual` values are tried first. */
export function pickValue(facts: readonly Fact[], usual: readonly Value[]): Value | undefined {
  const fits = (value: Value): boolean => satisfiesAll(value, facts);
  const near = usual.find(fits);
  if (near !== undefined || facts.length === 0) return near;
  const among = facts.flatMap((fact) => (fact.test === 'among' && !fact.not ? fact.values : []));
  const numbers = facts.flatMap((fact) => (fact.test === 'compare' ? [fact.value, fact.value + 1, fact.value - 1, fact.value + 0.5] : []));
  return [...among, ...numbers].find(fits) ?? listTexts(facts).find(fits);
}

/** Texts put together from what they have to begin with, hold and end with. */
function listTexts(facts: readonly Fact[]): string[] {
  const longest = (texts: readonly string[]): string => [...texts].sort((a, b) => b.length - a.length)[0] ?? '';
  const start = longest([...textsOf(facts, 'startsWith', false), ...textsOf(facts, 'within', false).map((folder) => `${folder}/`)]);
  const end = longest(textsOf(facts, 'endsWith', false));
  const middle = textsOf(facts, 'contains', false);
  const globs = textsOf(facts, 'glob', false).flatMap((pattern) =>
    ['x', 'x/y', ''].map((part) =>
      pattern
        .replaceAll('**/', part === '' ? '' : `${part}/`)
        .replaceAll('**', part || 'x')
        .replaceAll('*', 'x')
        .replaceAll('?', 'x'),
    ),
  );
  const joined = ['', 'x', '/x/', '/'].flatMap((glue) => [[start, ...middle, end].join(glue), [start, ...middle].join(glue) + end]);
  return [...joined, `${start}${end}`, start, end, ...globs, ...globs.map((text) => `${start}${text}${end}`), 'x', 'other', '/elsewhere/x'];
}

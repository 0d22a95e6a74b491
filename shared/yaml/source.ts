// Reads one YAML text and says where each problem is. Pure: the text comes as a parameter.
// Workflows and policies are both read with it, and so are both sides that show their problems.
//
// S1. Whatever the text, reading ends: size, depth, aliases and the number of reported problems are bounded.
// S2. Every problem carries the line and column (from 1) of the key or value that it is about.
// S3. All problems of a text are reported at once, in the order in which a person meets them.
import { Composer, type CST, type Document, isAlias, isMap, isPair, isScalar, LineCounter, type Node, Parser, visit } from 'yaml';
import * as z from 'zod';

/** Largest file that is read, in bytes of UTF-8. */
export const MAX_SOURCE_BYTES = 256 * 1024;
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 100;
const MAX_ALIASES = 100;

/** One thing that is wrong with a file; line and column count from 1. */
export interface Problem {
  code: string;
  message: string;
  file: string;
  line: number;
  column: number;
  /** What probably was meant. */
  hint?: string;
}

/** Keys and indexes that lead from the root of a file to a value. */
export type SourcePath = readonly (string | number)[];

/** A YAML text that parsed, with the place of everything in it. */
export interface Source {
  file: string;
  text: string;
  data: unknown;
  document: Document;
  lines: LineCounter;
}

/** Reads a text; a text that cannot be read at all yields only problems. */
export function readSource(input: { text: string; file: string }): { source?: Source; problems: Problem[] } {
  const { text, file } = input;
  const only = (code: string, message: string) => ({ problems: [{ code, message, file, line: 1, column: 1 }] });
  if (text.length > MAX_SOURCE_BYTES || new TextEncoder().encode(text).length > MAX_SOURCE_BYTES)
    return only('too-large', `The file is larger than ${MAX_SOURCE_BYTES / 1024} KiB; split it.`);
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = findTooDeep(tokens);
  if (deep !== undefined)
    return {
      problems: [
        problemAtOffset({ file, lines }, deep, { code: 'too-deep', message: `Nothing may be nested more than ${MAX_DEPTH} deep.` }),
      ],
    };
  // The library's own check of unique keys takes seconds on a hostile file, so `listRepeatedKeys` does it.
  const composer = new Composer({ lineCounter: lines, prettyErrors: false, uniqueKeys: false, stringKeys: true });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (document === undefined) throw new Error('The YAML composer made no document.');
  const problems = [...document.errors, ...document.warnings]
    .slice(0, MAX_PROBLEMS)
    .map((error) => problemAtOffset({ file, lines }, error.pos[0], { code: 'syntax', message: error.message }));
  if (second !== undefined)
    problems.push(
      problemAtOffset({ file, lines }, second.range[0], { code: 'syntax', message: 'A second document begins here; a file has one.' }),
    );
  if (problems.length > 0) return { problems: sortProblems(problems) };
  const source: Source = { file, text, data: undefined, document, lines };
  problems.push(...listRepeatedKeys(source));
  try {
    source.data = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    problems.push(
      problemAtOffset(source, findFirstAlias(document), { code: 'alias', message: error instanceof Error ? error.message : String(error) }),
    );
    return { problems: sortProblems(problems) };
  }
  return { source, problems };
}

/** What is wrong, before it has a place. */
export interface Fault {
  code: string;
  message: string;
  hint?: string | undefined;
}

/** A problem at the key or the value that a path leads to; where it does not exist, at its nearest parent. */
export function problemAt(source: Source, path: SourcePath, fault: Fault & { on?: 'key' }): Problem {
  const offset = (fault.on === 'key' ? findKey(source, path) : undefined) ?? findOffset(source, path);
  return problemAtOffset(source, offset, fault);
}

/** A problem at a character of the text, counted from 0. */
export function problemAtOffset(source: Pick<Source, 'file' | 'lines'>, offset: number, { code, message, hint }: Fault): Problem {
  const { line, col } = source.lines.linePos(offset);
  return { code, message, file: source.file, line: Math.max(1, line), column: Math.max(1, col), ...(hint === undefined ? {} : { hint }) };
}

/** The YAML node that a path leads to, if the text holds it there and not behind an alias. */
export function findNode(source: Source, path: SourcePath): Node | undefined {
  return (path.length === 0 ? source.document.contents : (source.document.getIn(path, true) as Node | undefined)) ?? undefined;
}

/** Turns what the schema refuses into problems at exact places; unknown keys come with the nearest known one. */
export function listShapeProblems(source: Source, error: z.ZodError, base: SourcePath = []): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    const name = path.length === 0 ? 'The file' : `\`${path.join('.')}\``;
    if (issue.code === 'unrecognized_keys') {
      const hints = issue.message.split('\n');
      return issue.keys.slice(0, MAX_PROBLEMS).map((key, index) =>
        problemAt(source, [...path, key], {
          code: 'unknown-key',
          message: `\`${key}\` is not a key that is known here.`,
          on: 'key',
          hint: hints[index] || undefined,
        }),
      );
    }
    if (issue.code === 'invalid_key')
      return [
        problemAt(source, path, { code: 'invalid-key', message: `${name}: ${issue.issues[0]?.message ?? issue.message}`, on: 'key' }),
      ];
    const missing = path.length > 0 && valueAt(source.data, path) === undefined;
    if (missing) return [problemAt(source, path, { code: 'missing-key', message: `${name} is missing.` })];
    return [problemAt(source, path, { code: 'invalid-value', message: `${name}: ${issue.message.replace(/^Invalid input: /, '')}` })];
  });
}

/** A strict object schema whose unknown keys carry a hint for `listShapeProblems`, one line for each key. */
export function strictShape<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, MAX_PROBLEMS)
            .map((key) => suggestName(key, Object.keys(shape)) ?? '')
            .join('\n')
        : undefined,
  });
}

/** "Did you mean `x`?" for the nearest known name, or undefined when none is near. */
export function suggestName(name: string, known: readonly string[]): string | undefined {
  const allowed = name.length <= 3 ? 1 : name.length <= 7 ? 2 : 3;
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > allowed) continue;
    const distance = countEdits(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= allowed && (best === undefined || distance < best.distance)) best = { name: candidate, distance };
  }
  return best && `Did you mean \`${best.name}\`?`;
}

/** Problems in the order of the text, without repetitions, at most 100. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unique = new Map(
    problems.map((problem) => [`${problem.file}:${problem.line}:${problem.column}:${problem.code}:${problem.message}`, problem]),
  );
  const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...unique.values()]
    .sort(
      (a, b) =>
        compareText(a.file, b.file) ||
        a.line - b.line ||
        a.column - b.column ||
        compareText(a.code, b.code) ||
        compareText(a.message, b.message),
    )
    .slice(0, MAX_PROBLEMS);
}

/** Where a text goes deeper than `MAX_DEPTH`. The composer recurses, and at the end of its stack V8 can abort the process. */
function findTooDeep(tokens: readonly CST.Token[]): number | undefined {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) return token.offset;
    const parts: { key?: CST.Token | null; value?: CST.Token | null | undefined }[] =
      'items' in token ? token.items : token.type === 'document' ? [token] : [];
    for (const { key, value } of parts) for (const child of [key, value]) if (child) open.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

function findOffset(source: Source, path: SourcePath): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = findNode(source, path.slice(0, length));
    if (node?.range) return node.range[0];
  }
  return 0;
}

function findKey(source: Source, path: SourcePath): number | undefined {
  const parent = findNode(source, path.slice(0, -1));
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1));
  return isPair(pair) ? ((pair.key as Node | null)?.range?.[0] ?? undefined) : undefined;
}

function findFirstAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias: (_key, node) => {
      offset = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function listRepeatedKeys(source: Source): Problem[] {
  const problems: Problem[] = [];
  visit(source.document, {
    Map: (_key, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : isAlias(key) ? key.source : key;
        if (seen.has(name))
          problems.push(
            problemAtOffset(source, (key as Node | null)?.range?.[0] ?? 0, {
              code: 'repeated-key',
              message: `\`${String(name)}\` is given twice; the first one would be lost.`,
            }),
          );
        seen.add(name);
      }
    },
  });
  return problems;
}

function valueAt(data: unknown, path: SourcePath): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

// Reads our own sources as the house tests see them. TypeScript 7 has no stable API, so this is a small scanner of our own; a
// test compares it with what esbuild finds.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One source file: `path` relative to the root with forward slashes, `code` with comments and the contents of texts blanked. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** As long as `text`, so that positions agree. */
  readonly code: string;
}

/** One import or re-export; `typeOnly` when nothing of it is left at run time. */
export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
  /** What stands between `import` and `from`. */
  readonly clause: string;
}

// In the order in which they are tried. The code inside `${ }` of a template is blanked with it: no import can stand there but a
// dynamic one, and we have none in templates.
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[=(,:;!&|?{}[\n+~]|=>|\breturn|\bcase)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** `text` with comments blanked whole, and strings, templates and regular expressions blanked between their delimiters. */
export function maskSource(text: string): string {
  return text.replace(TOKEN, (token) => {
    if (token.startsWith('//') || token.startsWith('/*')) return blank(token);
    return token.slice(0, 1) + blank(token.slice(1, -1)) + token.slice(-1);
  });
}

const STATEMENT = /\b(import|export)\b(\s+type\b(?!\s*(?:from\b|,|=)))?([\s\w$*{},]*?)(?:\bfrom\s*)?(['"])( *)\4/g;
const DYNAMIC = /\b(?:import|require)\s*\(\s*(['"])( *)\1\s*\)/g;

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** Whether every name in `{ type A, type B }` is a type. */
function namesOnlyTypes(clause: string): boolean {
  const names = /^\s*\{([^}]*)\}\s*$/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return names !== undefined && names.length > 0 && names.every((name) => name.startsWith('type '));
}

/** Every import, re-export, dynamic import and require with a constant specifier. */
export function listImports(source: Pick<Source, 'text' | 'code'>): Import[] {
  const found: Import[] = [];
  for (const match of source.code.matchAll(STATEMENT)) {
    const clause = match[3] ?? '';
    const end = match.index + match[0].length - 1;
    const isBare = clause.trim() === '';
    if (!isBare && !match[0].includes('from')) continue; // export const x = 'text'
    if (isBare && match[1] === 'export') continue;
    found.push({
      specifier: source.text.slice(end - (match[5]?.length ?? 0), end),
      typeOnly: match[2] !== undefined || namesOnlyTypes(clause),
      line: lineAt(source.text, match.index),
      clause: clause.trim(),
    });
  }
  for (const match of source.code.matchAll(DYNAMIC)) {
    const start = match.index + match[0].search(/['"]/) + 1;
    found.push({
      specifier: source.text.slice(start, start + (match[2]?.length ?? 0)),
      typeOnly: false,
      line: lineAt(source.text, match.index),
      clause: '',
    });
  }
  return found;
}

/** The sources below the given folders of `root` whose names match, without node_modules and fixtures, sorted by path. */
export function readSources(root: string, folders: readonly string[], name = /\.ts$/): Source[] {
  const found: Source[] = [];
  const visit = (relative: string): void => {
    for (const entry of readdirSync(path.join(root, relative), { withFileTypes: true })) {
      const child = `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && child !== 'test/fixtures') visit(child);
      } else if (name.test(entry.name)) {
        const text = readFileSync(path.join(root, child), 'utf8');
        found.push({ path: child, text, code: maskSource(text) });
      }
    }
  };
  const present = new Set(readdirSync(root));
  for (const folder of folders) if (present.has(folder)) visit(folder);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

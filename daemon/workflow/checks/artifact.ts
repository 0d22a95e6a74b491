/**
 * Validators of artifacts. Pure: the content comes as a parameter, and what needs a library of its own as a port.
 *
 * 1. Without the artifact, or where it cannot be read, nothing holds.
 * 2. The answer is the first thing that is wrong, in a sentence; empty when all holds.
 */
import * as z from 'zod';
import { parse } from 'yaml';
import type { ArtifactCheck } from '../../../shared/state/gate.ts';
import { findDiagramProblem } from './diagrams.ts';
import { countEntries, countMentions, findSection, listSections, plainName, splitFences } from './markdown.ts';
import { findOperationProblem } from './operations.ts';

/** The files of an artifact that is a folder, as it is stored. */
export const FolderContent = z.object({ files: z.array(z.object({ path: z.string(), text: z.string() })) });
export type FolderContent = z.infer<typeof FolderContent>;

/** What a validator cannot do by itself: says what is wrong with an OpenAPI document, empty when nothing is. */
export interface CheckPort {
  validateOpenApi(document: unknown): Promise<string>;
}

interface Subject {
  name: string;
  /** Files of a folder; one of everything else. */
  files: readonly { path: string; text: string }[];
  /** All text of it. */
  text: string;
}

/** What is wrong with an artifact; `content` is absent when nobody made it. */
export async function findArtifactProblem(check: ArtifactCheck, content: string | undefined, port: CheckPort): Promise<string> {
  const { artifact: name } = check;
  if (content === undefined) return `There is no ${name}.`;
  if (content.trim() === '') return `${name} is empty.`;
  const files = readFiles(name, content);
  if (!files) return `${name} is no folder.`;
  const subject = { name, files, text: files.map(({ text }) => text).join('\n') };
  const plain = findTextProblem(check, subject) || findFolderProblem(check, subject) || findListProblem(check, subject);
  if (plain !== '' || (check.openapi !== true && check.operations === undefined && check.schema === undefined)) return plain;
  return findDocumentProblem(check, subject, port);
}

function readFiles(name: string, content: string): Subject['files'] | undefined {
  if (!name.endsWith('/')) return [{ path: name, text: content }];
  try {
    const read = FolderContent.safeParse(JSON.parse(content));
    return read.success ? read.data.files : undefined;
  } catch {
    return undefined;
  }
}

function findTextProblem(check: ArtifactCheck, { name, text, files }: Subject): string {
  const sections = listSections(text);
  const absent = check.headings?.find((heading) => !findSection(sections, heading));
  if (absent !== undefined) return `${name} has no section "${absent}".`;
  const empty = check.headings?.find((heading) => (findSection(sections, heading)?.lines.join('').trim() ?? '') === '');
  if (empty !== undefined && findSection(sections, empty)?.below.length === 0) return `Section "${empty}" of ${name} is empty.`;
  for (const [heading, least] of Object.entries(check.counts ?? {})) {
    const section = findSection(sections, heading);
    const count = section ? countEntries(section) : 0;
    if (count < least) return `Section "${heading}" of ${name} has ${count} of at least ${least} entries.`;
  }
  if (check.each) {
    // `each story` is about the entries of "User stories", not about the first heading with that word.
    const section = findPlural(sections, check.each.of) ?? findSection(sections, check.each.of);
    const count = section ? countEntries(section) : 0;
    const mentions = section ? countMentions(section, check.each.has) : 0;
    if (count === 0 || mentions < count)
      return `${mentions} of ${count} entries of "${check.each.of}" in ${name} have "${check.each.has}".`;
  }
  const word = check.without?.find((one) => new RegExp(`\\b${escape(one)}\\b`, 'i').test(text));
  if (word !== undefined) return `${name} still says "${word}".`;
  if (check.links === true) return findLinkProblem(name, text, files);
  return check.diagrams === true ? findDiagramsProblem(name, files) : '';
}

function findPlural(sections: ReturnType<typeof listSections>, name: string) {
  const one = plainName(name);
  const wanted = one.endsWith('y') ? `${one.slice(0, -1)}ies` : `${one}s`;
  return sections.find(({ title }) => ` ${title} `.includes(` ${wanted} `));
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

function findLinkProblem(name: string, text: string, files: Subject['files']): string {
  const anchors = new Set(listSections(text).map(({ title }) => title.replaceAll(' ', '-')));
  const paths = new Set(files.map(({ path }) => path));
  for (const line of splitFences(text).lines)
    for (const [, target = ''] of line.matchAll(/\[[^\][]{0,500}\]\(([^()\s]{1,1000})\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      if (path !== '' && !paths.has(path.replace(/^\.\//, ''))) return `${name} links to ${target}, which is not there.`;
      if (path === '' && anchor !== undefined && !anchors.has(plainName(anchor).replaceAll(' ', '-')))
        return `${name} links to #${anchor}, which is no heading of it.`;
    }
  return '';
}

function findDiagramsProblem(name: string, files: Subject['files']): string {
  const own = files.filter(({ path }) => /\.mmd$|\.mermaid$/.test(path)).map(({ text }) => text);
  const blocks = files.flatMap(({ text }) =>
    splitFences(text)
      .blocks.filter(({ language }) => language === 'mermaid')
      .map((block) => block.text),
  );
  const diagrams = [...own, ...blocks];
  if (diagrams.length === 0) return `${name} has no Mermaid diagram.`;
  for (const [index, diagram] of diagrams.entries()) {
    const problem = findDiagramProblem(diagram);
    if (problem !== '') return `Diagram ${index + 1} of ${name}: ${problem}`;
  }
  return '';
}

function findFolderProblem(check: ArtifactCheck, { name, files }: Subject): string {
  if (check.entries !== undefined && name.endsWith('/') && files.length < check.entries)
    return `${name} has ${files.length} of at least ${check.entries} files.`;
  const absent = check.files?.find((pattern) => !files.some(({ path }) => matchName(path, pattern)));
  return absent === undefined ? '' : `${name} has no file ${absent}.`;
}

function matchName(path: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return path === pattern;
  if (!path.startsWith(first) || !path.endsWith(last)) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = path.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= path.length - last.length;
}

function findListProblem(check: ArtifactCheck, { name, text }: Subject): string {
  const wanted = check.fields !== undefined || (check.entries !== undefined && name.endsWith('[]'));
  if (!wanted) return '';
  const list = readData(text);
  if (!Array.isArray(list)) return `${name} is no list.`;
  const least = check.entries ?? 1;
  if (list.length < least) return `${name} has ${list.length} of at least ${least} entries.`;
  for (const field of check.fields ?? []) {
    const at = list.findIndex((entry: unknown) => !hasField(entry, field));
    if (at >= 0) return `Entry ${at + 1} of ${name} has no "${field}".`;
  }
  return '';
}

function hasField(entry: unknown, field: string): boolean {
  if (typeof entry !== 'object' || entry === null) return false;
  const wanted = plainName(field);
  const found = Object.entries(entry).find(([key]) => plainName(key) === wanted || `${plainName(key)}s` === wanted)?.[1] as unknown;
  return Array.isArray(found) ? found.length > 0 : found !== undefined && found !== null && found !== '';
}

/** JSON or YAML; undefined when it is neither. */
function readData(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'silent' });
  } catch {
    return undefined;
  }
}

async function findDocumentProblem(check: ArtifactCheck, { name, text }: Subject, port: CheckPort): Promise<string> {
  const data = readData(text);
  if (typeof data !== 'object' || data === null) return `${name} is neither JSON nor YAML.`;
  if (check.schema !== undefined) {
    const problem = findSchemaProblem(check.schema, data);
    if (problem !== '') return `${name}: ${problem}`;
  }
  if (check.openapi === true) {
    const problem = await port.validateOpenApi(structuredClone(data));
    if (problem !== '') return `${name} is no valid OpenAPI document: ${problem}`;
  }
  return check.operations === undefined ? '' : findOperationProblem(name, data, check.operations);
}

function findSchemaProblem(schema: NonNullable<ArtifactCheck['schema']>, data: unknown): string {
  try {
    const read = z.fromJSONSchema(schema).safeParse(data);
    const [issue] = read.success ? [] : read.error.issues;
    return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : '';
  } catch (error) {
    return `the schema of the check cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

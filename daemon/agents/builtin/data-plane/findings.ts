import { createHash } from 'node:crypto';
import type { Finding, FindingRule, Severity } from '../../../../shared/artifacts/findings.ts';
import type { IgnoreMatch } from './ignore.ts';
import type { MissingEntry } from './missing.ts';
import type { SecretPlace } from './secrets.ts';
import type { TrackedFile } from './tree.ts';
import { isSample, nameOf } from './tree.ts';
import type { UnwantedGroup } from './unwanted.ts';

/** Files over this many bytes are a finding. */
export const LARGE_FILE_BYTES = 5_000_000;
const MAX_PATHS = 5_000;

/** The id of a finding: the same rule in the same place gives the same id, whatever the commit. */
export function findingId(rule: FindingRule, ...place: string[]): string {
  return `${rule}-${createHash('sha256')
    .update([rule, ...place].join('\0'))
    .digest('hex')
    .slice(0, 12)}`;
}

const SEVERITIES: Partial<Record<FindingRule, Severity>> = { 'tracked-dependencies': 'medium', 'tracked-build-output': 'medium' };

/** The finding for tracked files that should not be tracked. */
export function describeUnwanted(group: UnwantedGroup): Finding {
  const { rule, place, folder, files, what } = group;
  const [first] = files;
  const single = !folder && files.length === 1 ? first?.path : undefined;
  const where = single ?? (folder ? `${place}/` : place === '' ? 'the root folder' : place);
  const counted = files.length === 1 ? 'is' : `holds ${count(files.length, 'tracked file')}:`;
  return {
    id: findingId(rule, place, group.entry),
    rule,
    severity: SEVERITIES[rule] ?? 'low',
    file: single ?? (place === '' ? '.' : place),
    message:
      single === undefined && files.length === 1
        ? `${where} is tracked: ${what}.`
        : single === undefined
          ? `${where} ${counted} ${what}.`
          : `${where} is tracked: ${what}.`,
    data: { count: files.length, bytes: sumBytes(files), folder, ...(folder ? {} : { paths: pathsOf(files) }) },
  };
}

/** The finding for files that are tracked although a line of a .gitignore ignores them. */
export function describeIgnored(match: IgnoreMatch, files: readonly TrackedFile[]): Finding {
  const [first] = files;
  const others = files.length === 1 ? 'is tracked' : `and ${count(files.length - 1, 'other file')} are tracked`;
  return {
    id: findingId('tracked-ignored', match.file, match.pattern),
    rule: 'tracked-ignored',
    severity: 'info',
    file: match.file,
    line: match.line,
    message:
      `${first?.path ?? ''} ${others} although this line ignores ${files.length === 1 ? 'it' : 'them'}: ${match.pattern.slice(0, 200)}`.slice(
        0,
        2_000,
      ),
    data: { count: files.length, bytes: sumBytes(files), folder: false, paths: pathsOf(files) },
  };
}

/** The finding for a file over the limit. */
export function describeLarge(file: TrackedFile): Finding {
  return {
    id: findingId('large-file', file.path),
    rule: 'large-file',
    severity: 'medium',
    file: file.path,
    message: `${file.path} has ${megabytes(file.size)}; every clone carries it for ever.`,
    data: { bytes: file.size },
  };
}

/** The finding for a line that .gitignore lacks. */
export function describeMissing({ entry, because, folders, keepsOut }: MissingEntry): Finding {
  const times = folders > 1 ? ` and ${count(folders - 1, 'other place')}` : '';
  return {
    id: findingId('missing-ignore-entry', entry),
    rule: 'missing-ignore-entry',
    severity: 'low',
    file: '.gitignore',
    message: `Nothing ignores ${entry}, which ${because}${times} ${folders > 1 ? 'need' : 'needs'}.`.slice(0, 2_000),
    data: { entry, count: folders, keepsOut },
  };
}

/** The finding for an environment file; `line` is that of the first secret value, when there is one. */
export function describeEnvironment(file: TrackedFile, line: number | undefined, deliberate: boolean): Finding {
  const sample = deliberate || isSample(file.path);
  const holds = line === undefined ? 'no value in it looks like a secret' : `line ${line} holds what looks like a secret`;
  return {
    id: findingId('tracked-environment', file.path),
    rule: 'tracked-environment',
    severity: line === undefined || isSample(file.path) ? 'low' : deliberate ? 'medium' : 'high',
    file: file.path,
    ...(line === undefined ? {} : { line }),
    message: `${nameOf(file.path)} holds settings of one machine and is tracked; ${holds}.`,
    data: { count: 1, bytes: file.size, folder: false, paths: [file.path], sample, ...(line === undefined ? {} : { kind: 'environment' }) },
  };
}

/** The finding for a secret; `nth` tells apart those of one kind in one file. */
export function describeSecret(path: string, place: SecretPlace, nth: number): Finding {
  return {
    id: findingId('secret', path, place.kind, String(nth)),
    rule: 'secret',
    severity: place.sample ? 'low' : 'high',
    file: path,
    line: place.line,
    column: place.column,
    message: place.message,
    data: { kind: place.kind.slice(0, 200), sample: place.sample },
  };
}

const ORDER: readonly Severity[] = ['high', 'medium', 'low', 'info'];

/** Worst first, then by rule, file and line. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) =>
      ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) ||
      compare(a.rule, b.rule) ||
      compare(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pathsOf(files: readonly TrackedFile[]): string[] {
  return files.slice(0, MAX_PATHS).map((file) => file.path);
}

function sumBytes(files: readonly TrackedFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}

/** `1 file`, `2,345 files`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** `6.3 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/**
 * Scans one commit for what a repository should not hold, through git objects only.
 *
 * 1. Nothing of the repository is executed, checked out or written.
 * 2. What was not looked at is said in `notes`.
 * 3. The same commit always gives the same findings, in the same order.
 */
import type { Finding, Findings } from '../../../../shared/artifacts/findings.ts';
import type { GitWhere } from '../../../platform/git.ts';
import * as facts from './findings.ts';
import { type IgnoreMatch, type IgnoreRules, openIgnoreRules } from './ignore.ts';
import { isRegular, keepTexts, listFiles, type Listing, MAX_TEXT_BYTES, readTexts } from './list-files.ts';
import { chooseEntries, listWantedEntries } from './missing.ts';
import { describeProject, MANIFEST } from './project.ts';
import { findSecretVariable, kindOfEnvironmentFile, listSecrets } from './secrets.ts';
import { findTestCommand, nodePackageManager, TEST_SOURCES } from './test-command.ts';
import { folderOf, indexTree, isForeign, isSample, joinPath, nameOf, type TrackedFile, type Tree } from './tree.ts';
import { groupUnwanted, type UnwantedGroup } from './unwanted.ts';

const MAX_FINDINGS = 2_000;

/** What a scan may be told beside the commit. */
export interface ScanOptions {
  signal?: AbortSignal;
  onProgress?(text: string, fraction: number): void;
}

interface Scan {
  where: GitWhere;
  options: ScanOptions;
  tree: Tree;
  texts: ReadonlyMap<string, string>;
  rules: IgnoreRules;
  notes: string[];
}

/** Scans the commit of a repository, bare or not; throws GitError. */
export async function scanCommit(where: GitWhere, commit: string, options: ScanOptions = {}): Promise<Findings> {
  options.onProgress?.('Listing the files of the commit', 0);
  const listing = await listFiles(where, commit);
  const tree = indexTree(listing.files);
  const notes = noteListing(listing);
  const kept = await keepTexts(where, listing.files.filter(isKept), options.signal);
  if (!kept.complete) notes.push('Some manifests, .gitignore or environment files were too large or too many to be read.');
  const ignoreTexts = new Map([...kept.texts].filter(([path]) => nameOf(path) === '.gitignore'));
  const { rules, skipped } = await openIgnoreRules(ignoreTexts);
  if (skipped.length > 0)
    notes.push(`${facts.count(skipped.length, '.gitignore file')} could not be used: ${skipped.slice(0, 3).join(', ')}.`);
  try {
    return await findAll({ where, options, tree, texts: kept.texts, rules, notes }, commit, listing);
  } finally {
    await rules.close();
  }
}

async function findAll(scan: Scan, commit: string, listing: Listing): Promise<Findings> {
  const { tree, texts, notes } = scan;
  const { matches, complete } = await scan.rules.match(tree.files.map((file) => file.path));
  if (!complete) notes.push('So many tracked files are ignored that only the first were looked at.');
  const { groups, onPurpose } = groupUnwanted(tree, (path) => matches.get(path)?.negated === true);
  if (onPurpose > 0)
    notes.push(
      `${facts.count(onPurpose, 'file')} that would not belong here otherwise were taken to be there on purpose (below tests, examples or documentation, or un-ignored by .gitignore).`,
    );
  const environment = findEnvironmentFiles(scan, matches);
  const unwanted = [...groups, ...environment.groups];
  const gone = new Set(unwanted.flatMap((group) => group.files.map((file) => file.path)));
  const entries = await findMissingEntries(scan, unwanted);
  const inFolders = new Set(groups.filter((group) => group.folder).flatMap((group) => group.files.map((file) => file.path)));
  const findings = [
    ...groups.map(facts.describeUnwanted),
    ...environment.findings,
    ...entries,
    ...findIgnored(tree, matches, gone),
    ...tree.files
      .filter((file) => isRegular(file) && file.size > facts.LARGE_FILE_BYTES && !inFolders.has(file.path))
      .map(facts.describeLarge),
    ...(await findAllSecrets(scan, inFolders)),
  ];
  const types = describeProject(tree, (path) => gone.has(path));
  const testCommand = findTestCommand({ tree, text: (path) => texts.get(path) });
  if (testCommand === undefined) notes.push('No test command was found at the root of the repository.');
  const truncated = listing.truncated || findings.length > MAX_FINDINGS;
  if (findings.length > MAX_FINDINGS)
    notes.push(`${facts.count(findings.length - MAX_FINDINGS, 'finding')} more than the ${MAX_FINDINGS} that are listed.`);
  return {
    version: 1,
    commit,
    project: {
      types: types.types,
      packageManagers: listPackageManagers(types.packageManagers, scan),
      ci: types.ci,
      ...(testCommand === undefined ? {} : { testCommand }),
      ignoreFile: tree.byPath.has('.gitignore'),
      files: listing.files.length,
      bytes: listing.bytes,
    },
    findings: facts.sortFindings(findings).slice(0, MAX_FINDINGS),
    notes: notes.slice(0, 200),
    ...(truncated ? { truncated } : {}),
  };
}

function noteListing(listing: Listing): string[] {
  const notes: string[] = [];
  if (listing.truncated) notes.push('The commit has more files than can be looked at; the rest was left out.');
  if (listing.submodules > 0) notes.push(`Submodules were not entered: ${listing.submodules}.`);
  if (listing.refused > 0) notes.push(`${facts.count(listing.refused, 'path')} were left out: not UTF-8, or a path that must not be used.`);
  return notes;
}

function isKept(file: TrackedFile): boolean {
  if (!isRegular(file)) return false;
  const name = nameOf(file.path);
  if (name === '.gitignore') return true;
  if (kindOfEnvironmentFile(name) !== undefined) return true;
  if (MANIFEST.test(name)) return !isForeign(file.path) && !isSample(file.path);
  return TEST_SOURCES.includes(file.path);
}

function listPackageManagers(found: string[], { tree, texts }: Scan): string[] {
  if (!texts.has('package.json')) return found;
  const manager = nodePackageManager({ tree, text: (path) => texts.get(path) });
  return found.includes(manager) ? found : [manager, ...found];
}

function findEnvironmentFiles(
  { tree, texts }: Scan,
  matches: ReadonlyMap<string, IgnoreMatch>,
): { groups: UnwantedGroup[]; findings: Finding[] } {
  const groups: UnwantedGroup[] = [];
  const findings: Finding[] = [];
  for (const file of tree.files) {
    const kind = isRegular(file) ? kindOfEnvironmentFile(nameOf(file.path)) : undefined;
    if (kind === undefined || isForeign(file.path)) continue;
    const line = findSecretVariable(texts.get(file.path) ?? '');
    // Some frameworks advise to track `.env` for defaults and to ignore what differs per machine, `.env.local`.
    const deliberate = kind === 'shared' || matches.get(file.path)?.negated === true || hasIgnoredLocal(tree, file, texts, matches);
    if (line === undefined && (deliberate || isSample(file.path))) continue;
    findings.push(facts.describeEnvironment(file, line, deliberate));
    if (deliberate || isSample(file.path)) continue;
    groups.push({
      rule: 'tracked-environment',
      place: folderOf(file.path),
      folder: false,
      files: [file],
      what: 'settings of one machine',
      entry: nameOf(file.path),
    });
  }
  return { groups, findings };
}

function hasIgnoredLocal(
  tree: Tree,
  file: TrackedFile,
  texts: ReadonlyMap<string, string>,
  matches: ReadonlyMap<string, IgnoreMatch>,
): boolean {
  if (nameOf(file.path) !== '.env' || matches.has(file.path)) return false;
  const ignoring = ['', folderOf(file.path)].map((folder) => texts.get(joinPath(folder, '.gitignore')) ?? '');
  return (
    !tree.byPath.has(joinPath(folderOf(file.path), '.env.local')) && ignoring.some((text) => /^\/?\.env(?:\.\*)?\.local\s*$/m.test(text))
  );
}

async function findMissingEntries({ tree, texts, rules }: Scan, unwanted: readonly UnwantedGroup[]): Promise<Finding[]> {
  const wanted = listWantedEntries(tree, unwanted, (path) => texts.get(path));
  const { matches } = await rules.match(new Set(wanted.map((entry) => entry.probe)));
  // Whoever wrote `!entry` meant it.
  const missing = wanted.filter((entry) => !matches.has(entry.probe));
  return chooseEntries(tree, unwanted, missing).map(facts.describeMissing);
}

const PLACE_KEEPER = /^(?:\.gitkeep|\.keep|\.gitignore|\.gitattributes|\.placeholder)$/;

function findIgnored(tree: Tree, matches: ReadonlyMap<string, IgnoreMatch>, gone: ReadonlySet<string>): Finding[] {
  const groups = new Map<string, { match: IgnoreMatch; files: TrackedFile[] }>();
  for (const file of tree.files) {
    const match = matches.get(file.path);
    if (match === undefined || match.negated || gone.has(file.path) || isSample(file.path) || PLACE_KEEPER.test(nameOf(file.path)))
      continue;
    const key = `${match.file}\0${match.pattern}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { match, files: [file] });
    else group.files.push(file);
  }
  return [...groups.values()].map(({ match, files }) => facts.describeIgnored(match, files));
}

async function findAllSecrets({ where, tree, options, notes }: Scan, inFolders: ReadonlySet<string>): Promise<Finding[]> {
  const regular = tree.files.filter((file) => isRegular(file) && file.size > 0);
  const files = regular.filter((file) => !inFolders.has(file.path));
  const findings: Finding[] = [];
  let seen = 0;
  let binary = 0;
  const report = (): void =>
    options.onProgress?.(
      `Looking for secrets: ${seen.toLocaleString('en-US')} of ${facts.count(files.length, 'file')}`,
      files.length === 0 ? 1 : seen / files.length,
    );
  const scanText = async (same: readonly TrackedFile[], text: string | undefined): Promise<void> => {
    if (Math.floor((seen + same.length) / 1_000) > Math.floor(seen / 1_000)) report();
    seen += same.length;
    if (text === undefined) binary += same.length;
    else for (const file of same) if (findings.length <= MAX_FINDINGS) findings.push(...(await secretsOf(file.path, text)));
  };
  report();
  await readTexts(where, files, scanText, options.signal);
  const large = files.filter((file) => file.size > MAX_TEXT_BYTES).length;
  if (binary > 0) notes.push(`${facts.count(binary, 'binary or unreadable file')} were not searched for secrets.`);
  if (large > 0) notes.push(`${facts.count(large, 'file')} over ${facts.megabytes(MAX_TEXT_BYTES)} were not searched for secrets.`);
  if (regular.length > files.length)
    notes.push(
      `${facts.count(regular.length - files.length, 'file')} in folders that should not be tracked were not searched for secrets.`,
    );
  return findings;
}

async function secretsOf(path: string, text: string): Promise<Finding[]> {
  const nths = new Map<string, number>();
  return (await listSecrets(path, text)).map((place) => {
    const nth = (nths.get(place.kind) ?? 0) + 1;
    nths.set(place.kind, nth);
    return facts.describeSecret(path, place, nth);
  });
}

/**
 * Finds what .gitignore should ignore and does not, by asking whether a file that the ecosystem's tools will make there
 * would be ignored.
 *
 * 1. Only entries whose absence fills the next commit with files that nobody wrote.
 * 2. An entry never ignores a tracked file that is to stay: then it is anchored to its folder, or not proposed.
 */
import type { FindingRule } from '../../../../shared/artifacts/findings.ts';
import type { Tree } from './tree.ts';
import { folderOf, isForeign, isSample, joinPath, nameOf } from './tree.ts';
import type { UnwantedGroup } from './unwanted.ts';

/** An entry that ought to be there, and a path that it has to ignore. */
export interface WantedEntry {
  /** Pattern without a leading slash: `node_modules/`. */
  entry: string;
  /** Folder that the entry is for; the empty text for the root. */
  folder: string;
  /** A path that the entry has to ignore. */
  probe: string;
  /** What makes it matter, for a person. */
  because: string;
  /** The rule of tracked files that it would have kept out. */
  rule?: FindingRule;
}

interface Ecosystem {
  marker: RegExp;
  entries: readonly string[];
  /** Only the topmost marker counts: below it the tools write into the same folder. */
  topmost: boolean;
  matters?(tree: Tree, path: string, text: string | undefined): boolean;
}

const hasDependencies = (_tree: Tree, path: string, text: string | undefined): boolean => {
  try {
    const manifest = JSON.parse(text ?? '') as Record<string, unknown>;
    return ['dependencies', 'devDependencies', 'optionalDependencies', 'require', 'require-dev', 'workspaces'].some((key) => {
      const value = manifest[key];
      // Composer lists the platform too (`php`, `ext-json`): those install nothing.
      return (
        typeof value === 'object' &&
        value !== null &&
        Object.keys(value).some((name) => !path.endsWith('composer.json') || name.includes('/'))
      );
    });
  } catch {
    return false;
  }
};

const ECOSYSTEMS: readonly Ecosystem[] = [
  {
    marker: /^package\.json$/,
    entries: ['node_modules/'],
    topmost: false,
    // Yarn's plug'n'play has no such folder; a JavaScript action carries it on purpose.
    matters: (tree, path, text) =>
      !['.pnp.cjs', 'action.yml', 'action.yaml'].some((name) => tree.byPath.has(joinPath(folderOf(path), name))) &&
      !tree.byPath.has('.pnp.cjs') &&
      hasDependencies(tree, path, text),
  },
  {
    marker: /^(?:pyproject\.toml|setup\.py|setup\.cfg|requirements\.txt|Pipfile)$/,
    entries: ['__pycache__/'],
    topmost: true,
    matters: (tree, path) => hasPython(tree, folderOf(path)),
  },
  { marker: /^Cargo\.toml$/, entries: ['target/'], topmost: true },
  { marker: /^pom\.xml$/, entries: ['target/'], topmost: false },
  { marker: /^build\.gradle(?:\.kts)?$/, entries: ['build/'], topmost: false },
  { marker: /^settings\.gradle(?:\.kts)?$/, entries: ['.gradle/'], topmost: true },
  { marker: /^.+\.(?:csproj|fsproj|vbproj)$/, entries: ['bin/', 'obj/'], topmost: false },
  { marker: /^composer\.json$/, entries: ['vendor/'], topmost: false, matters: hasDependencies },
  { marker: /^mix\.exs$/, entries: ['_build/', 'deps/'], topmost: true },
  { marker: /^Package\.swift$/, entries: ['.build/'], topmost: true },
  { marker: /^\.env\.(?:example|sample|template|dist)$/, entries: ['.env'], topmost: false },
];

const MAX_WANTED = 5_000;

function hasPython(tree: Tree, folder: string): boolean {
  const prefix = folder === '' ? '' : `${folder}/`;
  return tree.files.some((file) => file.path.startsWith(prefix) && file.path.endsWith('.py'));
}

/** What ought to be ignored in this commit; bounded to 5,000 entries. */
export function listWantedEntries(
  tree: Tree,
  unwanted: readonly UnwantedGroup[],
  text: (path: string) => string | undefined,
): WantedEntry[] {
  const gone = pathsOf(unwanted);
  const wanted: WantedEntry[] = [];
  for (const ecosystem of ECOSYSTEMS) {
    const markers = tree.files.filter(
      (file) => ecosystem.marker.test(nameOf(file.path)) && !gone.has(file.path) && !isSample(file.path) && !isForeign(file.path),
    );
    const folders = new Set(markers.map((file) => folderOf(file.path)));
    for (const { path } of markers) {
      const folder = folderOf(path);
      if (ecosystem.topmost && hasAbove(folders, folder)) continue;
      if (ecosystem.matters !== undefined && !ecosystem.matters(tree, path, text(path))) continue;
      for (const entry of ecosystem.entries) {
        // Sources that are tracked in a folder of that name: then it is not what the tools make.
        if (entry.endsWith('/') && holdsWanted(tree, joinPath(folder, entry.slice(0, -1)), gone)) continue;
        wanted.push({ entry, folder, probe: joinPath(folder, entry.endsWith('/') ? `${entry}signalbox-probe` : entry), because: path });
      }
    }
  }
  for (const group of unwanted) {
    const sample = group.files[0];
    if (sample === undefined) continue;
    const folder = group.folder ? folderOf(group.place) : group.place;
    wanted.push({
      entry: group.entry,
      folder: group.entry.startsWith('.idea/') ? folderOf(folder) : folder,
      probe: sample.path,
      because: sample.path,
      rule: group.rule,
    });
  }
  return wanted.slice(0, MAX_WANTED);
}

function pathsOf(groups: readonly UnwantedGroup[]): Set<string> {
  return new Set(groups.flatMap((group) => group.files.map((file) => file.path)));
}

function hasAbove(folders: ReadonlySet<string>, folder: string): boolean {
  for (let above = folder; above !== ''; ) {
    above = folderOf(above);
    if (folders.has(above)) return true;
  }
  return false;
}

function holdsWanted(tree: Tree, folder: string, gone: ReadonlySet<string>): boolean {
  return tree.folders.has(folder) && tree.files.some((file) => file.path.startsWith(`${folder}/`) && !gone.has(file.path));
}

/** An entry to add to the .gitignore at the root, and for which folders. */
export interface MissingEntry {
  entry: string;
  because: string;
  folders: number;
  keepsOut: FindingRule[];
}

/** Turns the wanted entries that nothing ignores into lines for the .gitignore at the root. */
export function chooseEntries(tree: Tree, unwanted: readonly UnwantedGroup[], missing: readonly WantedEntry[]): MissingEntry[] {
  const gone = pathsOf(unwanted);
  const byEntry = new Map<string, WantedEntry[]>();
  for (const wanted of missing) byEntry.set(wanted.entry, [...(byEntry.get(wanted.entry) ?? []), wanted]);
  const chosen: MissingEntry[] = [];
  for (const [entry, wanteds] of byEntry) {
    const [first] = wanteds;
    if (first === undefined) continue;
    if (!wouldHide(tree, entry, gone)) {
      const nested = entry.slice(0, -1).includes('/') && wanteds.some((wanted) => wanted.folder !== '');
      chosen.push({ entry: nested ? `**/${entry}` : entry, because: first.because, folders: wanteds.length, keepsOut: rulesOf(wanteds) });
      continue;
    }
    for (const folder of new Set(wanteds.map((wanted) => wanted.folder))) {
      if (entry.includes('*') || !isPlain(folder)) continue;
      const here = wanteds.filter((wanted) => wanted.folder === folder);
      chosen.push({
        entry: `/${joinPath(folder, entry)}`,
        because: here[0]?.because ?? first.because,
        folders: 1,
        keepsOut: rulesOf(here),
      });
    }
  }
  return chosen;
}

function rulesOf(wanteds: readonly WantedEntry[]): FindingRule[] {
  return [...new Set(wanteds.flatMap((wanted) => wanted.rule ?? []))];
}

/** Whether a folder's name means itself in a .gitignore. */
function isPlain(folder: string): boolean {
  return /^[^*?[\]\\!#\r\n]*$/.test(folder) && !/[ \t]$/.test(folder);
}

function wouldHide(tree: Tree, entry: string, gone: ReadonlySet<string>): boolean {
  const shape = shapeOf(entry);
  return tree.files.some((file) => file.mode !== '160000' && !gone.has(file.path) && shape.test(file.path));
}

/** Paths that an unanchored entry of ours would ignore; our entries use no more of the syntax than `*` and `[ab]`. */
function shapeOf(entry: string): RegExp {
  const folder = entry.endsWith('/');
  const body = (folder ? entry.slice(0, -1) : entry).replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '[^/]*');
  return new RegExp(`(?:^|/)${body}${folder ? '/' : '(?:/|$)'}`);
}

import type { Tree } from './tree.ts';
import { depthOf, isForeign, isSample, nameOf } from './tree.ts';

interface Marker {
  name: RegExp;
  means: string;
}

const TYPES: Marker[] = [
  { name: /^package\.json$/, means: 'node' },
  { name: /^deno\.jsonc?$/, means: 'deno' },
  { name: /^(?:pyproject\.toml|setup\.py|setup\.cfg|requirements(?:[-_.][\w.-]+)?\.txt|Pipfile)$/, means: 'python' },
  { name: /^go\.mod$/, means: 'go' },
  { name: /^Cargo\.toml$/, means: 'rust' },
  { name: /^(?:pom\.xml|build\.gradle(?:\.kts)?|settings\.gradle(?:\.kts)?)$/, means: 'java' },
  { name: /^(?:Gemfile|.+\.gemspec)$/, means: 'ruby' },
  { name: /^composer\.json$/, means: 'php' },
  { name: /^.+\.(?:csproj|fsproj|vbproj|sln|slnx)$/, means: 'dotnet' },
  { name: /^mix\.exs$/, means: 'elixir' },
  { name: /^Package\.swift$/, means: 'swift' },
  { name: /^pubspec\.yaml$/, means: 'dart' },
  { name: /^CMakeLists\.txt$/, means: 'cmake' },
  { name: /^(?:GNUmakefile|[Mm]akefile)$/, means: 'make' },
];

const PACKAGE_MANAGERS: Marker[] = [
  { name: /^(?:package-lock\.json|npm-shrinkwrap\.json)$/, means: 'npm' },
  { name: /^(?:pnpm-lock\.yaml|pnpm-workspace\.yaml)$/, means: 'pnpm' },
  { name: /^(?:yarn\.lock|\.yarnrc\.yml)$/, means: 'yarn' },
  { name: /^bun\.lockb?$/, means: 'bun' },
  { name: /^deno\.lock$/, means: 'deno' },
  { name: /^uv\.lock$/, means: 'uv' },
  { name: /^poetry\.lock$/, means: 'poetry' },
  { name: /^Pipfile(?:\.lock)?$/, means: 'pipenv' },
  { name: /^pdm\.lock$/, means: 'pdm' },
  { name: /^requirements(?:[-_.][\w.-]+)?\.txt$/, means: 'pip' },
  { name: /^go\.mod$/, means: 'go' },
  { name: /^Cargo\.toml$/, means: 'cargo' },
  { name: /^pom\.xml$/, means: 'maven' },
  { name: /^(?:build|settings)\.gradle(?:\.kts)?$/, means: 'gradle' },
  { name: /^Gemfile$/, means: 'bundler' },
  { name: /^composer\.json$/, means: 'composer' },
  { name: /^.+\.(?:csproj|fsproj|vbproj|sln|slnx)$/, means: 'nuget' },
  { name: /^mix\.exs$/, means: 'mix' },
  { name: /^Package\.swift$/, means: 'swiftpm' },
  { name: /^pubspec\.yaml$/, means: 'pub' },
];

const CI: { path: RegExp; means: string }[] = [
  { path: /^\.github\/workflows\/[^/]+\.ya?ml$/, means: 'github-actions' },
  { path: /^\.gitlab-ci\.ya?ml$/, means: 'gitlab' },
  { path: /^(?:azure-pipelines[\w.-]*|\.azure-pipelines\/.+|\.azuredevops\/.+)\.ya?ml$/, means: 'azure' },
  { path: /^\.circleci\/config\.ya?ml$/, means: 'circleci' },
  { path: /^(?:.+\/)?Jenkinsfile$/, means: 'jenkins' },
  { path: /^\.travis\.ya?ml$/, means: 'travis' },
  { path: /^bitbucket-pipelines\.ya?ml$/, means: 'bitbucket' },
  { path: /^\.?appveyor\.ya?ml$/, means: 'appveyor' },
  { path: /^\.buildkite\/.+\.ya?ml$/, means: 'buildkite' },
  { path: /^\.drone\.ya?ml$/, means: 'drone' },
  { path: /^(?:\.woodpecker\.ya?ml|\.woodpecker\/.+\.ya?ml)$/, means: 'woodpecker' },
  { path: /^\.cirrus\.ya?ml$/, means: 'cirrus' },
  { path: /^\.(?:gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, means: 'forgejo' },
  { path: /^\.teamcity\/.+/, means: 'teamcity' },
];

/** Names of files whose text decides something about the project, wherever they lie. */
export const MANIFEST = /^(?:package\.json|composer\.json)$/;

/** Ecosystems, package managers and CI systems that the paths of a commit show, nearest to the root first. */
export function describeProject(tree: Tree, skip: (path: string) => boolean): { types: string[]; packageManagers: string[]; ci: string[] } {
  const types = new Map<string, number>();
  const packageManagers = new Map<string, number>();
  const ci = new Set<string>();
  for (const { path, mode } of tree.files) {
    if (mode === '160000' || skip(path) || isForeign(path)) continue;
    for (const { path: shape, means } of CI) if (shape.test(path)) ci.add(means);
    if (isSample(path)) continue;
    note(types, TYPES, path);
    note(packageManagers, PACKAGE_MANAGERS, path);
  }
  // A package.json without a lock file is npm's: that is what everybody without a preference has.
  const nodeAt = types.get('node');
  if (nodeAt !== undefined && !['npm', 'pnpm', 'yarn', 'bun'].some((name) => packageManagers.has(name))) packageManagers.set('npm', nodeAt);
  const pythonAt = types.get('python');
  if (pythonAt !== undefined && !['pip', 'uv', 'poetry', 'pipenv', 'pdm'].some((name) => packageManagers.has(name)))
    packageManagers.set('pip', pythonAt);
  return { types: nearestFirst(types), packageManagers: nearestFirst(packageManagers), ci: [...ci].toSorted() };
}

function note(depths: Map<string, number>, markers: readonly Marker[], path: string): void {
  const name = nameOf(path);
  for (const marker of markers) {
    if (!marker.name.test(name)) continue;
    const depth = depthOf(path);
    if (depth < (depths.get(marker.means) ?? Infinity)) depths.set(marker.means, depth);
  }
}

function nearestFirst(depths: ReadonlyMap<string, number>): string[] {
  return [...depths].toSorted(([nameA, a], [nameB, b]) => a - b || (nameA < nameB ? -1 : 1)).map(([name]) => name);
}

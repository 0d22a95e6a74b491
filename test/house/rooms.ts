// Who may import whom (DESIGN, "The house"), as one table. A new package or a new door is one word here, on purpose.

/** What the files of one room may import. Paths are prefixes relative to the root; packages are names, `node:` stands for all of Node. */
export interface Room {
  readonly path: string;
  /** Rooms whose values and types may be imported; a room may always import itself. */
  readonly values: readonly string[];
  /** Rooms of which only types may be imported. */
  readonly types?: readonly string[];
  readonly packages: readonly string[];
  /** Time, ids and randomness are arguments here, and nothing is read or written. */
  readonly pure?: boolean;
}

// Pure functions that Node happens to ship. Randomness from node:crypto is banned by name, see purity.ts.
const PURE_NODE = ['node:path', 'node:path/posix', 'node:crypto', 'node:util'];
const PURE_DAEMON = ['shared', 'daemon/commands.ts'];
const IMPURE_DAEMON = ['shared', 'daemon/commands.ts', 'daemon/platform'];
const OTHER_ROOMS = ['journal', 'store', 'agents', 'workspace', 'triggers', 'rpc', 'platform'].map((name) => `daemon/${name}`);
const DECIDING_ROOMS = ['decide', 'scheduler', 'workflow', 'policy', 'watchdog'].map((name) => `daemon/${name}`);

/** The first room whose path is a prefix of a file's path is the file's room, so the narrow ones come first. */
export const ROOMS: readonly Room[] = [
  { path: 'shared/client', values: ['shared'], packages: ['zod', 'json-rpc-2.0', 'ws'] },
  // Workflows and policies are YAML on both sides of the wire, read by the same code; its only package is the parser.
  { path: 'shared/yaml', values: ['shared'], packages: ['zod', 'yaml'], pure: true },
  { path: 'shared', values: [], packages: ['zod'], pure: true },
  { path: 'daemon/commands.ts', values: ['shared'], packages: [], pure: true },
  { path: 'daemon/decide', values: [...PURE_DAEMON, 'daemon/policy'], packages: ['zod', ...PURE_NODE], pure: true },
  { path: 'daemon/scheduler', values: PURE_DAEMON, packages: ['croner', ...PURE_NODE], pure: true },
  // Conditions of workflows and of policies are one language: what may stand in one is judged in one place.
  {
    path: 'daemon/workflow',
    values: [...PURE_DAEMON, 'daemon/policy/condition-shape.ts'],
    packages: ['zod', 'yaml', 'croner', '@marcbachmann/cel-js', ...PURE_NODE],
    pure: true,
  },
  { path: 'daemon/policy', values: PURE_DAEMON, packages: ['zod', 'yaml', '@marcbachmann/cel-js', 'unbash', ...PURE_NODE], pure: true },
  { path: 'daemon/watchdog', values: PURE_DAEMON, packages: PURE_NODE, pure: true },
  {
    path: 'daemon/platform',
    values: ['shared', 'daemon/commands.ts'],
    packages: ['node:', 'zod', 'lowdb', '@secretlint/', 'uuidv7', '@modelcontextprotocol/server'],
  },
  { path: 'daemon/journal', values: IMPURE_DAEMON, packages: ['node:', 'zod', 'lowdb'] },
  { path: 'daemon/store', values: IMPURE_DAEMON, packages: ['node:', 'zod', 'lowdb'] },
  { path: 'daemon/agents', values: IMPURE_DAEMON, packages: ['node:', 'zod', 'yaml', '@secretlint/', '@agentclientprotocol/sdk'] },
  { path: 'daemon/workspace', values: IMPURE_DAEMON, packages: ['node:', 'zod'] },
  { path: 'daemon/triggers', values: IMPURE_DAEMON, packages: ['node:', 'zod', 'chokidar'] },
  { path: 'daemon/rpc', values: IMPURE_DAEMON, packages: ['node:', 'zod', 'ws', 'json-rpc-2.0', 'uuidv7'] },
  // Implementations come to the coordinator as parameters, so it knows the other rooms by their types only.
  {
    path: 'daemon/coordinator',
    values: ['shared', 'daemon/commands.ts', ...DECIDING_ROOMS],
    types: OTHER_ROOMS,
    packages: ['node:crypto', 'node:path', 'node:perf_hooks', 'zod'],
  },
  {
    path: 'daemon/cli',
    values: [
      'shared',
      'daemon/commands.ts',
      'daemon/journal',
      'daemon/policy',
      'daemon/workflow',
      // `signalbox replay` decides again what was decided.
      'daemon/decide',
      'daemon/platform',
      'daemon/settings.ts',
      // `signalbox policy` works without a daemon: it reads the recorded actions, and what a repository brings.
      'daemon/store/artifacts.ts',
      'daemon/store/errors.ts',
      'daemon/workspace/configuration.ts',
      'daemon/workspace/inspect.ts',
      'daemon/workspace/workspace-error.ts',
    ],
    packages: ['node:', 'zod', 'ws', 'json-rpc-2.0', 'commander', '@bomb.sh/tab', 'picocolors', 'yaml', 'uuidv7'],
  },
  // main.ts and the files beside it compose the daemon: they know every room but the CLI, and no room knows them.
  {
    path: 'daemon',
    values: [...PURE_DAEMON, 'daemon/coordinator', ...DECIDING_ROOMS, ...OTHER_ROOMS],
    packages: ['node:', 'zod', 'uuidv7', 'yaml', 'lowdb', '@seriousme/openapi-schema-validator'],
  },
  { path: 'extension', values: ['shared'], packages: ['vscode', 'node:', 'ws', 'zod', 'uuidv7'] },
  {
    path: 'webview-ui',
    values: ['shared/webview', 'shared/state'],
    packages: ['lit', '@vscode-elements/', '@vscode/codicons', 'uplot'],
  },
];

/** The folders that may lie at the top of the repository. */
export const TOP_FOLDERS: readonly string[] = [
  'extension',
  'daemon',
  'webview-ui',
  'shared',
  'test',
  '.ci',
  '.vscode',
  'docs',
  'media',
  'l10n',
  // Workflows of the documents that users start from, with what they leave open; tests run them.
  'examples',
];

/** The room of a file, or undefined outside the house (test/ may import everything but vscode). */
export function roomOf(file: string): Room | undefined {
  return ROOMS.find((room) => isBelow(file, room.path));
}

/** Whether `file` is `place` or lies below it. */
export function isBelow(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}

/**
 * The command line of bubblewrap for one attempt. Pure: what the machine has and what the attempt may see are arguments.
 *
 * 1. What is not named does not exist inside: no home of the person, no state of the daemon, no sockets, no other processes.
 * 2. Only `writable` can be written to; what is pinned lies read-only over it and can be neither changed nor removed.
 * 3. The network is a loopback of its own. The one way out is a socket among the pinned files.
 */
/** One entry at the top of the machine: a folder that is shown read-only, or a link that is made again. */
export type SystemEntry = { readonly path: string } | { readonly path: string; readonly link: string };

/** What one attempt may see; paths are absolute and real, and mean the same inside as outside. */
export interface SandboxPlan {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly system: readonly SystemEntry[];
  /** Tools beside the system's, shown read-only. */
  readonly tools: readonly string[];
  /** State, configuration and runtime folders: never shown, whatever they lie in. */
  readonly hidden: readonly string[];
  /** Files that are shown as empty. */
  readonly masked: readonly string[];
  /** Shown read-only wherever they lie: objects of the repository. */
  readonly borrowed: readonly string[];
  readonly writable: readonly string[];
  /** Files and folders within what is writable that are empty inside, and cannot be written. */
  readonly covered: readonly { readonly path: string; readonly folder: boolean }[];
  /** Single files or sockets, put read-only at another place. */
  readonly pinned: readonly { readonly from: string; readonly at: string }[];
}

const NAMESPACES = [
  '--unshare-user-try',
  '--unshare-ipc',
  '--unshare-pid',
  '--unshare-net',
  '--unshare-uts',
  '--unshare-cgroup-try',
  // All of it ends with the daemon, also after SIGKILL.
  '--die-with-parent',
  // No way to type into a terminal that the daemon was started from.
  '--new-session',
  '--cap-drop',
  'ALL',
];

/** Whether `path` is `folder` or lies below it. */
export function liesIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? folder : `${folder}/`);
}

/** The arguments for bubblewrap, its own name left out. Throws TypeError for a path that is not absolute. */
export function sandboxArguments(plan: SandboxPlan): string[] {
  const { system, tools, hidden, masked, borrowed, writable, covered, pinned, cwd } = plan;
  const named = [
    cwd,
    ...tools,
    ...hidden,
    ...masked,
    ...borrowed,
    ...writable,
    ...covered.map(({ path }) => path),
    ...pinned.flatMap(({ from, at }) => [from, at]),
  ];
  const wrong = named.find((path) => !path.startsWith('/') || path.includes('\0') || path === '/');
  if (wrong !== undefined) throw new TypeError(`Not a place for a sandbox: ${JSON.stringify(wrong)}`);
  const shownTools = tools.filter((path) => !hidden.some((secret) => liesIn(path, secret)));
  const shown = [...system.flatMap((entry) => ('link' in entry ? [] : [entry.path])), ...shownTools];
  return [
    ...NAMESPACES,
    ...system.flatMap((entry) => ('link' in entry ? ['--symlink', entry.link, entry.path] : ['--ro-bind', entry.path, entry.path])),
    ...masked.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/run', '--dir', '/var/tmp'],
    ...shownTools.flatMap((path) => ['--ro-bind-try', path, path]),
    ...hidden.filter((path) => shown.some((folder) => liesIn(path, folder))).flatMap((path) => ['--tmpfs', path]),
    ...borrowed.flatMap((path) => ['--ro-bind', path, path]),
    ...writable.flatMap((path) => ['--bind', path, path]),
    ...covered.flatMap(({ path, folder }) => (folder ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path])),
    ...pinned.flatMap(({ from, at }) => ['--ro-bind', from, at]),
    ...['--remount-ro', '/', '--chdir', cwd, '--'],
    ...plan.argv,
  ];
}

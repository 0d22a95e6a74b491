/**
 * Puts an attempt's command line into a sandbox, where this machine has one; elsewhere the same command line runs as it is, and
 * says so. What `wrap` opened for the attempt is closed by `close`, after its processes are gone.
 */
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Enforcement } from '../../../shared/state/agent.ts';
import { liesIn, sandboxArguments } from './argv.ts';
import { listTools, type Machine } from './machine.ts';
import type { FetchRequest, FetchVerdict, LocalDoor } from './relay.ts';

/** What an attempt of an agent wants to start, and where; paths are absolute. */
export interface SandboxRequest {
  readonly argv: readonly [string, ...string[]];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  readonly worktree?: SandboxWorktree;
  /** Where the program itself lies: shown read-only, also within the daemon's folders. */
  readonly programs?: readonly string[];
  /** Single files of the person that it may read and change: a login. */
  readonly files?: readonly string[];
  /** Ports of this machine's loopback that appear inside: a model, an MCP server. */
  readonly loopbackPorts?: readonly number[];
  /** What the attempt's relay answers itself. */
  readonly local?: LocalDoor;
  /** Asked before anything beyond this machine is connected to. */
  decideFetch(request: FetchRequest): Promise<FetchVerdict>;
}

/** A worktree as it appears inside: with a git directory of its own, behind a `.git` that cannot be changed. */
export interface SandboxWorktree {
  readonly path: string;
  /** Files and folders of it, absolute, that are empty inside and cannot be written. */
  readonly covered?: readonly { readonly path: string; readonly folder: boolean }[];
  readonly lent?: { readonly gitDir: string; readonly link: string; readonly objects: readonly string[] };
}

/** What to start instead. */
export interface Wrapped {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly enforcement: Enforcement;
  /** Where `local` is reached from inside: a port of the loopback there, and a program that joins its pipes with it. */
  readonly local?: { readonly port: number; readonly pipe: readonly [string, ...string[]] };
  /** The system's code for why the program could not be started inside, such as ENOENT, once its process has ended. */
  notStarted(): string | undefined;
  close(): Promise<void>;
}

export interface Sandbox {
  /** How attempts are started here; what one really got is in what `wrap` returns. */
  readonly enforcement: Enforcement;
  /** Never falls back: where the machine has a sandbox, an attempt that cannot be put into it is not started (throws). */
  wrap(request: SandboxRequest): Promise<Wrapped>;
}

/** What the daemon knows and no attempt may see. */
export interface SandboxOptions {
  readonly machine: Machine;
  /** Bundle of the process that runs first inside. */
  readonly bridgePath: string;
  /** State, configuration and runtime folders. */
  readonly hidden: readonly string[];
  /** The person's home: of it only tools are shown. */
  readonly personHome: string;
  /** Further folders that attempts may read, as the user set them. */
  readonly readable: readonly string[];
}

const SOCKET = '/run/signalbox/relay';
const BRIDGE = '/run/signalbox/bridge.cjs';
/** Port inside at which the proxy listens where somebody outside has to know it. */
const FIRST_PORT = 7_433;

/** Makes the sandbox of this daemon. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { machine } = options;
  const { enforcement, bwrap } = machine;
  return {
    enforcement,
    async wrap(request) {
      const { argv, env } = request;
      if (bwrap === undefined) return { argv, env, enforcement, notStarted: () => undefined, close: () => Promise.resolve() };
      const { decideFetch: decide, loopbackPorts = [], local } = request;
      const { openRelay } = await import('./relay.ts');
      const relay = await openRelay({ decide, loopbackPorts, ...(local === undefined ? {} : { local }) });
      try {
        const port = local === undefined ? 0 : doorPort(loopbackPorts);
        const { node, args } = await describeInside(options, request, { socket: relay.socket, port });
        const electron = process.versions['electron'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' };
        const door = local === undefined ? {} : { local: { port, pipe: [node, BRIDGE, '--mcp', SOCKET] as const } };
        return {
          argv: [bwrap, ...args],
          env: { ...env, ...electron },
          enforcement,
          ...door,
          notStarted: relay.notStarted,
          close: relay.close,
        };
      } catch (error) {
        await relay.close();
        throw error;
      }
    },
  };
}

/** Where `local` is reached inside: the first port that is not wanted for something else; nobody but the attempt itself is on its loopback. */
export function doorPort(taken: readonly number[]): number {
  let port = FIRST_PORT;
  while (taken.includes(port)) port += 1;
  return port;
}

async function describeInside(
  { machine, bridgePath, hidden, personHome, readable }: SandboxOptions,
  request: SandboxRequest,
  { socket, port }: { socket: string; port: number },
): Promise<{ node: string; args: string[] }> {
  const { env, home, worktree, cwd, programs = [], files = [], loopbackPorts = [] } = request;
  const { lent } = worktree ?? {};
  const node = await realpath(process.execPath);
  const found = await listTools(env['PATH'] ?? '', machine, [personHome]);
  const known = [...machine.system.map(({ path }) => path), ...found];
  const tools = [...found, ...(known.some((folder) => liesIn(node, folder)) ? [] : [dirname(node)]), ...readable];
  const args = sandboxArguments({
    argv: [node, BRIDGE, SOCKET, String(port), loopbackPorts.join(','), ...request.argv],
    cwd,
    system: machine.system,
    masked: machine.masked,
    tools,
    hidden,
    borrowed: [...(lent?.objects ?? []), ...programs],
    writable: [home, ...(worktree === undefined ? [] : [worktree.path]), ...(lent === undefined ? [] : [lent.gitDir]), ...files],
    covered: worktree?.covered ?? [],
    pinned: [
      { from: await realpath(bridgePath), at: BRIDGE },
      { from: socket, at: SOCKET },
      ...(lent === undefined || worktree === undefined ? [] : [{ from: lent.link, at: `${worktree.path}/.git` }]),
    ],
  });
  return { node, args };
}

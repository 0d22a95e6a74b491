/**
 * The one connection of this window to the daemon: found or started, kept, and found again.
 *
 * 1. Each repository is folded by one replica; a commit is folded once, whatever the connection did meanwhile.
 * 2. A daemon that ended without a word is started again; one that was stopped stays stopped until somebody asks for it.
 * 3. Before `open` nothing is looked for and nothing is started.
 */
import type { Client } from '../../shared/client/client.ts';
import { createReplica, type Replica } from '../../shared/client/replica.ts';
import type { Endpoint } from '../../shared/protocol/endpoint.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { readEndpoint } from './endpoint.ts';
import { createListeners } from './listeners.ts';
import { type Connection, openConnection } from '../../shared/client/connect.ts';
import { waitForEnd } from './start.ts';

export type LinkStatus =
  | { readonly kind: 'closed' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly version: string }
  /** Somebody stopped the daemon, or may not start one. */
  | { readonly kind: 'stopped' }
  /** It speaks another version of the protocol. */
  | { readonly kind: 'mismatch'; readonly version: string }
  | { readonly kind: 'failed'; readonly message: string };

export interface LinkOptions {
  /** The state folder; throws when a setting is wrong. */
  home(): string;
  start(home: string): Promise<Connection>;
  /** Whether anybody at this window wants a daemon; until then one that runs is found, and none is started. */
  isWanted?(): boolean;
  /** Whether a daemon may be started without being asked for. */
  mayStart(): boolean;
  log(line: string): void;
}

export interface Link {
  readonly status: LinkStatus;
  /** By the real path of the repository. */
  readonly replicas: ReadonlyMap<string, Replica>;
  /** Says which repositories this window looks at, and connects. */
  open(repos: readonly string[]): void;
  /** Looks for the daemon now, because somebody began to want one. */
  wake(): void;
  /** A client that is connected; waits for it, and rejects with SignalboxError when there is none within `timeoutMs`. */
  client(timeoutMs?: number): Promise<Client>;
  /** Stops the daemon that runs, if one does, and starts another. */
  restart(): Promise<void>;
  onStatus(listener: () => void): () => void;
  /** Something that a replica knows has changed. */
  onChange(listener: () => void): () => void;
  close(): void;
}

const CLIENT_MS = 30_000;
const RESTART_MS = 40_000;
const DELAYS_MS = [0, 200, 500, 1_000, 2_000, 5_000, 10_000];
/** How often a stopped daemon, or one of another version, is looked for. */
const LOOK_MS = 2_000;

export function createLink(options: LinkOptions): Link {
  return new DaemonLink(options);
}

class DaemonLink implements Link {
  status: LinkStatus = { kind: 'closed' };
  readonly replicas = new Map<string, Replica>();
  readonly #options: LinkOptions;
  readonly #onStatus = createListeners();
  readonly #onChange = createListeners();
  #connection: Connection | undefined;
  #running = false;
  #ended = false;
  /** The daemon said that it stops: whoever wanted that does not want it started again. */
  #stopped = false;
  #restarting: Promise<void> | undefined;
  #wake = (): void => {};

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  readonly onStatus = (listener: () => void): (() => void) => this.#onStatus.add(listener);
  readonly onChange = (listener: () => void): (() => void) => this.#onChange.add(listener);

  open(repos: readonly string[]): void {
    for (const [repo, replica] of this.replicas) {
      if (repos.includes(repo)) continue;
      replica.detach();
      this.replicas.delete(repo);
    }
    for (const repo of repos) {
      if (this.replicas.has(repo)) continue;
      const replica = createReplica({ kind: 'repo', repo }, this.#onChange.call);
      this.replicas.set(repo, replica);
      if (this.#connection && this.status.kind === 'connected')
        this.#attach(this.#connection, replica).catch(() => this.#connection?.close());
    }
    this.#onChange.call();
    if (this.#running) return;
    this.#running = true;
    this.#setStatus({ kind: 'connecting' });
    void this.#keepConnected();
  }

  wake(): void {
    if (this.status.kind === 'closed' && this.#running) this.#setStatus({ kind: 'connecting' });
    this.#wake();
  }

  async client(timeoutMs = CLIENT_MS): Promise<Client> {
    const until = Date.now() + timeoutMs;
    while (!this.#connection || this.status.kind !== 'connected') {
      if (this.status.kind === 'stopped' || this.status.kind === 'mismatch' || this.status.kind === 'closed') throw refusalOf(this.status);
      const changed = new Promise<void>((resolve) => {
        const off = this.onStatus(() => {
          off();
          resolve();
        });
      });
      await withDeadline(changed, until - Date.now(), () => refusalOf(this.status));
    }
    return this.#connection.client;
  }

  async restart(): Promise<void> {
    this.#restarting ??= this.#stopForRestart().finally(() => {
      this.#restarting = undefined;
      this.#stopped = false;
      this.#setStatus({ kind: 'connecting' });
      this.#wake();
    });
    await this.#restarting;
    await this.client(RESTART_MS);
  }

  close(): void {
    this.#ended = true;
    this.#wake();
    for (const replica of this.replicas.values()) replica.detach();
    this.#connection?.close();
  }

  async #stopForRestart(): Promise<void> {
    const endpoint = await readEndpoint(this.#options.home());
    if (!endpoint) return;
    this.#options.log(`stopping the daemon, process ${endpoint.pid}`);
    try {
      const { client } = this.#connection ?? (await openConnection(endpoint, { name: 'signalbox-vscode' }));
      await client.call('daemon/stop', { reason: 'restarted from VS Code' });
    } catch (error) {
      // Only a daemon that answered to our token is known to be that process, so no other is ended.
      if (!(error instanceof SignalboxError) || error.code !== 'protocol_mismatch') throw error;
      process.kill(endpoint.pid, 'SIGTERM');
    }
    await waitForEnd(endpoint.pid);
  }

  async #keepConnected(): Promise<void> {
    let failures = 0;
    while (!this.#ended) {
      try {
        await this.#restarting;
        const connection = await this.#reach();
        if (connection && this.#ended) connection.close();
        else if (connection) {
          await this.#serve(connection);
          failures = 0;
        }
      } catch (error) {
        failures += 1;
        this.#noteFailure(error, failures);
      }
      this.#connection = undefined;
      const looks = this.status.kind === 'stopped' || this.status.kind === 'mismatch' || this.status.kind === 'closed';
      await this.#pause(looks ? LOOK_MS : (DELAYS_MS[Math.min(failures, DELAYS_MS.length - 1)] ?? LOOK_MS));
    }
  }

  /** A connection to the daemon that runs, or to one that is started; undefined when none runs and none may be started. */
  async #reach(): Promise<Connection | undefined> {
    const home = this.#options.home();
    const endpoint = await readEndpoint(home);
    const found = endpoint && (await this.#tryFound(endpoint));
    if (found) return found;
    if (!(this.#options.isWanted?.() ?? true)) {
      this.#setStatus({ kind: 'closed' });
      return undefined;
    }
    if (this.#stopped || !this.#options.mayStart()) {
      this.#setStatus({ kind: 'stopped' });
      return undefined;
    }
    if (this.status.kind !== 'failed') this.#setStatus({ kind: 'connecting' });
    this.#options.log(`starting a daemon in ${home}`);
    return this.#options.start(home);
  }

  async #tryFound(endpoint: Endpoint): Promise<Connection | undefined> {
    try {
      return await openConnection(endpoint, { name: 'signalbox-vscode' });
    } catch (error) {
      // Nobody listens there, or somebody else does: the file is left over, and its pid belongs to another process by now.
      if (error instanceof SignalboxError && (error.code === 'disconnected' || error.code === 'unauthorized')) return undefined;
      if (error instanceof SignalboxError && error.code === 'protocol_mismatch') error.facts['version'] = endpoint.version;
      throw error;
    }
  }

  async #serve(connection: Connection): Promise<void> {
    const { client, hello, ended } = connection;
    client.on('daemon/stopping', () => {
      this.#stopped = this.#restarting === undefined;
    });
    this.#connection = connection;
    this.#stopped = false;
    try {
      await Promise.all([...this.replicas.values()].map((replica) => this.#attach(connection, replica)));
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#options.log(`connected to daemon ${hello.version}, process ${hello.pid}, protocol ${hello.protocol}`);
    this.#setStatus({ kind: 'connected', version: hello.version });
    const why = await ended;
    this.#connection = undefined;
    if (this.#ended) return;
    this.#options.log(`the connection ended: ${why}`);
    this.#setStatus(this.#stopped ? { kind: 'stopped' } : { kind: 'connecting' });
  }

  #attach(connection: Connection, replica: Replica): Promise<void> {
    return replica.attach(connection);
  }

  #noteFailure(error: unknown, failures: number): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log(`attempt ${failures} failed: ${message}`);
    if (error instanceof SignalboxError && error.code === 'protocol_mismatch')
      this.#setStatus({ kind: 'mismatch', version: typeof error.facts['version'] === 'string' ? error.facts['version'] : '' });
    else this.#setStatus({ kind: 'failed', message });
  }

  #setStatus(status: LinkStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.status)) return;
    this.status = status;
    this.#onStatus.call();
  }

  #pause(ms: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function refusalOf(status: LinkStatus): SignalboxError {
  switch (status.kind) {
    case 'mismatch':
      return new SignalboxError({
        code: 'protocol_mismatch',
        message: 'The daemon that runs speaks another version of the protocol. Restart it.',
      });
    case 'stopped':
      return new SignalboxError({ code: 'daemon_stopped', message: 'The daemon is stopped. Start it again.' });
    case 'failed':
      return new SignalboxError({ code: 'disconnected', message: status.message });
    case 'closed':
      return new SignalboxError({
        code: 'disconnected',
        message: 'Signalbox is not connected: open a trusted folder that belongs to a git repository.',
      });
    default:
      return new SignalboxError({ code: 'timeout', message: 'The daemon has not answered yet.' });
  }
}

async function withDeadline(work: Promise<void>, ms: number, refuse: () => Error): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refuse()), Math.max(0, ms));
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

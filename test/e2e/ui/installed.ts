/**
 * VS Code as a person has it after installing our VSIX: an extensions folder, a home and a state folder of its own.
 *
 * 1. The VSIX is made once for all test files, from a production build.
 * 2. `close` ends whatever was started, the daemon included; nothing of the person's own home or state is touched.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Connected, connectTo } from '../../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../../daemon/rpc/endpoint.ts';
import type { Endpoint } from '../../../shared/protocol/endpoint.ts';
import { tempFolder } from '../../support/repos.ts';
import type { Workbench, WorkbenchOptions } from '../../vscode-host/workbench.d.mts';
import { until, VscodeWindow } from './window.ts';

interface Host {
  launchWorkbench(options: WorkbenchOptions): Promise<Workbench>;
  installExtension(vsix: string, extensionsDir: string, dataDir: string): string;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const RESOURCE = /\.vscode-resource\.vscode-cdn\.net$/;
let packaged: Promise<string> | undefined;

/** The VSIX, made by `npm run package`'s own script into a temporary folder; absolute. */
export function packageOnce(): Promise<string> {
  packaged ??= (async () => {
    const vsix = join(tempFolder('vsix'), 'signalbox.vsix');
    await run(process.execPath, [join(root, '.ci/package.mjs'), vsix], { cwd: root });
    return vsix;
  })();
  return packaged;
}

async function loadHost(): Promise<Host> {
  return (await import(new URL('../../vscode-host/workbench.mjs', import.meta.url).href)) as Host;
}

export class InstalledVscode {
  /** The daemon's state folder; it does not exist before a daemon was started. */
  readonly home: string;
  readonly #workbench: Workbench;
  readonly #folder: string;
  /** What was answered, or refused, by a network and not by VS Code's own service worker. */
  readonly #answered: string[] = [];
  #client: Connected | undefined;

  private constructor(workbench: Workbench, folder: string, home: string) {
    this.#workbench = workbench;
    workbench.context.on('response', (response) => {
      if (!response.fromServiceWorker()) this.#answered.push(response.url());
    });
    workbench.context.on('requestfailed', (request) => this.#answered.push(request.url()));
    this.#folder = folder;
    this.home = home;
  }

  /** Installs the VSIX and opens a window on `workspace`, or an empty one. */
  static async open(options: Pick<WorkbenchOptions, 'workspace' | 'workspaceTrust' | 'settings'> = {}): Promise<InstalledVscode> {
    const { launchWorkbench, installExtension } = await loadHost();
    const folder = tempFolder('vscode');
    const [extensionsDir, dataDir, home] = [join(folder, 'extensions'), join(folder, 'data'), join(folder, 'state')];
    const output = installExtension(await packageOnce(), extensionsDir, dataDir);
    assert.match(output, /successfully installed/);
    const env = { HOME: folder, SIGNALBOX_HOME: home };
    return new InstalledVscode(await launchWorkbench({ ...options, extensionsDir, userDataDir: dataDir, env }), folder, home);
  }

  /** The window that `open` opened. */
  get first(): VscodeWindow {
    return new VscodeWindow(this.#workbench.page);
  }

  /** Opens a further window on a folder, with our views in front. */
  async openWindow(workspace: string): Promise<VscodeWindow> {
    const window = new VscodeWindow(await this.#workbench.openWindow(workspace));
    await window.showViews();
    return window;
  }

  /** The endpoint of the daemon that runs, or undefined. */
  async endpoint(): Promise<Endpoint | undefined> {
    const found = await readEndpoint(this.home);
    return found.kind === 'running' ? found.endpoint : undefined;
  }

  /** A client of the test's own on the daemon that a window has started. */
  async client(): Promise<Connected> {
    const endpoint = await until('a daemon runs', () => this.endpoint());
    const client = await connectTo(endpoint, { name: 'ui-test', version: '0.0.0' });
    this.#client?.close();
    this.#client = client;
    return client;
  }

  /**
   * Fails when a window has asked any other host than this machine for anything. What webviews load has the name of a host of
   * its own, which VS Code's service worker answers from the server; only there a request is not yet a connection.
   */
  assertOnlyLoopback(): void {
    const { requests } = this.#workbench;
    const asked = [...requests.filter((address) => !RESOURCE.test(new URL(address).hostname)), ...this.#answered];
    const hosts = asked.map((address) => new URL(address)).filter(({ protocol }) => /^(?:http|ws)/.test(protocol));
    assert.deepEqual([...new Set(hosts.map(({ hostname }) => hostname))], ['127.0.0.1']);
  }

  /** A picture of every window, for a test that failed. */
  async takePictures(name: string): Promise<string[]> {
    const files: string[] = [];
    for (const [i, page] of this.#workbench.context.pages().entries()) {
      const file = join(tmpdir(), `${name.replace(/\W+/g, '-')}-${i + 1}.png`);
      await page.screenshot({ path: file, timeout: 5_000 }).then(
        () => files.push(file),
        () => undefined,
      );
    }
    return files;
  }

  async close(): Promise<void> {
    this.#client?.close();
    await this.#workbench.close();
    const endpoint = await this.endpoint();
    if (endpoint) {
      process.kill(endpoint.pid, 'SIGTERM');
      await until('the daemon has ended', async () => (await this.endpoint()) === undefined);
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    assert.equal(existsSync(this.#folder), false);
  }
}

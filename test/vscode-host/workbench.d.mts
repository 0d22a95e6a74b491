// The types of workbench.mjs. Where this folder's packages are not installed, Playwright's types are `any`.
import type { BrowserContext, Page } from 'playwright-core';

export interface WorkbenchOptions {
  /** Folders of extensions under development, absolute. VS Code then refuses modal dialogs: test those with an installed VSIX. */
  extensionDevelopmentPath?: string | readonly string[];
  /** A module whose run() the extension host calls, absolute. */
  extensionTestsPath?: string;
  /** The folder or .code-workspace file to open, absolute; none: an empty window. */
  workspace?: string;
  /** The server's data folder, absolute; none: a temporary one. Settings are written only where there are none. */
  userDataDir?: string;
  /** Where extensions are installed, absolute; none: a temporary one. */
  extensionsDir?: string;
  /** Added to the environment of the extension hosts. */
  env?: Readonly<Record<string, string>>;
  serverArgs?: readonly string[];
  /** User settings on top of the calm ones. */
  settings?: Readonly<Record<string, unknown>>;
  viewport?: { width: number; height: number };
  /** `off` (the default): every folder is trusted. `restricted`: an unknown folder opens in Restricted Mode. `ask`: VS Code asks with its dialog. */
  workspaceTrust?: 'off' | 'restricted' | 'ask';
}

export interface Workbench {
  page: Page;
  context: BrowserContext;
  server: { port: number; pid: number; log(): string; stop(): Promise<void> };
  /** With extensionTestsPath: resolves when its run() has ended. 0 is not yet a success, see code-headless.mjs; 101 the page crashed, 102 it closed. */
  exitCode: Promise<number>;
  /** The address of every request that any window made. */
  requests: string[];
  /** Opens a further window on the same server; resolves when its workbench is drawn. */
  openWindow(workspace?: string): Promise<Page>;
  /** Ends browser and server with all that they started, and removes the temporary folders. */
  close(): Promise<void>;
}

/** Starts VS Code's server and a browser, and opens a window. */
export function launchWorkbench(options?: WorkbenchOptions): Promise<Workbench>;

/** Installs a VSIX as `code --install-extension` does; returns the output, throws when it fails. */
export function installExtension(vsix: string, extensionsDir: string, dataDir: string): string;

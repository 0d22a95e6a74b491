// What the tests inside VS Code need: the extension, its rows, a repository, and its daemon.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Api } from '../../../extension/main.ts';
import { readEndpoint } from '../../../extension/connection/endpoint.ts';
import { waitForEnd } from '../../../extension/connection/start.ts';

const WAIT_MS = 30_000;
const LOOK_MS = 50;

export const HOME = process.env['SIGNALBOX_HOME'] ?? '';

/** The folder of the test window. */
export function workspaceFolder(): string {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, 'the window has no folder');
  return folder.uri.fsPath;
}

/** What the extension gives to others, activated when it is not yet. */
export async function activateExtension(): Promise<Api> {
  const extension = vscode.extensions.all.find((entry) => entry.packageJSON.name === 'signalbox');
  assert.ok(extension, 'the extension is not there');
  return (await extension.activate()) as Api;
}

/** Runs git in the folder of the window. */
export function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...identity, ...args], {
    cwd: workspaceFolder(),
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
  }).trim();
}

/** Writes files below the folder of the window. */
export function writeFiles(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(workspaceFolder(), name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Waits until `look` answers with something; fails with what `explain` says. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  explain = (): unknown => '',
): Promise<T> {
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > until) assert.fail(`${what} did not come: ${JSON.stringify(explain())}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** A row as VS Code gets it. */
export interface Row {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly context: string;
  readonly children: readonly Row[];
}

/** All rows of a view, read through the provider that VS Code itself reads. */
export async function readRows(api: Api, view: keyof Api['views'], parent?: string): Promise<Row[]> {
  const provider = api.views[view];
  const ids = (await provider.getChildren(parent)) ?? [];
  return Promise.all(
    ids.map(async (id) => {
      const item = await provider.getTreeItem(id);
      const children = item.collapsibleState === vscode.TreeItemCollapsibleState.None ? [] : await readRows(api, view, id);
      return {
        id: String(item.id),
        label: typeof item.label === 'string' ? item.label : '',
        description: typeof item.description === 'string' ? item.description : '',
        context: item.contextValue ?? '',
        children,
      };
    }),
  );
}

/** The process of the daemon that runs for the tests, if one does. */
export async function daemonPid(): Promise<number | undefined> {
  return (await readEndpoint(HOME))?.pid;
}

/** Ends the daemon, so that it outlives no test run. */
export async function endDaemon(): Promise<void> {
  const pid = await daemonPid();
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  await waitForEnd(pid);
}

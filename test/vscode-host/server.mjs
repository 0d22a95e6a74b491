// VS Code's server: starts it in a process group of its own, and ends the whole group.
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { findServerNode, vscode } from './folders.mjs';
import { prepareServerModules } from './server-modules.mjs';

const START_LIMIT_MS = 60_000;
const main = path.join(vscode, 'out/server-main.js');
const asksNoGallery = { EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What `code --install-extension file.vsix` does; returns the output. Throws when it fails. */
export function installExtension(vsix, extensionsDir, dataDir) {
  prepareServerModules();
  const args = [main, '--server-data-dir', dataDir, '--extensions-dir', extensionsDir, '--install-extension', vsix];
  return execFileSync(findServerNode(), args, { encoding: 'utf8', env: { ...process.env, ...asksNoGallery } });
}

function spawnServer({ dataDir, extensionsDir, env, args }) {
  const fixed = ['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'];
  const quiet = ['--telemetry-level', 'off', '--disable-getting-started-override'];
  const folders = ['--server-data-dir', dataDir, '--extensions-dir', extensionsDir];
  return spawn(findServerNode(), [main, ...fixed, ...quiet, ...folders, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // its own process group, so that the end reaches every extension host
    env: { ...process.env, ...asksNoGallery, XDG_RUNTIME_DIR: path.dirname(dataDir), ...env },
  });
}

/** A stuck extension host outlives its server, so the group is what must be gone, not the server. */
function makeStop(child, exited) {
  const signalGroup = (signal) => {
    try {
      process.kill(-child.pid, signal);
      return true;
    } catch {
      return false; // nobody left
    }
  };
  process.once('exit', () => signalGroup('SIGKILL'));
  return async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await Promise.race([exited, pause(5000)]);
    }
    for (let i = 0; i < 8; i++) {
      if (!signalGroup(0)) return;
      await pause(100);
    }
    signalGroup('SIGKILL');
  };
}

function waitForPort(child, exited, log) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`VS Code's server did not start in ${START_LIMIT_MS / 1000} s\n${log()}`)),
      START_LIMIT_MS,
    );
    child.stdout.on('data', () => {
      const port = /Extension host agent listening on (\d+)/.exec(log())?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    exited.then((code) => reject(new Error(`VS Code's server exited with ${code}\n${log()}`)), reject);
  });
}

/**
 * Starts the server on a free loopback port. `dataDir` and `extensionsDir` are absolute; `env` is added to the extension
 * hosts' environment. Returns { port, pid, log(), stop() }.
 */
export async function startServer(options) {
  prepareServerModules();
  const child = spawnServer(options);
  let text = '';
  const collect = (chunk) => {
    text += chunk;
    if (process.env.VERBOSE) process.stderr.write(chunk);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exited = new Promise((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  const log = () => text;
  const stop = makeStop(child, exited);
  try {
    return { port: await waitForPort(child, exited, log), pid: child.pid, log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

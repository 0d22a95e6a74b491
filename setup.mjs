// Makes a fresh checkout ready: `node setup.mjs` installs what package-lock.json names (only when node_modules does not match
// it) and builds. `--vscode` also prepares the VS Code of the end-to-end tests.
//
//   1. It needs nothing but Node and npm: it runs before node_modules exists, and offline when everything is there.
//   2. npm's output is shown only when npm failed.
//   3. The mark in node_modules is written after npm succeeded, so an installation that was cut short is made again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const NODE_FLOOR = [20, 19];
const GIT_FLOOR = [2, 38];

/** Whether `version` ("2.39.5") is at least `floor` ([2, 38]). */
function isAtLeast(version, floor) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > floor[0] || (major === floor[0] && minor >= floor[1]);
}

/** What this machine lacks, one sentence each. */
function findMissingTools() {
  const missing = [];
  if (!isAtLeast(process.versions.node, NODE_FLOOR)) {
    missing.push(
      `Signalbox needs Node ${NODE_FLOOR.join('.')} or newer, this is ${process.versions.node}. Install a newer one (https://nodejs.org), then run the same command again.`,
    );
  }
  const git = /\d+\.\d+[.\d]*/.exec(spawnSync('git', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[0];
  if (git === undefined) {
    missing.push(
      `Signalbox needs git ${GIT_FLOOR.join('.')} or newer, and no git was found on the PATH. Install it (https://git-scm.com), then run the same command again.`,
    );
  } else if (!isAtLeast(git, GIT_FLOOR)) {
    missing.push(
      `Signalbox needs git ${GIT_FLOOR.join('.')} or newer, this is ${git}. Install a newer one (https://git-scm.com), then run the same command again.`,
    );
  }
  return missing;
}

/** What an installation depends on: the lock file, npm's settings beside it, and the platform whose binaries npm chooses. */
function fingerprint(dir) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const name of ['package-lock.json', '.npmrc']) {
    const file = path.join(dir, name);
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** npm as a command: the one that runs this script, if one does. */
function npmCommand() {
  const runner = process.env.npm_execpath;
  if (runner && /npm-cli\.c?js$/.test(runner) && existsSync(runner)) return { file: process.execPath, args: [runner], shell: false };
  return { file: 'npm', args: [], shell: process.platform === 'win32' };
}

/** What to do about npm's failure, by what it said. */
function adviseOn(output) {
  if (output.includes('EUSAGE')) return 'package-lock.json does not fit package.json: run "npm install", and commit the lock file.';
  if (/ENOSPC/.test(output)) return 'The disk is full: make room, then run the same command again.';
  if (/EACCES|EPERM/.test(output)) return 'A folder cannot be written: correct its owner, then run the same command again.';
  return 'If the registry cannot be reached, check the network and the proxy settings of npm, then run the same command again.';
}

/** Runs `npm ci` in `dir` unless its node_modules already matches; says so in one line. Returns false when npm failed. */
function install(dir, what) {
  const mark = path.join(dir, 'node_modules', '.signalbox-setup');
  const wanted = fingerprint(dir);
  if (existsSync(mark) && readFileSync(mark, 'utf8').trim() === wanted) return true;
  const started = Date.now();
  process.stdout.write(`setup: installing ${what} (npm ci) ... `);
  const npm = npmCommand();
  const args = [...npm.args, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=warn'];
  const result = spawnSync(npm.file, args, { cwd: dir, shell: npm.shell, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (result.status === 0) {
    writeFileSync(mark, `${wanted}\n`);
    console.log(`done in ${seconds} s`);
    return true;
  }
  console.log(`failed after ${seconds} s`);
  console.error([result.stdout, result.stderr, result.error?.message].filter(Boolean).join('\n').trimEnd());
  console.error(`setup: npm could not install ${what}; its own words are above. ${adviseOn(`${result.stdout}${result.stderr}`)}`);
  return false;
}

/** Why the VS Code of the end-to-end tests is not prepared here, or undefined when it is. */
function whyNoVscode() {
  if (!existsSync(path.join(root, 'extension', 'main.ts'))) return 'there is no extension to test yet';
  if (process.env.VSCODE_DESKTOP) return 'VSCODE_DESKTOP is set: @vscode/test-electron brings the desktop VS Code';
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'its packages exist for Linux x64 only';
  return undefined;
}

async function setUp(args) {
  const missing = findMissingTools();
  if (missing.length > 0) {
    console.error(missing.join('\n'));
    return 1;
  }
  if (!install(root, 'the dependencies')) return 1;
  if (args.includes('--vscode')) {
    const reason = whyNoVscode();
    if (reason !== undefined) console.log(`setup: VS Code for the tests is not prepared: ${reason}`);
    else if (!install(path.join(root, 'test', 'vscode-host'), 'VS Code for the tests, about 540 MB')) return 1;
  }
  const started = Date.now();
  const { build } = await import('./esbuild.mjs'); // only now: it needs node_modules
  try {
    await build({ watch: false, production: false });
  } catch (error) {
    console.error(`setup: the build failed. ${error.errors ? 'Correct the errors above, then run the same command again.' : error.stack}`);
    return 1;
  }
  console.log(`setup: built dist/ in ${Date.now() - started} ms`);
  return 0;
}

process.exitCode = await setUp(process.argv.slice(2));

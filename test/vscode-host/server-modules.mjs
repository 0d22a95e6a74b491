// The node_modules of VS Code's server, which code-server's postinstall would have made with a compiler: stubs in place
// of native modules, links to the packages that we installed for the rest.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeOnce, packages, vscode } from './folders.mjs';

const STUBS = {
  '@vscode/spdlog': `
const fs = require('fs');
class Logger {
  constructor(file) {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'critical'])
      this[level] = line => { try { fs.appendFileSync(file, line + '\\n'); } catch {} };
  }
  setLevel() {} setPattern() {} clearFormatters() {} flush() {} drop() {}
}
exports.setFlushOn = exports.setLevel = exports.setPattern = exports.shutdown = () => {};
exports.createRotatingLogger = exports.createAsyncRotatingLogger = async (name, file) => new Logger(file);`,
  '@vscode/native-watchdog': `exports.start = () => {};`,
  '@vscode/deviceid': `exports.getDeviceId = async () => '00000000-0000-4000-8000-000000000000';`,
  // Without this one VS Code's own git extension fails to start.
  '@vscode/fs-copyfile': `
const promises = require('fs/promises'), fs = require('fs');
exports.cp = promises.cp; exports.copyFile = promises.copyFile; exports.copyFileSync = fs.copyFileSync;
exports.isCloneSupported = () => false; exports.constants = fs.constants;`,
  // 6 MB for this platform rather than 57 MB for all.
  '@vscode/ripgrep-universal': `exports.rgPath = require('@vscode/ripgrep').rgPath;`,
};

function writeStub(dest, name, source) {
  const dir = path.join(dest, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name, version: '0.0.0', main: 'index.js' }));
  writeFileSync(path.join(dir, 'index.js'), source);
}

function listLinked() {
  const plain = readdirSync(packages).filter((name) => /^(vscode-|jschardet)/.test(name));
  const scoped = ['@xterm', '@vscode'].flatMap((scope) => readdirSync(path.join(packages, scope)).map((name) => `${scope}/${name}`));
  return [...plain, ...scoped];
}

/** Makes the server's node_modules, once per installation. */
export function prepareServerModules() {
  makeOnce(path.join(vscode, 'node_modules'), (dest) => {
    for (const [name, source] of Object.entries(STUBS)) writeStub(dest, name, source);
    for (const name of listLinked()) {
      const link = path.join(dest, name);
      if (existsSync(link)) continue;
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(path.relative(path.dirname(link), path.join(packages, name)), link);
    }
  });
}

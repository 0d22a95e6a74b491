// A headless Chromium from the package @sparticuz/chromium, or the one that $CHROMIUM names.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { makeOnce, packages } from './folders.mjs';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Unpacked by hand: the package's own executablePath() unpacks to one shared folder, where two runs race. */
function unpackChromium() {
  const source = path.join(packages, '@sparticuz/chromium/bin');
  const { version } = JSON.parse(readFileSync(path.join(source, '../package.json'), 'utf8'));
  return makeOnce(path.join(packages, `.cache/chromium-${version}`), (dest) => {
    const binary = path.join(dest, 'chromium');
    writeFileSync(binary, brotliDecompressSync(readFileSync(path.join(source, 'chromium.br'))));
    chmodSync(binary, 0o755);
    for (const name of ['fonts', 'al2023']) {
      execFileSync('tar', ['xf', '-', '-C', dest], { input: brotliDecompressSync(readFileSync(path.join(source, `${name}.tar.br`))) });
    }
  });
}

/** A bare machine has no font (Chromium would crash) and no libnss3: the package brings both. */
function findMissingParts(dir) {
  const env = {};
  if (!existsSync('/usr/share/fonts') || readdirSync('/usr/share/fonts').length === 0) {
    env.FONTCONFIG_FILE = path.join(dir, 'own-fonts.conf');
    const cache = path.join(os.tmpdir(), 'signalbox-fontconfig');
    writeFileSync(
      env.FONTCONFIG_FILE,
      `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${path.join(dir, 'fonts')}</dir><cachedir>${cache}</cachedir></fontconfig>\n`,
    );
  }
  const libraries = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'];
  if (!libraries.some((folder) => existsSync(path.join(folder, 'libnss3.so')))) env.LD_LIBRARY_PATH = path.join(dir, 'lib');
  return env;
}

function findChromium() {
  if (process.env.CHROMIUM) return { executablePath: process.env.CHROMIUM, env: {} };
  const dir = unpackChromium();
  return { executablePath: path.join(dir, 'chromium'), env: findMissingParts(dir) };
}

/** Starts the browser with a profile in `profileDir`; returns Playwright's BrowserContext. */
export function openBrowser(profileDir, viewport) {
  const { executablePath, env } = findChromium();
  return chromium.launchPersistentContext(profileDir, {
    executablePath,
    headless: true,
    viewport,
    env: { ...process.env, ...env },
    args: ARGUMENTS,
  });
}

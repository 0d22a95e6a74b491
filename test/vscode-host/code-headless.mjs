#!/usr/bin/env node
// A stand-in for the desktop `code` executable, made of npm packages only (Linux x64). It takes the arguments that
// @vscode/test-electron passes, so runTests({ vscodeExecutablePath: <this file>, reuseMachineInstall: true }) works as it is.
//
//   1. It ends with 0 only when the tests' run() resolved AND the extension host ended by itself: the workbench says 0 also
//      when the extension host crashed or was killed.
//   2. It never runs longer than CODE_HEADLESS_TIMEOUT_MS (default 300,000): then it ends with 103, a screenshot and the log.
//   3. Whatever it started is gone when it ends, also after a signal.
// `--enable-workspace-trust` is ours: it wins over the --disable-workspace-trust that test-electron always passes.
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { launchWorkbench } from './workbench.mjs';

const NO_RESULT = 103;
const NO_EXTENSION_HOST = 104;

function resolveModule(file) {
  const absolute = path.resolve(file);
  try {
    return createRequire(import.meta.url).resolve(absolute);
  } catch {
    return absolute;
  }
}

function readArguments(argv) {
  const options = { extensionDevelopmentPath: [], workspaceTrust: 'off' };
  for (const argument of argv) {
    const [, name, value = ''] = /^--([^=]+)(?:=(.*))?$/.exec(argument) ?? [];
    if (name === undefined) options.workspace = path.resolve(argument);
    else if (name === 'extensionDevelopmentPath') options.extensionDevelopmentPath.push(path.resolve(value));
    else if (name === 'extensionTestsPath') options.extensionTestsPath = resolveModule(value);
    else if (name === 'extensions-dir') options.extensionsDir = path.resolve(value);
    else if (name === 'user-data-dir') options.userDataDir = path.resolve(value);
    else if (name === 'enable-workspace-trust') options.workspaceTrust = 'restricted';
    // The others (--no-sandbox, --skip-welcome ...) concern the desktop only.
  }
  return options;
}

/** How the extension host really ended, by the server's own log: its exit code, or a sentence. */
async function askHowItEnded(server) {
  for (let i = 0; i < 50; i++) {
    const [line, code] = /Extension Host Process exited with code: (\w+), signal: (\w+)/.exec(server.log()) ?? [];
    if (code === '0') return { code: 0 };
    if (line !== undefined) return { code: Number(code) || NO_EXTENSION_HOST, why: line };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { code: NO_EXTENSION_HOST, why: 'the extension host did not end' };
}

async function explain(workbench, why) {
  const shot = process.env.CODE_HEADLESS_SCREENSHOT ?? path.join(os.tmpdir(), `code-headless-${process.pid}.png`);
  await workbench.page.screenshot({ path: shot, timeout: 5000 }).then(
    () => console.error(`screenshot: ${shot}`),
    () => console.error('(no screenshot: the page is gone)'),
  );
  console.error(workbench.server.log().slice(-4000));
  console.error(why);
}

async function waitForResult(workbench) {
  const code = await workbench.exitCode;
  if (code === 0) return askHowItEnded(workbench.server);
  return code > 100 ? { code, why: 'the page of the workbench went away' } : { code };
}

let workbench = undefined; // until the launch is through
let ending = false;

/** Ends everything, once, then this process. What cannot be closed in 15 s is left to the SIGKILL of server.mjs and Playwright. */
async function end({ code, why }) {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(code), 15_000).unref();
  if (workbench && why) await explain(workbench, why);
  else if (why) console.error(why);
  await workbench?.close();
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end({ code: 130 }));
const limitMs = Number(process.env.CODE_HEADLESS_TIMEOUT_MS ?? 300_000);
setTimeout(() => end({ code: NO_RESULT, why: `no result within ${limitMs} ms` }), limitMs).unref();
workbench = await launchWorkbench(readArguments(process.argv.slice(2)));
await end(await waitForResult(workbench));

// VS Code's workbench in a browser, driven by Playwright: what a person sees.
// One server can carry several windows; a window is a page on one folder.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openBrowser } from './browser.mjs';
import { startServer } from './server.mjs';

export { installExtension } from './server.mjs';

const CALM = {
  'workbench.startupEditor': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

// What the workbench logs about itself in every run.
const NOISE = new RegExp(
  '^(Creating a socket|Resolv(ing|ed) connection token|\\[(reconnection-grace-time|AgentHost|AccountPolicyGate)|Ignoring fetching additional builtin|' +
    'Creation of workbench contribution|Updating additional builtin|\\[Service Worker\\] registration|An unknown error occurred. Please consult the log|' +
    'AI generated workspace trust|Timed out waiting for authentication provider)',
);

/** How each kind of workspace trust is asked of VS Code: the server's arguments, the user's settings. */
const TRUST = {
  off: { args: ['--disable-workspace-trust'], settings: {} },
  restricted: { args: [], settings: { 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'always' } },
  ask: { args: [], settings: { 'security.workspace.trust.startupPrompt': 'always' } },
};

function writeSettings(dataDir, settings) {
  const user = path.join(dataDir, 'data/User');
  mkdirSync(user, { recursive: true });
  const file = path.join(user, 'settings.json');
  if (!existsSync(file)) writeFileSync(file, JSON.stringify({ ...CALM, ...settings }));
}

/** The address of a window on `workspace` (a folder, a .code-workspace file, or nothing), with the extension under development in its payload. */
function addressOf(port, workspace, developed, testsPath) {
  const authority = `127.0.0.1:${port}`;
  const remote = (file) => `vscode-remote://${authority}${file}`;
  const payload = developed.map((dir) => ['extensionDevelopmentPath', remote(dir)]);
  if (testsPath) payload.push(['extensionTestsPath', remote(testsPath)]);
  const query = new URLSearchParams(
    workspace ? { [workspace.endsWith('.code-workspace') ? 'workspace' : 'folder']: workspace } : { ew: 'true' },
  );
  if (payload.length > 0) query.set('payload', JSON.stringify(payload));
  return `http://${authority}/?${query}`;
}

/** The workbench calls these two functions itself: at the end of a test run, and for each log line (console.* of the extension host too). */
async function listenToWorkbench(page, showLog) {
  const exitCode = new Promise((resolve) => {
    page.on('crash', () => resolve(101));
    page.on('close', () => resolve(102));
    page.exposeFunction('codeAutomationExit', (code) => resolve(code)).catch(() => resolve(102));
  });
  await page.exposeFunction('codeAutomationLog', (type, args) => {
    if (!showLog || (!process.env.VERBOSE && NOISE.test(String(args[0])))) return;
    const write = type === 'error' ? console.error : type === 'warn' ? console.warn : console.log;
    write(...args);
  });
  return { exitCode }; // in an object, because an async function that returns the promise itself would wait for it
}

async function openWindow(context, page, address, showLog) {
  if (process.env.VERBOSE) page.on('console', (message) => console.error('[page]', message.type(), message.text().slice(0, 500)));
  const { exitCode } = await listenToWorkbench(page, showLog);
  await page.goto(address);
  await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
  return { page, exitCode };
}

/** Server and browser on folders of their own below `temporary`. */
async function startBoth(options, temporary, started) {
  const dataDir = options.userDataDir ?? path.join(temporary, 'server');
  const extensionsDir = options.extensionsDir ?? path.join(temporary, 'extensions');
  mkdirSync(extensionsDir, { recursive: true });
  const trust = TRUST[options.workspaceTrust ?? 'off'];
  writeSettings(dataDir, { ...trust.settings, ...options.settings });
  const developed = [options.extensionDevelopmentPath ?? []].flat();
  // A built workbench obeys extensionDevelopmentPath only with this flag, which also refuses modal dialogs, as test runs always do.
  const development = developed.length > 0 ? ['--enable-smoke-test-driver'] : [];
  const args = [...trust.args, ...development, ...(options.serverArgs ?? [])];
  started.server = await startServer({ dataDir, extensionsDir, env: options.env ?? {}, args });
  started.context = await openBrowser(path.join(temporary, 'browser'), options.viewport ?? { width: 1280, height: 800 });
  return developed;
}

/** Opens a workbench; its options and what it returns are described in workbench.d.mts. */
export async function launchWorkbench(options = {}) {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'signalbox-workbench-'));
  const started = {};
  const close = async () => {
    await started.context?.close().catch(() => {}); // it may have crashed already
    await started.server?.stop();
    rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const developed = await startBoth(options, temporary, started);
    const { server, context } = started;
    const requests = [];
    context.on('request', (request) => requests.push(request.url()));
    const open = (workspace, page, testsPath) =>
      openWindow(context, page, addressOf(server.port, workspace, developed, testsPath), testsPath !== undefined);
    const first = await open(options.workspace, context.pages()[0] ?? (await context.newPage()), options.extensionTestsPath);
    const openAnother = async (workspace) => (await open(workspace, await context.newPage())).page;
    return { ...first, context, server, requests, openWindow: openAnother, close };
  } catch (error) {
    await close();
    throw error;
  }
}

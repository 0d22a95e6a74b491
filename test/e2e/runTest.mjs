// Runs test/e2e/suite inside a real VS Code: the npm-only stand-in of test/vscode-host, or with VSCODE_DESKTOP=1 the desktop
// VS Code that @vscode/test-electron downloads. The suite writes its own counts, because VS Code's exit code alone is 0 also when
// the extension host was killed.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const hasStandIn = process.platform === 'linux' && process.arch === 'x64' && !process.env.VSCODE_DESKTOP;
const standIn = { vscodeExecutablePath: path.join(root, 'test/vscode-host/code-headless.mjs'), reuseMachineInstall: true };

const temporary = mkdtempSync(path.join(os.tmpdir(), 'signalbox-vscode-'));
const counts = process.env.SIGNALBOX_TEST_COUNTS ?? path.join(temporary, 'counts.json');
const workspace = path.join(temporary, 'workspace');
mkdirSync(workspace);
writeFileSync(path.join(workspace, 'README.md'), '# A folder for the tests\n');

const [grepFlag, grep] = process.argv.slice(2);
try {
  await runTests({
    ...(hasStandIn ? standIn : {}),
    extensionDevelopmentPath: root,
    extensionTestsPath: path.join(root, 'dist/test/index.cjs'),
    launchArgs: [workspace],
    extensionTestsEnv: {
      SIGNALBOX_HOME: process.env.SIGNALBOX_HOME ?? path.join(temporary, 'home'),
      SIGNALBOX_TEST_COUNTS: counts,
      ...(/^(-g|--grep)$/.test(grepFlag ?? '') && grep ? { SIGNALBOX_TEST_GREP: grep } : {}),
    },
  });
  if (!existsSync(counts)) throw new Error('VS Code ended with 0, but the suite told no result');
  const { passed, failed } = JSON.parse(readFileSync(counts, 'utf8'));
  if (failed > 0 || passed === 0) process.exitCode = 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = typeof error.code === 'number' && error.code !== 0 ? error.code : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
}

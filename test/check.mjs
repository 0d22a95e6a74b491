// Everything that can be said about the code without running it: `node test/check.mjs [check ...]`, for example `npm run check -- lint`.
// All checks run, also after one has failed, so that one run tells everything.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The executable of an installed package, by its own manifest, so that no shell and no PATH is needed. */
function binOf(name, command) {
  const dir = path.join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
  return path.join(dir, typeof bin === 'string' ? bin : bin[command]);
}

const CHECKS = [
  { name: 'types', file: ['typescript', 'tsc'], args: ['-p', '.'] },
  { name: 'types-webview', file: ['typescript', 'tsc'], args: ['-p', 'webview-ui'] },
  { name: 'lint', file: ['oxlint', 'oxlint'], args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', file: ['@biomejs/biome', 'biome'], args: ['format', '.'], advice: 'npm run format mends it.' },
  { name: 'house', file: ['mocha', 'mocha'], args: ['--forbid-only', '--reporter', 'dot', 'test/house/**/*.test.ts'] },
  { name: 'unused', file: ['knip', 'knip'], args: ['--no-progress'] },
];

/** Runs one check; its output is shown only when it failed. Returns whether it passed. */
function runCheck(check) {
  const started = Date.now();
  const bin = binOf(...check.file);
  if (!existsSync(bin)) throw new Error(`${bin} is missing; run "node setup.mjs"`);
  // Not both at once, and never FORCE_COLOR=0: tsc takes any value of it for a yes.
  const env = { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1', FORCE_COLOR: undefined }) };
  const result = spawnSync(process.execPath, [bin, ...check.args], { cwd: root, encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 });
  const passed = result.status === 0;
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${check.name.padEnd(8)} ${((Date.now() - started) / 1000).toFixed(1)} s`);
  if (!passed) console.log([result.stdout, result.stderr, result.error?.message, check.advice].filter(Boolean).join('\n').trimEnd());
  return passed;
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !CHECKS.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`There is no check ${unknown.join(', ')}; the checks are ${CHECKS.map((check) => check.name).join(', ')}.`);
  process.exitCode = 2;
} else {
  const failed = CHECKS.filter((check) => names.length === 0 || names.includes(check.name)).filter((check) => !runCheck(check));
  console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.map((check) => check.name).join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

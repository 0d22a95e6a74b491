// Makes the VSIX from a production build and refuses one over its budget.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../esbuild.mjs';

const BUDGET_BYTES = 3_000_000;
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const vsix = path.join(root, 'signalbox.vsix');

await build({ production: true, strict: true });
const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
execFileSync(process.execPath, [vsce, 'package', '--no-dependencies', '--allow-missing-repository', '--out', vsix], {
  cwd: root,
  stdio: 'inherit',
});
const size = statSync(vsix).size;
console.log(`signalbox.vsix: ${Math.ceil(size / 1000)} KB of ${BUDGET_BYTES / 1000} KB`);
if (size > BUDGET_BYTES) {
  console.error('The VSIX is over its budget; dist/meta tells what is in the bundles.');
  process.exitCode = 1;
}

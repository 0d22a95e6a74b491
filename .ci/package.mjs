// Makes the VSIX from a production build and refuses one over its budget: `node .ci/package.mjs [file]`, signalbox.vsix unless
// said otherwise. It needs no network.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../esbuild.mjs';

const BUDGET_BYTES = 3_000_000;
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const vsix = path.resolve(process.argv[2] ?? path.join(root, 'signalbox.vsix'));
// vsce wants it below the root; dist/ is git's business no more than the VSIX itself.
const draft = 'dist/readme.md';

/** README.md for a reader who has no repository: VS Code shows pictures from https only, so they go; links into the repository become text. */
function writeReadme() {
  const text = readFileSync(path.join(root, 'README.md'), 'utf8');
  const withoutPictures = text.replace(/!\[[^\]]*\]\((?!https:)[^)\s]+\)\n*/g, '');
  writeFileSync(path.join(root, draft), withoutPictures.replace(/\[([^\]]+)\]\((?!\w+:|#)[^)\s]+\)/g, '$1'));
}

/** With a repository in the manifest vsce finds pictures and links there by itself. */
function chooseReadme() {
  if (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).repository !== undefined) return [];
  writeReadme();
  return ['--allow-missing-repository', '--no-rewrite-relative-links', '--readme-path', draft];
}

await build({ production: true, strict: true });
const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
execFileSync(process.execPath, [vsce, 'package', '--no-dependencies', ...chooseReadme(), '--out', vsix], { cwd: root, stdio: 'inherit' });
const size = statSync(vsix).size;
console.log(`${path.basename(vsix)}: ${Math.ceil(size / 1000)} KB of ${BUDGET_BYTES / 1000} KB`);
if (size > BUDGET_BYTES) {
  console.error('The VSIX is over its budget; dist/meta tells what is in the bundles.');
  process.exitCode = 1;
}

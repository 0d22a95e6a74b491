// Makes the VSIX from a production build and refuses one over its budget: `node .ci/package.mjs [file]`, signalbox.vsix unless
// said otherwise. It needs no network and no repository address: the readme inside is README.md with its pictures in it.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../esbuild.mjs';

const BUDGET_BYTES = 3_000_000;
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const vsix = path.resolve(process.argv[2] ?? path.join(root, 'signalbox.vsix'));
// vsce wants it below the root; dist/ is git's business no more than the VSIX itself.
const readme = 'dist/readme.md';

/** README.md for a reader who has no repository: pictures become data (VS Code shows them so), links into the repository become text. */
function writeReadme() {
  const text = readFileSync(path.join(root, 'README.md'), 'utf8');
  const isRelative = (target) => !/^(?:\w+:|#)/.test(target);
  const pictures = text.replace(/!\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, title, target) => {
    if (!isRelative(target)) return whole;
    return `![${title}](data:image/png;base64,${readFileSync(path.join(root, target)).toString('base64')})`;
  });
  const links = pictures.replace(/(?<!!)\[([^\]]+)\]\(([^)\s]+)\)/g, (whole, title, target) => (isRelative(target) ? title : whole));
  writeFileSync(path.join(root, readme), links);
}

await build({ production: true, strict: true });
writeReadme();
const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
const choices = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--readme-path', readme, '--out', vsix];
execFileSync(process.execPath, [vsce, 'package', ...choices], { cwd: root, stdio: 'inherit' });
const size = statSync(vsix).size;
console.log(`${path.basename(vsix)}: ${Math.ceil(size / 1000)} KB of ${BUDGET_BYTES / 1000} KB`);
if (size > BUDGET_BYTES) {
  console.error('The VSIX is over its budget; dist/meta tells what is in the bundles.');
  process.exitCode = 1;
}

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git } from './git.ts';

const LARGE_BYTES = 6 * 1024 * 1024;

/** Looks like a token and is none; put together here, so that no file of this project holds one. */
function fakeToken(): string {
  return `ghp${'_'}${'0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX'}`;
}

/** The sample: a small Node project whose tests pass, with problems that repositories really have. */
function sampleFiles(): Record<string, string | Buffer> {
  return {
    'package.json': `${JSON.stringify({ name: 'sample-shop', version: '1.0.0', private: true, type: 'module', scripts: { test: 'node --test' } }, undefined, 2)}\n`,
    'README.md': '# Sample shop\n\nMade by `signalbox demo`. Nothing in here is real.\n',
    'src/cart.js': 'export function total(items) {\n  return items.reduce((sum, item) => sum + item.price * item.count, 0);\n}\n',
    'test/cart.test.js':
      "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { total } from '../src/cart.js';\n\ntest('the total counts every item', () => {\n  assert.equal(total([{ price: 3, count: 2 }, { price: 5, count: 1 }]), 11);\n});\n",
    // Planted: dependencies, settings and logs that git follows, a large file, a token, and no .gitignore.
    'node_modules/tiny-pad/package.json': '{ "name": "tiny-pad", "version": "1.0.0" }\n',
    'node_modules/tiny-pad/index.js': 'module.exports = (text, width) => text.padStart(width);\n',
    '.env': 'SHOP_URL=http://localhost:3000\nSHOP_DEBUG=1\n',
    'npm-debug.log': '0 info it worked if it ends with ok\n',
    'assets/intro.bin': Buffer.alloc(LARGE_BYTES, 'sample '),
    'src/publish.js': `// A token that somebody committed.\nexport const token = '${fakeToken()}';\n`,
  };
}

/** Makes the sample repository in a folder that does not exist yet: two commits on `main`. */
export async function makeSample(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await git(folder, ['init', '--quiet', '--initial-branch=main']);
  const files = Object.entries(sampleFiles());
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await git(folder, ['add', '--', 'package.json', 'README.md', 'src/cart.js', 'test']);
  await git(folder, ['commit', '--quiet', '--message', 'Start the shop']);
  await git(folder, ['add', '--all', '--force']);
  await git(folder, ['commit', '--quiet', '--message', 'Add everything else']);
}

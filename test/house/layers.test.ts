import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { findLayerFaults } from './layers.ts';
import { listImports, readSources, type Source } from './source.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const FOLDERS = ['shared', 'daemon', 'extension', 'webview-ui', 'test'];

/** What esbuild sees when each file is an entry of its own; nothing is written. */
async function readMetafile(sources: readonly Source[]): Promise<Metafile> {
  const entryPoints = sources.map((source) => source.path);
  const options = {
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'unused',
    platform: 'node',
    format: 'esm',
    packages: 'external',
  } as const;
  const loader = { '.css': 'text', '.ttf': 'dataurl' } as const;
  return (await build({ ...options, loader, entryPoints, absWorkingDir: root, logLevel: 'silent' })).metafile;
}

describe('the layers', function () {
  this.timeout(90_000);
  const sources = readSources(root, FOLDERS);

  it('are crossed nowhere', () => {
    assert.ok(sources.length > 50, `only ${sources.length} sources found: the test looks in the wrong place`);
    assert.deepEqual(findLayerFaults(sources), []);
  });

  it('are judged by a scanner that sees every import that esbuild sees', async function () {
    // It bundles everything; other work on the machine must not make it a failure.
    this.timeout(120_000);
    const bundled = sources.filter((source) => !source.path.startsWith('test/') && !source.path.startsWith('webview-ui/'));
    const { inputs } = await readMetafile(bundled);
    const missed = bundled.flatMap((source) => {
      const scanned = new Set(listImports(source).map((found) => found.specifier));
      const seen = inputs[source.path]?.imports ?? [];
      return seen.filter((one) => !scanned.has(one.original ?? one.path)).map((one) => `${source.path}: ${one.original ?? one.path}`);
    });
    assert.deepEqual(missed, []);
    assert.ok(Object.keys(inputs).length >= bundled.length, 'esbuild read fewer files than the scanner');
  });

  it('import only files that exist, with their ending', () => {
    const wrong = sources.flatMap((source) =>
      listImports(source)
        .filter((found) => found.specifier.startsWith('.') && !source.path.startsWith('test/'))
        .filter((found) => !existsSync(path.join(root, path.dirname(source.path), found.specifier)))
        .map((found) => `${source.path}:${found.line}: ${found.specifier}`),
    );
    assert.deepEqual(wrong, []);
  });
});

// Bundles everything that runs into dist/. As a script: `node esbuild.mjs [--watch] [--production] [--strict]`.
//
//   1. A file in dist/ is replaced by a rename, never written in place: a running daemon starts its children from there.
//   2. An entry that does not exist yet is skipped and its old bundle removed; --strict makes it an error where the product needs it.
//   3. With --strict or --production a bundle over its budget fails the build.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(root, 'dist');
const KB = 1000;

/** The bundles that run in Node or in VS Code's extension host; `required` ones must exist under --strict. */
const NODE_BUNDLES = [
  { name: 'daemon', entry: 'daemon/launch.ts', required: true, budget: 10 * KB },
  { name: 'daemon.main', entry: 'daemon/main.ts', required: true, budget: 2600 * KB },
  { name: 'cli', entry: 'daemon/launch.ts', required: true, budget: 10 * KB, executable: true },
  { name: 'cli.main', entry: 'daemon/cli/main.ts', required: true, budget: 2000 * KB },
  { name: 'builtin', entry: 'daemon/launch.ts', required: true, budget: 10 * KB },
  { name: 'builtin.main', entry: 'daemon/agents/builtin/child.ts', required: true, budget: 2000 * KB },
  { name: 'bridge', entry: 'daemon/platform/sandbox/bridge.ts', required: true, budget: 50 * KB },
  { name: 'mcp', entry: 'daemon/platform/mcp/server.ts', required: true, budget: 1000 * KB },
  { name: 'snapshot', entry: 'daemon/journal/snapshot-child.ts', required: true, budget: 500 * KB },
  { name: 'extension', entry: 'extension/main.ts', required: manifestNamesMain(), budget: 400 * KB, external: ['vscode'] },
];

/** YAML that ships as data: [from, to], copied with every build. */
const COPIED = [
  ['daemon/policy', 'policies'],
  ['daemon/policy/packs', 'packs'],
  ['daemon/workflow', 'workflows'],
];

function manifestNamesMain() {
  return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).main !== undefined;
}

function listFolder(folder) {
  const dir = path.join(root, folder);
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}

/** Every bundle of the house, whether its entry exists or not. */
function listBundles() {
  const webviews = listFolder('webview-ui')
    .filter((name) => existsSync(path.join(root, 'webview-ui', name, 'main.ts')))
    .map((name) => ({ name: `webview/${name}`, entry: `webview-ui/${name}/main.ts`, budget: 300 * KB, browser: true }));
  // The tests that run inside VS Code: they must be CommonJS on disk, because the extension host requires them.
  const suite = listFolder('test/e2e/suite')
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name: `test/${name.slice(0, -3)}`, entry: `test/e2e/suite/${name}`, external: ['vscode', 'mocha'] }));
  return [...NODE_BUNDLES, ...webviews, ...suite];
}

const outputOf = (bundle) => path.join(dist, `${bundle.name}.${bundle.browser ? 'js' : 'cjs'}`);

/** Packages made for ES modules ask where they lie; a CommonJS bundle answers with its own place. */
const nodeOptions = {
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  define: {
    'import.meta.url': '__importMetaUrl',
    'import.meta.filename': '__filename',
    'import.meta.dirname': '__dirname',
  },
};
const IMPORT_META_URL = `const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;`;
const browserOptions = { platform: 'browser', target: 'es2022', format: 'iife', loader: { '.css': 'text', '.ttf': 'dataurl' } };

function replaceFile(file, contents) {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, contents);
  if (file === path.join(dist, 'cli.cjs')) chmodSync(draft, 0o755);
  renameSync(draft, file);
}

/** The schemas that the OpenAPI validator reads from beside the program. */
const SCHEMAS = path.join(root, 'node_modules/@seriousme/openapi-schema-validator/schemas');

function copySchemas() {
  for (const version of readdirSync(SCHEMAS).filter((name) => /^v[0-9.]+$/.test(name)))
    replaceFile(path.join(dist, 'schemas', version, 'schema.json'), readFileSync(path.join(SCHEMAS, version, 'schema.json')));
}

function copyData() {
  for (const [from, to] of COPIED) {
    const wanted = listFolder(from).filter((name) => name.endsWith('.yaml'));
    mkdirSync(path.join(dist, to), { recursive: true });
    const old = readdirSync(path.join(dist, to)).filter((name) => name.endsWith('.yaml') && !wanted.includes(name));
    for (const name of old) rmSync(path.join(dist, to, name), { force: true });
    for (const name of wanted) replaceFile(path.join(dist, to, name), readFileSync(path.join(root, from, name)));
  }
}

/** V8 holds a program with one character beyond ASCII, in a comment even, in twice the memory, and reads it more slowly. */
const escapeBeyondAscii = (text) => text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Writes what esbuild made, with the metafile beside it, so that --watch and a single build take the same way. */
const writeOutputs = (bundle) => ({
  name: 'write-outputs',
  setup(builder) {
    builder.onEnd((result) => {
      if (result.errors.length > 0) return;
      for (const file of result.outputFiles)
        replaceFile(file.path, file.path.endsWith('.cjs') ? escapeBeyondAscii(file.text) : file.contents);
      replaceFile(path.join(dist, 'meta', `${bundle.name.replaceAll('/', '-')}.json`), JSON.stringify(result.metafile));
      copyData();
    });
  },
});

function optionsFor(bundle, production) {
  const banner = [bundle.executable ? '#!/usr/bin/env node' : '', bundle.browser ? '' : IMPORT_META_URL].filter(Boolean).join('\n');
  return {
    ...(bundle.browser ? browserOptions : nodeOptions),
    entryPoints: [path.join(root, bundle.entry)],
    outfile: outputOf(bundle),
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    sourcemap: 'linked',
    minify: production,
    keepNames: production && !bundle.browser, // error classes are told apart by name
    legalComments: 'linked',
    // Some UMD packages break when bundled from `main`; see their `module` first.
    mainFields: bundle.browser ? ['browser', 'module', 'main'] : ['module', 'main'],
    external: bundle.external ?? [],
    banner: { js: banner },
    logLevel: 'warning',
    plugins: [writeOutputs(bundle)],
  };
}

/** The entries that --strict asks for and the bundles over their budgets, one sentence each. */
function findFaults(bundles, made, { strict, production }) {
  const faults = [];
  if (strict) for (const bundle of bundles) if (bundle.required && !made.includes(bundle)) faults.push(`${bundle.entry} does not exist.`);
  if (!strict && !production) return faults;
  for (const bundle of made) {
    const size = readFileSync(outputOf(bundle)).length;
    if (bundle.budget && size > bundle.budget) {
      faults.push(
        `${path.relative(root, outputOf(bundle))} has ${Math.ceil(size / KB)} KB, its budget is ${bundle.budget / KB} KB; dist/meta tells what is in it.`,
      );
    }
  }
  return faults;
}

async function watchBundles(bundles, production) {
  const report = {
    name: 'report',
    setup(builder) {
      builder.onStart(() => console.log('[watch] build started'));
      builder.onEnd(() => console.log('[watch] build finished'));
    },
  };
  for (const bundle of bundles) {
    const options = optionsFor(bundle, production);
    const context = await esbuild.context({ ...options, plugins: [...options.plugins, report] });
    await context.watch();
  }
}

/**
 * Bundles what exists; with `watch` keeps doing so until the process ends. Returns the sizes of what was made in bytes, by
 * bundle name. Throws esbuild's failure (which has `errors`), or an Error with one sentence per broken budget or missing entry.
 */
export async function build({ watch = false, production = false, strict = false } = {}) {
  const bundles = listBundles();
  const existing = bundles.filter((bundle) => existsSync(path.join(root, bundle.entry)));
  for (const bundle of bundles) if (!existing.includes(bundle)) rmSync(outputOf(bundle), { force: true });
  copyData();
  copySchemas();
  if (watch) {
    await watchBundles(existing, production);
    return {};
  }
  await Promise.all(existing.map((bundle) => esbuild.build(optionsFor(bundle, production))));
  const faults = findFaults(bundles, existing, { strict, production });
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return Object.fromEntries(existing.map((bundle) => [bundle.name, readFileSync(outputOf(bundle)).length]));
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const flags = process.argv.slice(2);
  const has = (flag) => flags.includes(flag);
  try {
    const sizes = await build({ watch: has('--watch'), production: has('--production'), strict: has('--strict') });
    for (const [name, size] of Object.entries(sizes)) console.log(`${name.padEnd(20)} ${String(Math.ceil(size / KB)).padStart(5)} KB`);
  } catch (error) {
    if (!error.errors) console.error(`build: ${error.message}`); // esbuild has printed its own
    process.exitCode = 1;
  }
}

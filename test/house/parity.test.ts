// What is written in two places must agree.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { ERRORS } from '../../shared/protocol/errors.ts';
import { readSources } from './source.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const Titled = z.looseObject({ command: z.string(), title: z.string() });
const Manifest = z.looseObject({
  scripts: z.record(z.string(), z.string()),
  contributes: z.looseObject({ commands: z.array(Titled).default([]) }).optional(),
});
const manifest = Manifest.parse(JSON.parse(read('package.json')));

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'].filter((file) => existsSync(path.join(root, file)));

/** Every npm script that a text tells its reader to run. */
function listNamedScripts(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map((match) => match[1] ?? match[2] ?? '');
}

describe('parity', () => {
  it('every npm script named in the documents exists', () => {
    assert.ok(DOCUMENTS.includes('README.md'), 'README.md does not exist');
    const wrong = DOCUMENTS.flatMap((file) =>
      listNamedScripts(read(file))
        .filter((name) => manifest.scripts[name] === undefined)
        .map((name) => `${file}: npm run ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('every file that an npm script starts exists', () => {
    const started = Object.values(manifest.scripts).flatMap((script) =>
      [...script.matchAll(/[\w./-]+\.(?:mjs|ts)\b/g)].map((match) => match[0]),
    );
    assert.deepEqual(
      started.filter((file) => !existsSync(path.join(root, file))),
      [],
    );
  });

  it('every %key% of the manifest is in package.nls.json, and the reverse', () => {
    const used = [...JSON.stringify(manifest).matchAll(/"%([^%"]+)%"/g)].map((match) => match[1] ?? '');
    const file = path.join(root, 'package.nls.json');
    const known: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    assert.deepEqual([...new Set(used)].sort(), Object.keys(z.record(z.string(), z.unknown()).parse(known)).sort());
  });

  it('every error code of the wire is documented with its number and its sentence, and no other', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (-\d+) \| (.+) \|$/gm)].map(([, code, rpc, text]) => [
      code,
      Number(rpc),
      text,
    ]);
    assert.deepEqual(
      rows,
      Object.entries(ERRORS).map(([code, { rpc, text }]) => [code, rpc, text]),
    );
  });

  it('the VSIX packs every file and folder that the daemon looks for beside its bundle', () => {
    const sources = readSources(root, ['daemon']).filter(({ path: file }) => !file.startsWith('daemon/cli/'));
    const named = sources.flatMap(({ text }) => [...text.matchAll(/join\(here, '([^']+)'\)/g)].map((match) => match[1] ?? ''));
    assert.ok(named.includes('bridge.cjs') && named.includes('workflows'), named.join(' '));
    const packed = [...read('.vscodeignore').matchAll(/^!dist\/(?:\{([^}]+)\}\.cjs|(\w+)\/)/gm)].flatMap(([, bundles, folder = '']) =>
      bundles === undefined ? [folder] : bundles.split(',').map((bundle) => `${bundle}.cjs`),
    );
    assert.deepEqual(
      // The validator of OpenAPI documents finds its schemas by itself.
      [...named, 'daemon.cjs', 'daemon.main.cjs', 'builtin.main.cjs', 'schemas'].filter((name) => !packed.includes(name)),
      [],
    );
  });

  it('every command of the manifest is titled by a key', () => {
    const bare = (manifest.contributes?.commands ?? []).filter((command) => !/^%.+%$/.test(command.title));
    assert.deepEqual(
      bare.map((command) => command.command),
      [],
    );
  });
});

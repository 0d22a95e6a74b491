// Every text that a person reads can be translated: the bundle holds them all. `UPDATE_L10N=1` writes it anew.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TIMELINE_TEXT } from '../../shared/webview/timeline-text.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BUNDLE = path.join(root, 'l10n/bundle.l10n.json');
const CALL = /\bt\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;

function listTexts(): string[] {
  const folder = path.join(root, 'extension');
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));
  const found = files.flatMap((file) =>
    [...readFileSync(path.join(folder, file), 'utf8').matchAll(CALL)].map((match) => match[1] ?? match[2] ?? match[3] ?? ''),
  );
  const texts = found.map((text) => text.replace(/\\(['"`\\])/g, '$1'));
  return [...new Set([...texts, ...Object.values(TIMELINE_TEXT)])].sort();
}

describe('l10n', () => {
  it('the bundle holds every text of the extension, and no other', () => {
    const texts = listTexts();
    assert.ok(texts.length > 100, 'the texts were not found');
    if (process.env['UPDATE_L10N'])
      writeFileSync(BUNDLE, `${JSON.stringify(Object.fromEntries(texts.map((text) => [text, text])), null, 2)}\n`);
    const bundle = JSON.parse(readFileSync(BUNDLE, 'utf8')) as Record<string, string>;
    assert.deepEqual(Object.keys(bundle).sort(), texts);
  });

  it('no text is put together from pieces', () => {
    assert.deepEqual(
      listTexts().filter((text) => text.includes('${')),
      [],
    );
  });

  it('placeholders count from 0 without a gap', () => {
    for (const text of listTexts()) {
      const numbers = [...new Set([...text.matchAll(/\{(\d+)\}/g)].map((match) => Number(match[1])))].sort((a, b) => a - b);
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index),
        text,
      );
    }
  });
});

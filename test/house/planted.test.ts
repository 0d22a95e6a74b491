// The house tests must be able to fail: each rule is broken here on purpose, in a temporary folder.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findLongFunctions } from './functions.ts';
import { findHabitFaults, findTextFaults } from './habits.ts';
import { findLayerFaults } from './layers.ts';
import { listImports, maskSource, readSources } from './source.ts';

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `  step(${index});`).join('\n');

describe('a planted fault', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'signalbox-house-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function plant(file: string, text: string): void {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  const read = () => readSources(root, ['shared', 'daemon', 'extension', 'webview-ui', 'test']);

  const forbidden: readonly (readonly [string, string])[] = [
    ['shared/state/task.ts', `import { evolve } from '../../daemon/decide/task.ts';`],
    ['shared/events/task.ts', `import { readFileSync } from 'node:fs';`],
    ['shared/events/run.ts', `import type * as vscode from 'vscode';`],
    ['daemon/decide/task.ts', `import type { Journal } from '../journal/port.ts';`],
    ['daemon/decide/run.ts', `import { type Journal } from '../journal/port.ts';`],
    ['daemon/scheduler/due.ts', `export { decide } from '../decide/decide.ts';`],
    ['daemon/policy/load.ts', `import fs from "node:fs/promises";`],
    ['daemon/journal/append.ts', `import type { Store } from '../store/port.ts';`],
    ['daemon/agents/start.ts', `const loaded = await import('../coordinator/queue.ts');`],
    ['daemon/rpc/server.ts', `import {\n  one,\n  two,\n} from '../coordinator/queue.ts';`],
    ['daemon/coordinator/queue.ts', `import { append } from '../journal/append.ts';`],
    ['daemon/coordinator/effects.ts', `import '../../daemon/main.ts';`],
    ['daemon/cli/runs.ts', `import { queue } from '../coordinator/queue.ts';`],
    ['daemon/main.ts', `import { runs } from './cli/runs.ts';`],
    ['extension/main.ts', `import { decide } from '../daemon/decide/decide.ts';`],
    ['webview-ui/timeline/main.ts', `import { call } from '../../shared/client/client.ts';`],
    ['daemon/platform/git.ts', `import vscode = require('vscode');`],
    ['test/daemon/decide/task.test.ts', `import * as vscode from 'vscode';`],
    ['shared/protocol/methods.ts', `import { z } from 'zod';`],
  ];
  for (const [file, text] of forbidden) {
    it(`is found: ${file} with ${text.replaceAll('\n', ' ')}`, () => {
      plant(file, `// a comment: import x from 'y'\n${text}\n`);
      const faults = findLayerFaults(read());
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', new RegExp(`^${file}:2: `));
    });
  }

  it('is not found where the import is allowed', () => {
    plant(
      'daemon/coordinator/queue.ts',
      `import type { Journal } from '../journal/port.ts';\nimport { decide } from '../decide/decide.ts';\n`,
    );
    plant('daemon/decide/task.ts', `import { decisionFor } from '../policy/decide.ts';\nimport type { Command } from '../commands.ts';\n`);
    plant('daemon/main.ts', `import { append } from './journal/append.ts';\n`);
    plant('shared/events/task.ts', `import * as z from 'zod';\nconst text = "import x from 'vscode'";\n/* import 'vscode'; */\n`);
    assert.deepEqual(findLayerFaults(read()), []);
  });

  const habits: readonly (readonly [string, string, RegExp])[] = [
    ['daemon/decide/a.ts', 'const at = Date.now();', /Date\.now in a pure room/],
    ['daemon/watchdog/a.ts', 'const at = new Date();', /new Date\(\) in a pure room/],
    ['shared/state/a.ts', 'const n = Math.random();', /Math\.random in a pure room/],
    ['daemon/policy/a.ts', `import { randomUUID } from 'node:crypto';`, /randomUUID in a pure room/],
    ['daemon/rpc/a.ts', 'export default function serve() {}', /no default exports/],
    ['daemon/rpc/utils.ts', '', /says nothing/],
    ['shared/state/types.ts', '', /says nothing/],
    ['daemon/agents/processManager.ts', '', /says nothing/],
    ['daemon/agents/a.ts', 'export class AgentManager {}', /AgentManager says nothing/],
    ['daemon/rpc/b.ts', lines(301), /301 lines, at most 300/],
  ];
  for (const [file, text, expected] of habits) {
    it(`is found: ${file} with ${text.slice(0, 50).split('\n')[0]}`, () => {
      plant(file, text);
      const faults = findHabitFaults(read());
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', expected);
    });
  }

  it('is not found in comments, texts, impure rooms, or where a reason is given', () => {
    plant('daemon/decide/a.ts', `// Date.now is banned\nconst text = 'Math.random' + \`Date.now \${1}\`;\nconst at = new Date(now);\n`);
    plant('daemon/rpc/a.ts', 'const at = Date.now();\n');
    plant('daemon/rpc/b.ts', `// Long because: it is one table\n${lines(301)}`);
    assert.deepEqual(findHabitFaults(read()), []);
  });

  it('is found: a function of 51 lines, and none of 50, and none with a reason', () => {
    plant('daemon/rpc/a.ts', `export function tooLong() {\n${lines(49)}\n}\n`);
    assert.equal(findLongFunctions(root, ['daemon']).length, 1);
    plant('daemon/rpc/a.ts', `export function justRight() {\n${lines(48)}\n}\n`);
    assert.deepEqual(findLongFunctions(root, ['daemon']), []);
    plant('daemon/rpc/a.ts', `// Long because: one table\nexport function excused() {\n${lines(60)}\n}\n`);
    assert.deepEqual(findLongFunctions(root, ['daemon']), []);
  });

  it('is found: a path of one machine, an em dash', () => {
    assert.equal(findTextFaults('a.md', `see ${['', 'work', 'main'].join('/')}`).length, 1);
    assert.equal(findTextFaults('a.md', `this ${String.fromCharCode(0x2014)} that`).length, 1);
    assert.deepEqual(findTextFaults('a.md', 'see src/work/main and https://example.org/work/x'), []);
  });
});

describe('the scanner', () => {
  const scan = (text: string) =>
    listImports({ text, code: maskSource(text) }).map((found) => `${found.typeOnly ? 'type ' : ''}${found.specifier}`);

  it('tells types from values', () => {
    assert.deepEqual(
      scan(`import type { A } from './a.ts';\nimport { type B, c } from './b.ts';\nimport { type D, type E } from './d.ts';`),
      ['type ./a.ts', './b.ts', 'type ./d.ts'],
    );
    assert.deepEqual(scan(`import type from './type.ts';\nexport type { F } from './f.ts';\nexport * as g from './g.ts';`), [
      './type.ts',
      'type ./f.ts',
      './g.ts',
    ]);
  });

  it('is not misled by texts, comments and regular expressions', () => {
    assert.deepEqual(scan(`const quote = /['"\`]/;\nimport a from './a.ts';`), ['./a.ts']);
    assert.deepEqual(scan(`const s = 'it\\'s // no comment';\nimport './b.ts';`), ['./b.ts']);
    assert.deepEqual(scan(`export const from = 'x';\nconst half = a / b; const c = d / 'e'.length;\nimport './c.ts';`), ['./c.ts']);
  });
});

// docs/policies.md shows only what works: its samples load, its tests pass, its fields are those of the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ACTION_FIELDS, CONTEXT_FIELDS, type FieldType } from '../../daemon/policy/action-types.ts';
import { loadPolicies, type PolicySource } from '../../daemon/policy/load.ts';
import { runTests } from '../../daemon/policy/run-tests.ts';
import { readTests } from '../../daemon/policy/test-file.ts';
import { sha256 } from '../../daemon/platform/digest.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** The YAML blocks of a document that begin with what a policy, or a file of tests, begins with. */
const blocksOf = (file: string): string[] => [...read(file).matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text ?? '');
const POLICIES = ['docs/policies.md', 'README.md'].flatMap((file) =>
  blocksOf(file)
    .filter((text) => /^policy:/m.test(text))
    .map((text, i): PolicySource => ({ file: `${file}#${i}`, text, origin: 'user', trusted: true })),
);
const builtin: PolicySource = { file: 'default.yaml', text: read('daemon/policy/default.yaml'), origin: 'builtin', trusted: true };

function spell(type: FieldType): string {
  if (typeof type === 'string') return { string: 'text', bool: 'true or false', double: 'number' }[type] ?? type;
  const { list } = type;
  if (list !== undefined && Object.keys(type).length === 1) return `list of ${typeof list === 'string' ? spell(list) : 'objects'}`;
  return `{ ${Object.entries(type)
    .map(([name, field]) => `${name}: ${spell(field)}`)
    .join(', ')} }`;
}

/** The list of fields as the document has it. */
function listFields(): string {
  const common = new Set(['kind', 'summary', 'agent', 'run', 'stage', 'task', 'repo', 'risk']);
  const line = (name: string, fields: Readonly<Record<string, FieldType>>): string =>
    `- ${name}: ${Object.entries(fields)
      .filter(([field]) => name.startsWith('`context') || !common.has(field))
      .map(([field, type]) => `\`${field}\` (${spell(type)})`)
      .join(', ')}`;
  return [...Object.entries(ACTION_FIELDS).map(([kind, fields]) => line(`\`${kind}\``, fields)), line('`context`', CONTEXT_FIELDS)].join(
    '\n',
  );
}

describe('docs/policies.md', () => {
  it('has samples, and each of them loads', () => {
    assert.ok(POLICIES.length >= 3);
    for (const sample of POLICIES) {
      const loaded = loadPolicies([builtin, sample], sha256);
      assert.deepEqual(loaded.ok ? [] : loaded.problems, []);
    }
  });

  it('has tests that pass', () => {
    const guard = POLICIES.find(({ text }) => text.includes('policy: guard'));
    const [text = ''] = blocksOf('docs/policies.md').filter((block) => /^tests:/m.test(block));
    const loaded = loadPolicies([builtin, ...(guard ? [guard] : [])], sha256);
    const tests = readTests({ file: 'guard.test.yaml', text });
    assert.ok(loaded.ok && tests.ok, JSON.stringify(tests));
    const failed = runTests(loaded.policies, tests.tests).filter(({ passed }) => !passed);
    assert.deepEqual(
      failed.map(({ test, decision }) => [test.action.summary, decision.effect]),
      [],
    );
  });

  it('lists the fields of every kind of action, and of the context', () => {
    const [, shown] = /<!-- fields:[^>]*-->\n([^]*?)<!-- \/fields -->/.exec(read('docs/policies.md')) ?? [];
    assert.equal(shown?.trim(), listFields(), 'copy this list into the document');
  });
});

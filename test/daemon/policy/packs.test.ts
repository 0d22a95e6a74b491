// The policies that `signalbox init` writes: what each promises is what it does.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPolicies, type PolicySource } from '../../../daemon/policy/load.ts';
import { runTests } from '../../../daemon/policy/run-tests.ts';
import { readTests } from '../../../daemon/policy/test-file.ts';
import { hash } from './fixtures.ts';

const read = (name: string): string => readFileSync(fileURLToPath(new URL(`../../../daemon/policy/${name}`, import.meta.url)), 'utf8');
const packs = readdirSync(fileURLToPath(new URL('../../../daemon/policy/packs', import.meta.url)))
  .filter((name) => !name.endsWith('.test.yaml'))
  .map((name) => name.replace('.yaml', ''));
const builtin: PolicySource = { file: 'default.yaml', text: read('default.yaml'), origin: 'builtin', trusted: true };

describe('ready-made policies', () => {
  it('are these', () => assert.deepEqual(packs, ['cautious', 'ci', 'team']));

  for (const pack of packs)
    describe(pack, () => {
      const loaded = loadPolicies(
        [builtin, { file: `${pack}.yaml`, text: read(`packs/${pack}.yaml`), origin: 'user', trusted: true }],
        hash,
      );

      it('loads, and takes the place of what comes with Signalbox', () => {
        assert.ok(loaded.ok, JSON.stringify(loaded));
        assert.deepEqual(
          loaded.notices.map(({ code }) => code),
          ['replaces-builtin'],
        );
      });

      it('says what happens where no rule decides', () => {
        assert.ok(loaded.ok);
        assert.deepEqual(
          loaded.policies.defaults.map(({ policy, effect }) => [policy, effect]),
          [['default', pack === 'ci' ? 'deny' : 'require_approval']],
        );
      });

      it('does what its tests say', () => {
        const tests = readTests({ file: `${pack}.test.yaml`, text: read(`packs/${pack}.test.yaml`) });
        assert.ok(loaded.ok && tests.ok, JSON.stringify(tests));
        assert.ok(tests.tests.length > 30);
        assert.deepEqual(
          runTests(loaded.policies, tests.tests)
            .filter(({ passed }) => !passed)
            .map(({ test, decision, deciding }) => [test.line, test.action.summary, decision.effect, deciding]),
          [],
        );
      });
    });
});

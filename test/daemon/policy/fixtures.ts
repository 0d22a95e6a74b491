// Actions and policy files for the tests of this folder.
import { createHash } from 'node:crypto';
import { decideAction } from '../../../daemon/policy/decide.ts';
import { loadPolicies, type PolicySource } from '../../../daemon/policy/load.ts';
import type { Policies } from '../../../daemon/policy/rules.ts';
import { type Action, type ActionKind, type Decision, SimpleCommand } from '../../../shared/state/action.ts';
import { contextOf, type DecisionContext } from '../../../shared/state/decision-context.ts';
import { emptyState } from '../../../shared/state/evolve.ts';

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

const COMMON = { summary: 'somebody wants something', agent: 'a', run: 'r', stage: 's', task: 't', repo: '/repo', risk: 'low' as const };

/** How things stand where nothing runs. */
export const IDLE: DecisionContext = contextOf(emptyState(), { agent: '', run: '' }, 0);

/** What policies say where nothing runs, or as things stand. */
export function decide(policies: Policies, action: Action, standing: DecisionContext = IDLE): Decision {
  return decideAction(policies, action, standing);
}

export function edit(change: Partial<Extract<Action, { kind: 'agent.edit' }>> = {}): Action {
  return { kind: 'agent.edit', ...COMMON, paths: [pathAt('src/a.ts')], change: 'c', base: 'b', secrets: [], unasked: false, ...change };
}

export function execute(change: Partial<Extract<Action, { kind: 'agent.execute' }>> = {}): Action {
  const commands = [SimpleCommand.parse({ program: 'npm', args: ['test'], subcommand: 'test', options: [], opaque: false })];
  const line = { argv: ['npm', 'test'], line: '', commands, problem: '' };
  return { kind: 'agent.execute', ...COMMON, ...line, cwd: '.', source: 'repository', base: 'b', ...change };
}

export function advance(): Action {
  return { kind: 'stage.advance', ...COMMON, workflow: 'checkup', base: 'b', always: false };
}

export function merge(files: string[] = ['src/a.ts']): Action {
  return { kind: 'workspace.merge', ...COMMON, into: 'main', how: 'merge', from: 'f', base: 'b', tree: 't', files };
}

export function configure(): Action {
  return { kind: 'daemon.configure', ...COMMON, what: 'trust', files: ['.signalbox/policies/a.yaml'] };
}

const OTHERS: {
  [K in Exclude<ActionKind, 'agent.execute' | 'agent.edit' | 'stage.advance' | 'workspace.merge' | 'daemon.configure'>]: Action;
} = {
  'agent.read': { kind: 'agent.read', ...COMMON, paths: [pathAt('src/a.ts')] },
  'agent.fetch': { kind: 'agent.fetch', ...COMMON, urls: ['https://example.org/a'], hosts: ['example.org'] },
  'agent.mcp': { kind: 'agent.mcp', ...COMMON, server: 'tracker', tool: 'create_issue', input: 'i' },
  'agent.other': { kind: 'agent.other', ...COMMON, tool: 'think', input: 'i' },
  'agent.register': { kind: 'agent.register', ...COMMON, adapter: 'acp', argv: ['claude-agent-acp'], capabilities: ['code'] },
  'task.submit': { kind: 'task.submit', ...COMMON, principal: 'user', what: 'Fix the test.', priority: 0, timeoutMs: 1_000 },
  'run.start': {
    kind: 'run.start',
    ...COMMON,
    workflow: 'nightly',
    principal: 'trigger:nightly.cron',
    trigger: 'cron',
    firing: 'f',
    into: '',
    base: 'b',
  },
  'task.dispatch': { kind: 'task.dispatch', ...COMMON, what: 'Fix the test.', priority: 0, timeoutMs: 1_000, attempt: 1 },
  'run.extend': {
    kind: 'run.extend',
    ...COMMON,
    workflow: 'release',
    principal: 'user',
    stages: ['more'],
    agents: ['command'],
    change: 'c',
  },
  'handoff.accept': { kind: 'handoff.accept', ...COMMON, from: 'design', to: 'build', artifacts: ['design.md'], missing: [] },
};

/** One action of a kind. */
export function sampleOf(kind: ActionKind): Action {
  switch (kind) {
    case 'agent.execute':
      return execute();
    case 'agent.edit':
      return edit();
    case 'stage.advance':
      return advance();
    case 'workspace.merge':
      return merge();
    case 'daemon.configure':
      return configure();
    default:
      return OTHERS[kind];
  }
}

export function pathAt(relative: string, facts: { inside?: boolean; git?: boolean } = {}) {
  return { path: `/tree/${relative}`, relative, inside: facts.inside ?? true, git: facts.git ?? false };
}

export function policyFile(text: string, from: Partial<PolicySource> = {}): PolicySource {
  return { text, file: `${/^policy: (.*)$/m.exec(text)?.[1]}.yaml`, origin: 'user', trusted: true, ...from };
}

/** Loads files that are expected to be right. */
export function policiesOf(...files: PolicySource[]): Policies {
  const loaded = loadPolicies(files, hash);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
  return loaded.policies;
}

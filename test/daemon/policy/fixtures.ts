// Actions and policy files for the tests of this folder.
import { createHash } from 'node:crypto';
import { loadPolicies, type PolicySource } from '../../../daemon/policy/load.ts';
import type { Policies } from '../../../daemon/policy/rules.ts';
import type { Action } from '../../../shared/state/action.ts';

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

const COMMON = { summary: 'somebody wants something', agent: 'a', run: 'r', stage: 's', task: 't', repo: '/repo', risk: 'low' as const };

export function edit(change: Partial<Extract<Action, { kind: 'agent.edit' }>> = {}): Action {
  return { kind: 'agent.edit', ...COMMON, paths: [pathAt('src/a.ts')], change: 'c', base: 'b', ...change };
}

export function execute(change: Partial<Extract<Action, { kind: 'agent.execute' }>> = {}): Action {
  const commands = [{ program: 'npm', args: ['test'], subcommand: 'test', options: [], opaque: false }];
  return { kind: 'agent.execute', ...COMMON, argv: ['npm', 'test'], commands, cwd: '.', source: 'repository', base: 'b', ...change };
}

export function advance(): Action {
  return { kind: 'stage.advance', ...COMMON, workflow: 'checkup', base: 'b' };
}

export function merge(files: string[] = ['src/a.ts']): Action {
  return { kind: 'workspace.merge', ...COMMON, into: 'main', from: 'f', base: 'b', tree: 't', files };
}

export function configure(): Action {
  return { kind: 'daemon.configure', ...COMMON, what: 'trust', files: ['.signalbox/policies/a.yaml'] };
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

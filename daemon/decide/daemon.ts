import type { State } from '../../shared/state/evolve.ts';
import type { CommandOf } from '../commands.ts';
import { event, type Context, type Verdict } from './context.ts';

export function startDaemon(_state: State, command: CommandOf<'daemon/start'>, context: Context): Verdict {
  const { version, pid, protocol } = command;
  const { epoch, host, bootId } = context;
  return [event('daemon.started', 'daemon', {}, { version, epoch, pid, host, bootId, protocol })];
}

export function stopDaemon(_state: State, command: CommandOf<'daemon/stop'>): Verdict {
  return [event('daemon.stopped', 'daemon', {}, { reason: command.reason, drained: command.drained })];
}

export function resumeDaemon(_state: State, command: CommandOf<'daemon/resume'>): Verdict {
  return [event('daemon.resumed', 'daemon', {}, { sleptMs: command.sleptMs })];
}

export function addPrincipal(_state: State, command: CommandOf<'principal/add'>): Verdict {
  const { name, scopes, expiresAt } = command;
  return [event('principal.added', `principal/${name}`, {}, { name, scopes, expiresAt })];
}

export function refusePrincipal(_state: State, command: CommandOf<'principal/refuse'>): Verdict {
  const { name, code, what } = command;
  return [event('principal.refused', `principal/${name}`, {}, { name, code, what })];
}

/** What is in force already is no news. */
export function loadPolicy(state: State, { repo, files }: CommandOf<'policy/load'>): Verdict {
  if (JSON.stringify(state.policies.get(repo) ?? []) === JSON.stringify(files)) return [];
  return [event('policy.loaded', 'policy', repo === '' ? {} : { repo }, { files })];
}

export function grantTrust(state: State, command: CommandOf<'trust/grant'>): Verdict {
  const { repo, digest, files, by } = command;
  if (state.trust.get(repo)?.digest === digest) return [];
  return [event('trust.granted', `repo/${repo}`, { repo }, { digest, files, by })];
}

export function revokeTrust(state: State, command: CommandOf<'trust/revoke'>): Verdict {
  const { repo, by } = command;
  return state.trust.has(repo) ? [event('trust.revoked', `repo/${repo}`, { repo }, { by })] : [];
}

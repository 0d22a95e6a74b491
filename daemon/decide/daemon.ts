import { isDeepStrictEqual } from 'node:util';
import type { State } from '../../shared/state/evolve.ts';
import type { Agent } from '../../shared/state/agent.ts';
import type { CommandOf } from '../commands.ts';
import { event, refuse, type Context, type Verdict } from './context.ts';

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

export function loadPolicy(_state: State, command: CommandOf<'policy/load'>): Verdict {
  return [event('policy.loaded', 'policy', {}, { files: command.files })];
}

/** Registers an agent, or tells that it is back; what is registered as it stands changes nothing. */
export function registerAgent(state: State, command: CommandOf<'agent/register'>): Verdict {
  const { type: _, agent: id, ...data } = command;
  const known = state.agents.get(id);
  const of = { agent: id };
  const stream = `agent/${id}`;
  if (known && known.adapter !== data.adapter)
    return refuse('id_taken', `The agent ${id} is registered with the adapter ${known.adapter}.`, { agent: id });
  const same = known !== undefined && isDeepStrictEqual(data, pick(known));
  const registered = same ? [] : [event('agent.registered', stream, of, data)];
  const here = known?.status === 'ready' || known?.status === 'busy';
  return here ? registered : [...registered, event('agent.starting', stream, of, {}), event('agent.ready', stream, of, {})];
}

function pick(agent: Agent): unknown {
  const { role, capabilities, tags, adapter, slots, enforcement } = agent;
  return { role, capabilities, tags, adapter, slots, ...(enforcement === undefined ? {} : { enforcement }) };
}

/** The agent is gone, for instance because its worker's connection ended. */
export function leaveAgent(state: State, command: CommandOf<'agent/leave'>): Verdict {
  const agent = state.agents.get(command.agent);
  if (!agent) return refuse('not_found', `There is no agent ${command.agent}.`, { agent: command.agent });
  const { reason } = command;
  const of = { agent: agent.id };
  if (agent.status === 'offline' || agent.status === 'failed') return [];
  const draining = agent.status === 'busy' ? [event('agent.draining', `agent/${agent.id}`, of, { reason })] : [];
  return [...draining, event('agent.offline', `agent/${agent.id}`, of, { reason })];
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

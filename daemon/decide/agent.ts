import { isDeepStrictEqual } from 'node:util';
import type { NewEvent } from '../../shared/events/envelope.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { Agent } from '../../shared/state/agent.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { CommandOf, Proposal } from '../commands.ts';
import { askFor } from './approval.ts';
import { event, refuse, type Context, type Verdict } from './context.ts';

/** Registers an agent, or tells that it is back; what is registered as it stands changes nothing. */
export function registerAgent(state: State, command: CommandOf<'agent/register'>, context: Context): Verdict {
  const { type: _, agent: id, asked, ...data } = command;
  const known = state.agents.get(id);
  const of = { agent: id };
  const stream = `agent/${id}`;
  if (known && known.adapter !== data.adapter)
    return refuse('id_taken', `The agent ${id} is registered with the adapter ${known.adapter}.`, { agent: id });
  const decided = asked === undefined ? [] : decideRegistration(state, { id, ...asked }, context);
  if (!Array.isArray(decided)) return decided;
  const same = known !== undefined && isDeepStrictEqual(data, pick(known));
  const registered = same ? [] : [event('agent.registered', stream, of, data)];
  const here = known?.status === 'ready' || known?.status === 'busy';
  if (here && same) return [];
  return here
    ? [...decided, ...registered]
    : [...decided, ...registered, event('agent.starting', stream, of, {}), event('agent.ready', stream, of, {})];
}

/** A registration that is denied is refused; where a person is to be asked, the one who wants it has answered. */
function decideRegistration(
  state: State,
  { id, proposal, by }: { id: string; proposal: Proposal; by: string },
  context: Context,
): NewEvent[] | Refusal {
  const of = { agent: id };
  const events = askFor(state, { ...proposal, of, stream: `agent/${id}` }, context);
  const [decided] = events;
  if (decided?.type === 'policy.decided' && decided.data.decision.effect === 'deny') {
    const why = decided.data.decision.reasons.filter((r) => r.effect === 'deny').map((r) => r.message);
    return refuse('policy_denied', why.join(' ') || 'The policy denies it.', { agent: id });
  }
  return events.flatMap((each): NewEvent[] => {
    if (each.type !== 'approval.requested') return [each];
    const { approval } = each.data;
    const stream = `approval/${approval}`;
    const granted = event('approval.granted', stream, of, { approval, by, reason: 'Asked for it.' });
    return [each, granted, event('approval.used', stream, of, { approval })];
  });
}

function pick(agent: Agent): unknown {
  const { role, capabilities, tags, adapter, slots, region, enforcement } = agent;
  const where = region === undefined ? {} : { region };
  return { role, capabilities, tags, adapter, slots, ...where, ...(enforcement === undefined ? {} : { enforcement }) };
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

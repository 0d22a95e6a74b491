import type { NewEvent } from '../../shared/events/envelope.ts';
import { countsAgainst } from '../../shared/state/breaker.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { AttemptEnding, CommandOf } from '../commands.ts';
import { event, later, refuse, type Context, type Verdict } from './context.ts';
import type { Lease } from './lease.ts';

/** What an ended attempt makes of the breaker of its agent: the last of so many failures opens it, the trial closes it or opens it again. */
export function switchBreaker(
  state: State,
  { attempt }: Lease,
  ending: Omit<AttemptEnding, 'values' | 'usage'>,
  context: Context,
): NewEvent[] {
  const agent = state.agents.get(attempt.agent);
  if (!agent || !context.breaker) return [];
  const { state: before, failures } = agent.breaker ?? { state: 'closed', failures: 0 };
  const of = { agent: agent.id };
  if (ending.status === 'succeeded') return before === 'half_open' ? [event('agent.breaker_closed', `agent/${agent.id}`, of, {})] : [];
  if (!countsAgainst(agent.adapter, ending) || before === 'open') return [];
  if (before === 'closed' && failures + 1 < context.breaker.failures) return [];
  const { code = ending.status === 'timeout' ? 'task_timeout' : 'failed', message = '' } = ending;
  const until = later(context, context.breaker.restMs);
  return [event('agent.breaker_opened', `agent/${agent.id}`, of, { failures: failures + 1, code, message: message.slice(0, 300), until })];
}

/** Half open when it has rested; closed when a person says that the agent works again. */
export function setBreaker(state: State, { agent: id, to, by }: CommandOf<'agent/breaker'>, context: Context): Verdict {
  const agent = state.agents.get(id);
  if (!agent) return refuse('not_found', `There is no agent ${id}.`, { agent: id });
  const { state: before, until = '' } = agent.breaker ?? { state: 'closed' };
  const stream = `agent/${id}`;
  if (to === 'closed') return before === 'closed' ? [] : [event('agent.breaker_closed', stream, { agent: id }, { by })];
  if (before !== 'open' || Date.parse(until) > context.now) return [];
  return [event('agent.breaker_half_opened', stream, { agent: id }, {})];
}

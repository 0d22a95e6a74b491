// What is said of the circuit breakers of agents. Pure.
import type { Agent } from '../../../shared/state/agent.ts';
import { cleanLine } from './text.ts';
import { formatWhole } from './time.ts';

/** The breaker of an agent in a word, with how long it rests still. */
export function sayBreaker({ breaker }: Agent, now: number): string {
  if (!breaker) return 'closed';
  const left = Date.parse(breaker.until ?? '') - now;
  if (breaker.state === 'open') return left > 0 ? `open, ${formatWhole(left)} left` : 'open';
  return breaker.state === 'half_open' ? 'half open' : 'closed';
}

/** A sentence for each agent that gets no work, or only one task, because it failed too often. */
export function listOpenBreakers(agents: readonly Agent[], now: number): string[] {
  return agents.flatMap((agent) => {
    const { id, breaker } = agent;
    if (!breaker || breaker.state === 'closed') return [];
    const failed = `failed ${breaker.failures} times in a row (${cleanLine(breaker.message || (breaker.code ?? ''))})`;
    const then = breaker.state === 'open' ? `gets no work (${sayBreaker(agent, now)})` : 'is tried with one task';
    return [`${cleanLine(id)} ${failed} and ${then}: signalbox agents reset ${cleanLine(id)}`];
  });
}

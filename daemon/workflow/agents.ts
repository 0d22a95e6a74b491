import type { AgentSelection } from '../../shared/state/flow.ts';
import type { Agent } from '../../shared/state/agent.ts';
import type { State } from '../../shared/state/evolve.ts';

/**
 * The agent for a piece of work: the named one, or of those that match the one that is there and has the least to do.
 * Undefined when none is registered. One that is offline keeps the work waiting, visibly, until it is back.
 */
export function chooseAgent(state: State, wanted: { agent?: string | undefined; select?: AgentSelection | undefined }): string | undefined {
  if (wanted.agent !== undefined) return state.agents.has(wanted.agent) ? wanted.agent : undefined;
  const { select } = wanted;
  if (!select) return undefined;
  const fit = [...state.agents.values()].filter((agent) => matches(agent, select));
  const waiting = countWaiting(state);
  const load = (agent: Agent): number => (agent.used + (waiting.get(agent.id) ?? 0)) / Math.max(1, agent.slots);
  const away = (agent: Agent): number => ((agent.status === 'ready' || agent.status === 'busy') && agent.breaker?.state !== 'open' ? 0 : 1);
  return fit.sort((a, b) => away(a) - away(b) || load(a) - load(b) || (a.id < b.id ? -1 : 1))[0]?.id;
}

function matches(agent: Agent, { role, capabilities = [], tags = [] }: AgentSelection): boolean {
  if (role !== undefined && agent.role !== role) return false;
  return capabilities.every((wanted) => agent.capabilities.includes(wanted)) && tags.every((wanted) => agent.tags.includes(wanted));
}

function countWaiting(state: State): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of state.pending) {
    const wants = state.tasks.get(id)?.wants ?? '';
    counts.set(wants, (counts.get(wants) ?? 0) + 1);
  }
  return counts;
}

/** Why nobody gets a piece of work. */
export function sayNobody(_state: State, { agent, select }: { agent?: string | undefined; select?: AgentSelection | undefined }): string {
  const who = agent === undefined ? `Nobody who fits (${saySelection(select ?? {})})` : `No agent ${agent}`;
  return `${who} is registered. \`signalbox agents\` lists those that are.`;
}

/** How a selection reads: `an agent with the role reviewer and the tag rust`. */
export function saySelection({ role, capabilities = [], tags = [] }: AgentSelection): string {
  const parts = [
    ...(role === undefined ? [] : [`the role ${role}`]),
    ...capabilities.map((name) => `the capability ${name}`),
    ...tags.map((name) => `the tag ${name}`),
  ];
  return parts.length === 0 ? 'any agent' : `an agent with ${parts.join(', ')}`;
}

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

function matches(agent: Agent, wanted: AgentSelection): boolean {
  return listLacking(agent, wanted).length === 0;
}

/** What an agent lacks of what is wanted, each as it reads: `the role painter`. */
function listLacking(agent: Agent, { role, capabilities = [], tags = [], region }: AgentSelection): string[] {
  return [
    ...(role === undefined || agent.role === role ? [] : [`the role ${role}`]),
    ...capabilities.filter((name) => !agent.capabilities.includes(name)).map((name) => `the capability ${name}`),
    ...tags.filter((name) => !agent.tags.includes(name)).map((name) => `the tag ${name}`),
    ...(region === undefined || agent.region === region ? [] : [`the region ${region}`]),
  ];
}

function countWaiting(state: State): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of state.pending) {
    const wants = state.tasks.get(id)?.wants ?? '';
    counts.set(wants, (counts.get(wants) ?? 0) + 1);
  }
  return counts;
}

/** Agents that are named as the nearest. */
const MAX_NEAREST = 3;

/** Why nobody can take a piece of work: what it needs, and which agents come nearest and lack what. */
export function sayNobody(state: State, { agent, select }: { agent?: string | undefined; select?: AgentSelection | undefined }): string {
  const who = agent === undefined ? `Nobody who fits (${saySelection(select ?? {})})` : `No agent ${agent}`;
  const nearest = [...state.agents.values()]
    .map((one) => ({ id: one.id, lacking: listLacking(one, select ?? {}) }))
    .filter(({ lacking }) => select !== undefined && lacking.length < listDemands(select).length)
    .sort((a, b) => a.lacking.length - b.lacking.length || (a.id < b.id ? -1 : 1))
    .slice(0, MAX_NEAREST)
    .map(({ id, lacking }) => `${id} lacks ${lacking.join(' and ')}`);
  const near = nearest.length === 0 ? '' : ` Nearest: ${nearest.join('; ')}.`;
  return `${who} is registered.${near} \`signalbox agents\` lists those that are.`;
}

/** How a selection reads: `an agent with the role reviewer and the tag rust`. */
export function saySelection(select: AgentSelection): string {
  const parts = listDemands(select);
  return parts.length === 0 ? 'any agent' : `an agent with ${parts.join(', ')}`;
}

function listDemands({ role, capabilities = [], tags = [], region }: AgentSelection): string[] {
  return [
    ...(role === undefined ? [] : [`the role ${role}`]),
    ...capabilities.map((name) => `the capability ${name}`),
    ...tags.map((name) => `the tag ${name}`),
    ...(region === undefined ? [] : [`the region ${region}`]),
  ];
}

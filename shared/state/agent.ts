import type { AgentEvent } from '../events/agent.ts';
import type { Event } from '../events/envelope.ts';
import type { Breaker } from './breaker.ts';
import type { StateTable } from './table.ts';

export type AdapterKind = 'acp' | 'command' | 'builtin' | 'remote';
export type AgentStatus = 'starting' | 'ready' | 'busy' | 'draining' | 'offline' | 'failed';

export const AGENT_TABLE: StateTable<AgentStatus> = {
  starting: ['ready', 'failed'],
  ready: ['busy', 'draining', 'offline', 'failed'],
  busy: ['ready', 'draining', 'failed'],
  draining: ['offline', 'failed'],
  offline: ['starting'],
  failed: ['starting'],
};

/** Whether the operating system keeps an agent's processes to what they may do, and by what, or why not. */
export interface Enforcement {
  level: 'enforced' | 'advisory';
  why: string;
}

export interface Agent {
  id: string;
  role: string;
  capabilities: readonly string[];
  tags: readonly string[];
  adapter: AdapterKind;
  provider?: string;
  model?: string;
  region?: string;
  /** Of agents whose processes the daemon starts; what an attempt really got stands with the attempt. */
  enforcement?: Enforcement;
  /** How many attempts it takes at once. */
  slots: number;
  /** How many it has now; `busy` means none is free. */
  used: number;
  status: AgentStatus;
  /** Its circuit breaker; absent as long as nothing failed. */
  breaker?: Breaker;
  /** Why it is draining, offline or failed. */
  reason: string;
  since: string;
}

/** Busy means no free slot; only a ready or busy agent changes by its load. */
export function withLoad(agent: Agent, used: number, at: string): Agent {
  const loaded = used >= agent.slots ? 'busy' : 'ready';
  const follows = agent.status === 'ready' || agent.status === 'busy';
  return follows && agent.status !== loaded ? { ...agent, used, status: loaded, since: at } : { ...agent, used };
}

const STATUS_AFTER = {
  'agent.starting': 'starting',
  'agent.draining': 'draining',
  'agent.offline': 'offline',
  'agent.failed': 'failed',
} as const;

/** Folds one event about agents into their table. */
export function evolveAgents(agents: Map<string, Agent>, event: Event & AgentEvent, at: string): void {
  const id = event.agent ?? '';
  const known = agents.get(id);
  if (event.type === 'agent.registered') {
    agents.set(id, {
      ...event.data,
      id,
      used: known?.used ?? 0,
      status: known?.status ?? 'offline',
      reason: known?.reason ?? '',
      since: at,
      ...(known?.breaker ? { breaker: known.breaker } : {}),
    });
    return;
  }
  if (!known) return;
  if (event.type === 'agent.ready') {
    agents.set(id, withLoad({ ...known, status: 'ready', reason: '', since: at }, known.used, at));
    return;
  }
  const breaker = breakerAfter(known.breaker, event, at);
  if (breaker) return void agents.set(id, { ...known, breaker });
  if (isOfBreaker(event)) return;
  const reason = 'reason' in event.data ? event.data.reason : '';
  agents.set(id, { ...known, status: STATUS_AFTER[event.type], reason, since: at });
}

type BreakerEvent = Extract<AgentEvent, { type: `agent.breaker_${string}` }>;
const isOfBreaker = (event: AgentEvent): event is BreakerEvent => event.type.startsWith('agent.breaker_');

function breakerAfter(before: Breaker | undefined, event: AgentEvent, at: string): Breaker | undefined {
  if (!isOfBreaker(event)) return undefined;
  const known = before ?? { state: 'closed', failures: 0 };
  if (event.type === 'agent.breaker_opened') return { ...known, ...event.data, state: 'open', since: at };
  if (event.type === 'agent.breaker_half_opened') return { ...known, state: 'half_open' };
  return { state: 'closed', failures: 0 };
}

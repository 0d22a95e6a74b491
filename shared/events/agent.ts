import type { AdapterKind, Enforcement } from '../state/agent.ts';
import type { EventOf } from './envelope.ts';

export type AgentEvent =
  | EventOf<
      'agent.registered',
      {
        role: string;
        capabilities: string[];
        tags: string[];
        adapter: AdapterKind;
        slots: number;
        provider?: string;
        model?: string;
        region?: string;
        /** Absent in old records, and for agents whose processes others start. */
        enforcement?: Enforcement;
      }
    >
  | EventOf<'agent.starting', Record<string, never>>
  | EventOf<'agent.ready', Record<string, never>>
  | EventOf<'agent.draining', { reason: string }>
  | EventOf<'agent.offline', { reason: string }>
  | EventOf<'agent.failed', { reason: string }>;

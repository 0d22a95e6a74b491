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
  | EventOf<'agent.failed', { reason: string }>
  /** So many failures of its own in a row, or one while it was tried again: it gets no work until then. */
  | EventOf<'agent.breaker_opened', { failures: number; code: string; message: string; until: string }>
  /** It has rested, and gets one task. */
  | EventOf<'agent.breaker_half_opened', Record<string, never>>
  /** That one succeeded, or a person (`by`) says that it works again. */
  | EventOf<'agent.breaker_closed', { by?: string }>;

import type { Enforcement } from '../state/agent.ts';
import type { EventOf } from './envelope.ts';
import type { AgentSession } from '../state/agent-session.ts';
import type { AttemptEnd, Finding } from '../state/attempt.ts';
import type { AgentPlan } from '../state/plan.ts';
import type { ToolCalled } from '../state/tool-call.ts';

export type AttemptEvent =
  | EventOf<'attempt.starting', { token: number; host: string; bootId: string }>
  | EventOf<'attempt.running', { pid?: number; startTime?: string; enforcement?: Enforcement }>
  /** A commit on the attempt's branch that a later attempt need not make again. */
  | EventOf<'attempt.committed', { key: string; commit: string; summary: string }>
  /** The audit found what nobody had decided. */
  | EventOf<'agent.rogue_edit', Finding>
  /** The agent has a session to work in. */
  | EventOf<'agent.session_opened', AgentSession>
  /** A tool call of the agent is over. */
  | EventOf<'agent.tool_called', ToolCalled>
  /** The agent said what it means to do, in place of what it said before. */
  | EventOf<'agent.planned', AgentPlan>
  /** Values that the agent reported while it worked; a later one replaces an earlier one of the same name. */
  | EventOf<'attempt.reported', { values: Record<string, unknown> }>
  /** There were more tool calls than are recorded one by one. */
  | EventOf<'agent.tool_calls_omitted', { calls: number }>
  | EventOf<
      'attempt.ended',
      {
        status: AttemptEnd;
        exitCode?: number;
        signal?: string;
        code?: string;
        message?: string;
        /** Bytes of output kept in the spool, and bytes that the bound dropped. */
        spoolBytes?: number;
        droppedBytes?: number;
      }
    >;

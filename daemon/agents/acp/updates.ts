/** What an agent tells while it works: to the transcript, as progress, as tool calls for the record, and as usage. */
import type { PromptResponse, SessionNotification, SessionUpdate, ToolCallUpdate } from '@agentclientprotocol/sdk';
import type { AttemptEvent, AttemptSpec } from '../agent.ts';
import { tellEndedCalls } from './called.ts';
import type { OwnCalls } from './callbacks.ts';
import type { PriceTable } from './prices.ts';
import type { Profile } from './profiles.ts';
import { startReplay } from './replayed.ts';
import { trackToolCalls, type ToolCall } from './tools.ts';
import type { Transcript } from './transcript.ts';
import { priced, readTurnUsage } from './usage.ts';

export interface Updates {
  take(notification: SessionNotification): void;
  /** From now on the agent tells again what was in a session that it loads. */
  loading(): void;
  /** What it tells from now on is new; how many updates were told again. */
  live(): number;
  /** The agent asks about a tool call, also about one that was begun earlier. */
  asked(call: ToolCallUpdate): ToolCall;
  /** The agent's question about a call was answered. */
  noteDecision(call: ToolCall, allowed: boolean): void;
  endTurn(response: PromptResponse): void;
  counts(): { completed: number; failed: number };
  /** The agent says no more: what it began and never ended is told, and how many calls were too many to be. */
  end(): void;
}

/** Plans of one attempt that are told. */
const MAX_PLANS = 100;

interface Parts {
  spec: AttemptSpec;
  profile: Profile;
  /** For agents that tell of tokens only. */
  prices: PriceTable | undefined;
  transcript: Transcript;
  emit(event: AttemptEvent): void;
  own?: { calls: OwnCalls };
  metered: boolean;
}

/** Begins to follow an agent. */
export function startUpdates({ spec, profile, prices, transcript, emit, own, metered }: Parts): Updates {
  const calls = trackToolCalls();
  const replay = startReplay(transcript);
  let replaying = false;
  const root = spec.worktree?.path ?? spec.home;
  const ended = tellEndedCalls({ reads: profile.reads, root, transcript, emit, ...(own ? { cameIn: own.calls.cameIn } : {}) });
  const notePlan = followPlan({ transcript, emit });
  const usage = followUsage({ profile, prices, emit, metered });

  const noteCall = (call: ToolCall): void => {
    if (call.status === 'in_progress') emit({ type: 'progress', text: call.title || call.name || call.id, activity: 'executing' });
    if (call.status === 'completed' || call.status === 'failed') ended.end(call, call.status);
  };

  return {
    loading: () => void (replaying = true),
    live() {
      if (!replaying) return 0;
      replaying = false;
      usage.begin();
      return replay.end();
    },
    asked(call) {
      replay.revive(call.toolCallId);
      return calls.take(call);
    },
    take({ update }) {
      const { sessionUpdate } = update;
      if (sessionUpdate === 'usage_update') usage.note(update);
      else if (replaying) replay.take(update);
      else if (replay.isOld(update)) return;
      else if (sessionUpdate === 'agent_message_chunk' || sessionUpdate === 'agent_thought_chunk') {
        const text = update.content.type === 'text' ? update.content.text : `[${update.content.type}]`;
        transcript.say(sessionUpdate === 'agent_message_chunk' ? 'message' : 'thought', text);
      } else if (sessionUpdate === 'tool_call' || sessionUpdate === 'tool_call_update') noteCall(calls.take(update));
      else if (sessionUpdate === 'plan') notePlan(update);
      else if (sessionUpdate === 'current_mode_update') transcript.note(`[mode] ${update.currentModeId}`);
    },
    end: () => ended.leave(calls.all()),
    noteDecision: (call, allowed) => ended.noteDecision(call, allowed),
    endTurn: usage.endTurn,
    counts: () => ended.counts(),
  };
}

/** Follows what the agent says that it used; what it tells of money is the sum of its session so far. */
function followUsage({ profile, prices, emit, metered }: Pick<Parts, 'profile' | 'prices' | 'emit' | 'metered'>) {
  let cost = 0;
  let told = 0;
  let model = '';
  return {
    note(update: Extract<SessionUpdate, { sessionUpdate: 'usage_update' }>): void {
      if (update.cost?.currency === 'USD') cost = Math.max(cost, update.cost.amount);
      const named = update._meta?.['_claude/model'];
      if (typeof named === 'string') model = named;
    },
    /** What was used until now was used before. */
    begin: () => void (told = cost),
    endTurn(response: PromptResponse): void {
      const turn = readTurnUsage(response, model, profile.model);
      const more = cost - told;
      told = cost;
      if (turn && !metered) emit({ type: 'used', ...priced(turn, { cost: more, told: cost > 0, prices }) });
    },
  };
}

/** Follows the agent's plan: to the transcript, as progress, and for the record when it changed. */
function followPlan({ transcript, emit }: Pick<Parts, 'transcript' | 'emit'>) {
  let last = '';
  let left = MAX_PLANS;
  return ({ entries }: Extract<SessionUpdate, { sessionUpdate: 'plan' }>): void => {
    if (entries.length === 0) return;
    const done = entries.filter(({ status }) => status === 'completed').length;
    const now = entries.find(({ status }) => status === 'in_progress') ?? entries.find(({ status }) => status === 'pending');
    const marks = { completed: 'x', in_progress: '>', pending: ' ' } as const;
    const steps = entries.slice(0, 50).map(({ status, content }) => ({ text: content.slice(0, 300), status }));
    transcript.note(['[plan]', ...steps.map(({ status, text }) => `  [${marks[status]}] ${text}`)].join('\n'));
    emit({ type: 'progress', text: `plan ${done}/${entries.length}: ${now?.content ?? 'done'}`, fraction: done / entries.length });
    const plan = { done, total: entries.length, steps };
    const said = JSON.stringify(plan);
    if (said === last || left === 0) return;
    last = said;
    left -= 1;
    emit({ type: 'planned', plan });
  };
}

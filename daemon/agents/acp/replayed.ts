/**
 * What an agent tells again while it loads an earlier session. All of it has happened: it is shown apart, counted, and never
 * taken for something that is done now.
 */
import type { SessionUpdate } from '@agentclientprotocol/sdk';
import type { Transcript } from './transcript.ts';

/** Characters that are shown, and tool calls that are remembered. */
const MAX_SHOWN = 64 * 1024;
const MAX_CALLS = 5_000;

export interface Replay {
  take(update: SessionUpdate): void;
  /** Nothing more is told again; how many updates were. */
  end(): number;
  /** Whether this is still about a tool call that was over before: news about such a call is none. */
  isOld(update: SessionUpdate): boolean;
  /** The agent asks about the call, so it is done now. */
  revive(call: string): void;
}

/** Begins to listen; what is shown goes to `transcript`. */
export function startReplay(transcript: Transcript): Replay {
  const over = new Set<string>();
  let count = 0;
  let left = MAX_SHOWN;
  let speaker = '';
  let said = '';
  const flush = (): void => {
    if (said === '' || left <= 0) return;
    const text = said.slice(0, left);
    left -= text.length;
    said = '';
    transcript.note(text.trimEnd().replace(/^/gm, '| '));
    if (left <= 0) transcript.note('| (more was told again than is shown here)');
  };
  const say = (by: string, text: string): void => {
    if (by !== speaker) flush();
    if (said === '') said = by;
    speaker = by;
    if (said.length < left) said += text;
  };
  return {
    take(update) {
      count += 1;
      switch (update.sessionUpdate) {
        case 'user_message_chunk':
          return say('(asked) ', textOf(update));
        case 'agent_message_chunk':
          return say('', textOf(update));
        case 'agent_thought_chunk':
          return say('(thinking) ', textOf(update));
        case 'tool_call':
          flush();
          speaker = '';
          said = `[tool] ${(update.title || update.toolCallId).slice(0, 200)}`;
          flush();
          return note(over, update);
        case 'tool_call_update':
          return note(over, update);
        default:
      }
    },
    end() {
      flush();
      transcript.note(`| (${count} updates of the earlier session were told again; what follows is new)`);
      return count;
    },
    isOld: (update) => update.sessionUpdate === 'tool_call_update' && over.has(update.toolCallId),
    revive: (call) => void over.delete(call),
  };
}

function textOf({
  content,
}: Extract<SessionUpdate, { sessionUpdate: 'user_message_chunk' | 'agent_message_chunk' | 'agent_thought_chunk' }>): string {
  return content.type === 'text' ? content.text : `[${content.type}]`;
}

function note(
  over: Set<string>,
  { toolCallId, status }: Extract<SessionUpdate, { sessionUpdate: 'tool_call' | 'tool_call_update' }>,
): void {
  if ((status === 'completed' || status === 'failed') && over.size < MAX_CALLS) over.add(toolCallId);
}

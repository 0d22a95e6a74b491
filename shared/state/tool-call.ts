/** A tool call of an agent that is over, as the record has it. */
export interface ToolCalled {
  /** The agent's id of the call; what it asked about the call was decided under this key. */
  call: string;
  /** The agent's own name of the tool; empty where it gives none. */
  tool: string;
  /** What the call is by its input, whatever the agent calls it. */
  kind: 'execute' | 'edit' | 'read' | 'fetch' | 'mcp' | 'other';
  /** As the agent says; `unfinished` when it never said how the call ended. */
  status: 'completed' | 'failed' | 'unfinished';
  /** What the agent was answered, or that it did not ask. */
  answer: 'allowed' | 'denied' | 'not_asked';
  /** The command, the paths, the addresses or the tool, secrets masked. */
  summary: string;
}

/** The tool calls of an attempt: how many, and the last of them. */
export interface ToolCalls {
  completed: number;
  failed: number;
  unfinished: number;
  /** How many of them nobody was asked about. */
  unasked: number;
  /** Further ones that the record does not hold one by one. */
  omitted: number;
  last: readonly (ToolCalled & { at: string })[];
}

/** Calls of one attempt that the state keeps. */
const MAX_LAST = 16;
const NONE: ToolCalls = { completed: 0, failed: 0, unfinished: 0, unasked: 0, omitted: 0, last: [] };

/** Adds a call that is over. */
export function foldToolCall(before: ToolCalls = NONE, called: ToolCalled, at: string): ToolCalls {
  return {
    ...before,
    [called.status]: before[called.status] + 1,
    unasked: before.unasked + (called.answer === 'not_asked' ? 1 : 0),
    last: [...before.last, { ...called, at }].slice(-MAX_LAST),
  };
}

/** Adds calls of which only the number is known. */
export function foldOmittedCalls(before: ToolCalls = NONE, calls: number): ToolCalls {
  return { ...before, omitted: before.omitted + calls };
}

/** How many calls there were. */
export function countToolCalls({ completed, failed, unfinished, omitted }: ToolCalls): number {
  return completed + failed + unfinished + omitted;
}

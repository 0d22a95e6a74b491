/**
 * How an ACP agent gets the tools with which it calls back: a door for the attempt, an MCP server in `session/new`, and words about
 * it in the prompt, since some agents defer tools behind a search.
 *
 * 1. What the agent asked about before it called is decided once: its answer is remembered for that very call.
 * 2. A call that came in is told by whoever answered it, and not once more by what the agent says of it.
 */
import { type AgentCall, type AgentTool, MCP_SERVER, TOOL_INPUTS } from '../../../shared/protocol/agent-tools.ts';
import { type CallDoor, openCallDoor, type ToolServerModule } from '../../platform/mcp/door.ts';
import type { AttemptEvent } from '../agent.ts';

/** What the daemon brings for it: the bundle with the MCP server, and the file of the program that joins pipes. */
export interface CallbackParts {
  load(): Promise<ToolServerModule>;
  bridgePath: string;
}

/** The calls of one attempt. */
export interface OwnCalls {
  readonly bridgePath: string;
  readonly door: CallDoor;
  /** The agent was told yes about a call of a tool of ours; it may come in once without another question. */
  expect(server: string, tool: string, input: string): void;
  /** Whether that call of a tool came in, and is told already. */
  cameIn(server: string, tool: string, input: string): boolean;
  close(): void;
}

/** Calls of one attempt that are remembered at once. */
const MAX_REMEMBERED = 1_000;

/** Opens the door of one attempt. */
export function openOwnCalls({ load, bridgePath }: CallbackParts, emit: (event: AttemptEvent) => void): OwnCalls {
  const expected = remember();
  const arrived = remember();
  const door = openCallDoor((call) => {
    const name = nameOf(call.tool, call.input);
    const allowed = expected.take(name);
    arrived.add(name);
    return new Promise((answer) => emit({ type: 'calls', call, allowed, answer }));
  }, load);
  const named = (server: string, tool: string, input: string): string | undefined =>
    server === MCP_SERVER ? readName(tool, input) : undefined;
  return {
    door,
    bridgePath,
    expect(server, tool, input) {
      const name = named(server, tool, input);
      if (name !== undefined) expected.add(name);
    },
    cameIn(server, tool, input) {
      const name = named(server, tool, input);
      return name !== undefined && arrived.take(name);
    },
    close: () => door.close(),
  };
}

function remember(): { add(name: string): void; take(name: string): boolean } {
  const counts = new Map<string, number>();
  return {
    add(name) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (counts.size > MAX_REMEMBERED) counts.delete(counts.keys().next().value ?? '');
    },
    take(name) {
      const count = counts.get(name) ?? 0;
      if (count > 1) counts.set(name, count - 1);
      else counts.delete(name);
      return count > 0;
    },
  };
}

/** One call as a text: the same, whatever the order in which its input was written. */
function nameOf(tool: AgentTool, input: AgentCall['input']): string {
  return `${tool} ${JSON.stringify(TOOL_INPUTS[tool].parse(input))}`;
}

function readName(tool: string, input: string): string | undefined {
  if (!Object.hasOwn(TOOL_INPUTS, tool)) return undefined;
  const name = tool as AgentTool;
  try {
    return nameOf(name, JSON.parse(input) as AgentCall['input']);
  } catch {
    return undefined;
  }
}

/** A prompt that names the tools: some agents hold the tools of MCP servers back until they are searched for. */
export function nameTools(prompt: string): string {
  const tools = Object.keys(TOOL_INPUTS).join(', ');
  return `${prompt}

---
Signalbox follows this work. The MCP server \`${MCP_SERVER}\` offers you its tools; if you do not see them, search for them by name (\`mcp__${MCP_SERVER}__report_metrics\`): ${tools}. Report measured values with report_metrics, and outputs and context for the next stage with hand_off, before you end.`;
}

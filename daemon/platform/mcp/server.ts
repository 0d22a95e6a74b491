/**
 * The MCP server with the tools of `shared/protocol/agent-tools.ts`, for clients of every revision from 2025-06-18 to 2026-07-28.
 * It is a bundle of its own, loaded when the first agent calls back, so that nothing else pays for it.
 */
import type { Readable, Writable } from 'node:stream';
import { type CallToolResult, createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { AgentCall, type AgentTool, type CallAnswer, MCP_SERVER, TOOL_INPUTS, TOOL_TEXTS } from '../../../shared/protocol/agent-tools.ts';
import { PROGRAM_VERSION } from '../../../shared/protocol/version.ts';

/** Bytes of one message. */
const MAX_MESSAGE = 1024 * 1024;

export interface ToolServer {
  /** One HTTP request of a client. */
  fetch(request: Request): Promise<Response>;
  /** One client on a pipe, until either side ends it. */
  serve(input: Readable, output: Writable): { close(): Promise<void> };
  close(): Promise<void>;
}

/** Makes the server; `answer` never rejects. */
export function createToolServer(answer: (call: AgentCall) => Promise<CallAnswer>): ToolServer {
  const make = (): McpServer => {
    const server = new McpServer({ name: MCP_SERVER, version: PROGRAM_VERSION }, { capabilities: { tools: {} } });
    for (const tool of Object.keys(TOOL_INPUTS) as AgentTool[]) register(server, tool, answer);
    return server;
  };
  const handler = createMcpHandler(make, { maxRequestBodySize: MAX_MESSAGE, maxSubscriptions: 4 });
  return {
    fetch: (request) => handler.fetch(request),
    serve(input, output) {
      const transport = new StdioServerTransport(input, output, { maxBufferSize: MAX_MESSAGE });
      return serveStdio(make, { transport, maxSubscriptions: 4 });
    },
    close: () => handler.close(),
  };
}

function register(server: McpServer, tool: AgentTool, answer: (call: AgentCall) => Promise<CallAnswer>): void {
  const readOnlyHint = tool === 'read_artifact';
  server.registerTool(
    tool,
    { ...TOOL_TEXTS[tool], inputSchema: TOOL_INPUTS[tool], annotations: { readOnlyHint, destructiveHint: false, openWorldHint: false } },
    async (input: unknown): Promise<CallToolResult> => {
      const { ok, text, data } = await answer(AgentCall.parse({ tool, input }));
      // Some clients give their model only the one, some only the other.
      return { content: [{ type: 'text', text }], structuredContent: { text, ...data }, ...(ok ? {} : { isError: true }) };
    },
  );
}

/** Tool calls that are over, as the record takes them: what they did by their input, and whether anybody was asked. */
import { relative } from 'node:path';
import type { ToolCalled } from '../../../shared/state/tool-call.ts';
import type { AttemptEvent } from '../agent.ts';
import { wantsOf, type ToolCall } from './tools.ts';
import type { Transcript } from './transcript.ts';
import type { Wanted } from './wanted.ts';

/** Characters of a summary before secrets in it are masked. */
const MAX_SUMMARY = 4_000;

/** Tool calls of one attempt that are told one by one. */
const MAX_CALLED = 300;

interface Parts {
  /** Tools that only read. */
  reads: readonly string[];
  /** Paths below it are told relative to it. */
  root: string;
  transcript: Transcript;
  emit(event: AttemptEvent): void;
  /** Whether a call of a tool of an MCP server is told by whoever answered it. */
  cameIn?(server: string, tool: string, input: string): boolean;
}

interface EndedCalls {
  /** The agent's question about a call was answered. */
  noteDecision(call: ToolCall, allowed: boolean): void;
  end(call: ToolCall, status: ToolCalled['status']): void;
  /** The agent is gone: what it began and never ended is told, and how many calls were too many to be. */
  leave(calls: Iterable<ToolCall>): void;
  counts(): { completed: number; failed: number };
}

/** Tells of each call once, when it is over. */
export function tellEndedCalls({ transcript, emit, cameIn, ...read }: Parts): EndedCalls {
  const decided = new Map<string, boolean>();
  const ended = new Map<string, ToolCalled['status']>();
  const count = (status: ToolCalled['status']): number => [...ended.values()].filter((each) => each === status).length;
  const end = (call: ToolCall, status: ToolCalled['status']): void => {
    // What was told as ended stays so, or an agent could tell of one call for ever.
    if (ended.has(call.id)) return;
    ended.set(call.id, status);
    const allowed = decided.get(call.id);
    const answer = allowed === undefined ? 'not_asked' : allowed ? 'allowed' : 'denied';
    const told = describeCalled(call, { status, answer }, read);
    transcript.note(`[${status}, ${answer.replace('_', ' ')}] ${told.kind} ${told.summary}`);
    const [wanted] = wantsOf(call, read.reads);
    if (wanted?.kind === 'mcp' && cameIn?.(wanted.server, wanted.tool, wanted.input) === true) return;
    if (ended.size <= MAX_CALLED) emit({ type: 'called', call: told });
  };
  return {
    noteDecision: (call, allowed) => void decided.set(call.id, allowed),
    end,
    leave(calls) {
      // What was denied did not happen, also where the agent does not say so.
      for (const call of calls) end(call, decided.get(call.id) === false ? 'failed' : 'unfinished');
      if (ended.size > MAX_CALLED) emit({ type: 'calls_omitted', calls: ended.size - MAX_CALLED });
    },
    counts: () => ({ completed: count('completed'), failed: count('failed') }),
  };
}

function describeCalled(
  call: ToolCall,
  how: Pick<ToolCalled, 'status' | 'answer'>,
  { reads, root }: Pick<Parts, 'reads' | 'root'>,
): ToolCalled {
  const [wanted] = wantsOf(call, reads);
  const summary = wanted === undefined ? '' : summarize(wanted, call, root);
  return {
    call: call.id.slice(0, 200),
    tool: call.name.slice(0, 200),
    kind: wanted?.kind ?? 'other',
    ...how,
    summary: summary.slice(0, MAX_SUMMARY).replace(/\s+/g, ' ').trim(),
  };
}

function summarize(wanted: Wanted, { title, name }: ToolCall, root: string): string {
  switch (wanted.kind) {
    case 'execute':
      return wanted.line === '' ? wanted.argv.join(' ') : wanted.line;
    case 'edit':
    case 'read':
      return wanted.paths.map((path) => (path.startsWith(`${root}/`) ? relative(root, path) : path)).join(', ');
    case 'fetch':
      return wanted.urls.join(', ');
    case 'mcp':
      return `${wanted.tool} of ${wanted.server}`;
    case 'other':
      return title || name;
    default:
      return wanted satisfies never;
  }
}

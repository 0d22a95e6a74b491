/**
 * What an agent's tool calls would do, out of what it says of them. Never from a title or a kind: those are words for a
 * person, and some agents let the model write them.
 *
 * 1. A call is known by its id; what was said of it earlier counts where a later message says nothing.
 * 2. What is asked is what the permission request itself says; earlier messages only fill its gaps.
 * 3. What cannot be recovered is `other`. A path without a sign that it is only read is an edit.
 */
import type { ToolCallContent, ToolCallUpdate } from '@agentclientprotocol/sdk';
import { diffText } from './diff-text.ts';
import type { Wanted } from './wanted.ts';

/** What an agent has said of one tool call so far. */
export interface ToolCall {
  id: string;
  /** The agent's own name of the tool, where it gives one. */
  name: string;
  title: string;
  status: string;
  input: Record<string, unknown>;
  content: readonly ToolCallContent[];
  locations: readonly string[];
}

/** Calls that one attempt may have; the oldest finished ones are forgotten first. */
const MAX_CALLS = 5_000;
/** Characters of an input that are looked at, for what no rule of ours understands. */
const MAX_INPUT = 64 * 1024;

/** The tool calls of one session. */
export interface ToolCalls {
  /** Adds what a message says; a fresh call when the id is new. */
  take(update: ToolCallUpdate): ToolCall;
  /** Those that are remembered, oldest first. */
  all(): Iterable<ToolCall>;
}

export function trackToolCalls(): ToolCalls {
  const calls = new Map<string, ToolCall>();
  return {
    take(update) {
      const before = calls.get(update.toolCallId);
      const call = merge(before, update);
      calls.set(call.id, call);
      if (calls.size > MAX_CALLS) {
        const [oldest = ''] = calls.keys();
        calls.delete(oldest);
      }
      return call;
    },
    all: () => calls.values(),
  };
}

function merge(before: ToolCall | undefined, update: ToolCallUpdate): ToolCall {
  const input = isRecord(update.rawInput) ? update.rawInput : {};
  const locations = (update.locations ?? []).map(({ path }) => path);
  const hasDiff = (update.content ?? []).some(({ type }) => type === 'diff');
  return {
    id: update.toolCallId,
    name: nameOf(update) || (before?.name ?? ''),
    title: update.title || (before?.title ?? ''),
    status: update.status ?? before?.status ?? 'pending',
    input: Object.keys(input).length > 0 ? input : (before?.input ?? {}),
    content: hasDiff ? (update.content ?? []) : (before?.content ?? update.content ?? []),
    locations: locations.length > 0 ? locations : (before?.locations ?? []),
  };
}

/** The name that the agent's program gives its tool: a field of its own, Claude's or Qwen's way before there was one, or Codex's of MCP tools. */
function nameOf(update: ToolCallUpdate): string {
  if (update._meta?.['is_mcp_tool_call'] === true && isRecord(update.rawInput)) {
    const { server, tool } = update.rawInput;
    if (typeof server === 'string' && typeof tool === 'string') return `mcp__${server}__${tool}`;
  }
  if (typeof update.name === 'string') return update.name;
  if (typeof update._meta?.['toolName'] === 'string') return update._meta['toolName'];
  const meta = update._meta?.['claudeCode'];
  return isRecord(meta) && typeof meta['toolName'] === 'string' ? meta['toolName'] : '';
}

/** What a call would do; at least one thing, all of which must be allowed. `readTools` names the tools that only read. */
export function wantsOf(call: ToolCall, readTools: readonly string[]): Wanted[] {
  const mcp = readMcp(call);
  if (mcp) return [mcp];
  const wants = [readCommand(call), readEdit(call, readTools), readFetch(call)].filter((wanted) => wanted !== undefined);
  if (wants.length > 0) return wants;
  return [{ kind: 'other', tool: call.name, input: JSON.stringify({ input: call.input, content: call.content }).slice(0, MAX_INPUT) }];
}

function readMcp({ name, input }: ToolCall): Wanted | undefined {
  const match = /^mcp__(.+?)__(.+)$/.exec(name);
  if (!match) return undefined;
  const [, server = '', tool = ''] = match;
  // Codex names server and tool in the input, beside the arguments.
  const own = input['server'] === server && input['tool'] === tool && isRecord(input['arguments']) ? input['arguments'] : input;
  return { kind: 'mcp', server, tool, input: JSON.stringify(own) };
}

const COMMAND_KEYS = ['command', 'cmd', 'commandLine', 'script'] as const;

function readCommand({ input }: ToolCall): Wanted | undefined {
  const cwd = textOf(input, ['cwd', 'workdir', 'directory', 'dir_path']) ?? '';
  for (const key of COMMAND_KEYS) {
    const value = input[key];
    if (typeof value === 'string' && value.trim() !== '') return { kind: 'execute', line: value, argv: [], cwd };
    if (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string'))
      return { kind: 'execute', ...readShell(value), cwd };
  }
  return undefined;
}

const SHELL = /(^|[/\\])(ba|z|da|k)?sh$/;

/** `bash -lc LINE` is its line, so that the policy sees what runs and not only the shell. */
function readShell(argv: string[]): { line: string; argv: string[] } {
  const [program = '', flag = '', line] = argv;
  const isLine = argv.length === 3 && SHELL.test(program) && /^-l?c$/.test(flag) && line !== undefined;
  return isLine ? { line, argv: [] } : { line: '', argv };
}

const PATH_KEYS = ['file_path', 'filePath', 'filepath', 'path', 'absolute_path', 'notebook_path', 'fileName'] as const;
const WRITE_KEYS = [
  'content',
  'new_string',
  'newString',
  'file_text',
  'new_str',
  'diff',
  'patch',
  'patchText',
  'edits',
  'changes',
  'new_source',
];

function readEdit(call: ToolCall, readTools: readonly string[]): Wanted | undefined {
  const { input, content, locations } = call;
  const diffs = content.flatMap((part) => (part.type === 'diff' ? [part] : []));
  const changes = isRecord(input['changes']) ? Object.keys(input['changes']) : [];
  const moved = Object.values(isRecord(input['changes']) ? input['changes'] : {}).flatMap((c) =>
    isRecord(c) ? (textOf(c, ['move_path']) ?? []) : [],
  );
  const named = PATH_KEYS.flatMap((key) => (typeof input[key] === 'string' ? [input[key]] : []));
  const patched = readPatch(textOf(input, ['patch', 'patchText', 'input', 'diff']) ?? '');
  const said = [...diffs.map(({ path }) => path), ...changes, ...moved, ...named, ...patched];
  if (said.length === 0) return undefined;
  const writes = diffs.length > 0 || WRITE_KEYS.some((key) => key in input);
  const paths = [...new Set([...said, ...locations])];
  if (!writes && readTools.includes(call.name)) return { kind: 'read', paths };
  const texts = [
    ...diffs.map(({ newText }) => newText),
    ...WRITE_KEYS.flatMap((key) => (typeof input[key] === 'string' ? [input[key]] : [])),
  ];
  // Both, also where they should say the same: what is decided is all that the agent said.
  const change = JSON.stringify({ diffs: diffs.map(({ path, oldText, newText }) => ({ path, oldText, newText })), input });
  const shown = diffs.map(({ path, oldText, newText }) => diffText(path, oldText ?? '', newText));
  const diff = shown.length > 0 ? shown.join('\n') : JSON.stringify(input, null, 2);
  return { kind: 'edit', paths, change, text: texts.join('\n'), diff };
}

/** Paths that a patch names, in the form of `apply_patch`. */
function readPatch(text: string): string[] {
  return [...text.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$/gm)].map((match) =>
    (match[1] ?? match[2] ?? '').trim(),
  );
}

function readFetch({ input }: ToolCall): Wanted | undefined {
  const one = textOf(input, ['url', 'uri']);
  const many = Array.isArray(input['urls']) ? input['urls'].filter((url) => typeof url === 'string') : [];
  const urls = [...(one === undefined ? [] : [one]), ...many];
  return urls.length > 0 ? { kind: 'fetch', urls } : undefined;
}

/** The exact text that an edit would leave in a file, by path, as far as its diffs say. */
export function writtenBy(call: ToolCall): Map<string, string> {
  return new Map(call.content.flatMap((part) => (part.type === 'diff' ? [[part.path, part.newText] as const] : [])));
}

function textOf(input: Record<string, unknown>, keys: readonly string[]): string | undefined {
  for (const key of keys) if (typeof input[key] === 'string' && input[key] !== '') return input[key];
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

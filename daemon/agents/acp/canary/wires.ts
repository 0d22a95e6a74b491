/** The four ways in which agents talk to models: what they ask, read far enough for a script. Pure. */
import * as z from 'zod';
import type { Said, Tool } from './script.ts';

export type Wire = 'anthropic' | 'chat' | 'responses' | 'gemini';

/** A request to a model. */
export interface ModelRequest {
  wire: Wire;
  model: string;
  stream: boolean;
  said: Said[];
  tools: Tool[];
  /** A small question of Gemini's beside the conversation, whose answer has to be JSON. */
  json: boolean;
}

const Loose = z.record(z.string(), z.unknown());
const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((each) => Loose.safeParse(each).success) : [];
const record = (value: unknown): Record<string, unknown> => Loose.safeParse(value).data ?? {};
const string = (value: unknown): string => (typeof value === 'string' ? value : '');

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content)
    .map((block) => string(block['text']) || string(block['content']))
    .join('\n');
}

function toolOf(name: unknown, schema: unknown, more: Partial<Tool> = {}): Tool {
  return { name: string(name), schema: record(schema), ...more };
}

/** The wire that a path belongs to; undefined for what is no question to a model. */
export function wireOf(path: string): Wire | undefined {
  if (path.endsWith('/messages')) return 'anthropic';
  if (path.endsWith('/chat/completions')) return 'chat';
  if (path.endsWith('/responses')) return 'responses';
  return /:(stream)?generateContent$/i.test(path) ? 'gemini' : undefined;
}

/** Reads a request. */
export function readRequest(wire: Wire, path: string, body: Record<string, unknown>): ModelRequest {
  const stream = wire === 'gemini' ? /stream/i.test(path) : body['stream'] === true;
  const json = record(body['generationConfig'])['responseMimeType'] === 'application/json';
  return { wire, model: string(body['model']) || 'scripted', stream, json, ...READERS[wire](body) };
}

type Reader = (body: Record<string, unknown>) => { said: Said[]; tools: Tool[] };

const READERS: Record<Wire, Reader> = { anthropic: readAnthropic, chat: readChat, responses: readResponses, gemini: readGemini };

function readAnthropic(body: Record<string, unknown>): ReturnType<Reader> {
  const tools = list(body['tools']).map((tool) => toolOf(tool['name'], tool['input_schema']));
  const said = list(body['messages']).flatMap(({ role, content }): Said[] => {
    const blocks = list(content);
    if (role === 'assistant') return blocks.some(({ type }) => type === 'tool_use') ? [{ kind: 'call' }] : [];
    const text = typeof content === 'string' ? content : textOf(blocks.filter(({ type }) => type === 'text'));
    const results = blocks
      .filter(({ type }) => type === 'tool_result')
      .map((block): Said => ({ kind: 'result', text: textOf(block['content']) }));
    return [...(text === '' ? [] : [{ kind: 'user', text } as const]), ...results];
  });
  return { said, tools };
}

function readChat(body: Record<string, unknown>): ReturnType<Reader> {
  const tools = list(body['tools']).map((tool) => {
    const about = 'function' in tool ? record(tool['function']) : tool;
    return toolOf(about['name'], about['parameters']);
  });
  const said = list(body['messages']).flatMap((message): Said[] => {
    if (message['role'] === 'assistant') return list(message['tool_calls']).length > 0 ? [{ kind: 'call' }] : [];
    if (message['role'] === 'user') return [{ kind: 'user', text: textOf(message['content']) }];
    return message['role'] === 'tool' ? [{ kind: 'result', text: textOf(message['content']) }] : [];
  });
  return { said, tools };
}

function readResponses(body: Record<string, unknown>): ReturnType<Reader> {
  const tools = list(body['tools']).flatMap((tool): Tool[] => {
    const inner = tool['type'] === 'namespace' ? list(tool['tools']) : [];
    if (inner.length > 0)
      return inner.map((each) =>
        toolOf(each['name'], each['parameters'], { namespace: string(tool['name']), custom: each['type'] === 'custom' }),
      );
    return [toolOf(tool['name'] ?? tool['type'], tool['parameters'], { custom: tool['type'] === 'custom' })];
  });
  const input = typeof body['input'] === 'string' ? [{ role: 'user', content: body['input'] }] : list(body['input']);
  const said: Said[] = [];
  let calls = false;
  for (const item of input) {
    const type = string(item['type']);
    // Calls that were made together are one step.
    if (type.endsWith('_call') && !calls) said.push({ kind: 'call' });
    calls = type.endsWith('_call');
    if (type.endsWith('_call_output')) said.push({ kind: 'result', text: textOf(item['output']) });
    else if (item['role'] === 'user') said.push({ kind: 'user', text: textOf(item['content']) });
  }
  return { said, tools };
}

function readGemini(body: Record<string, unknown>): ReturnType<Reader> {
  const tools = list(body['tools'])
    .flatMap((each) => list(each['functionDeclarations']))
    .map((tool) => toolOf(tool['name'], tool['parametersJsonSchema'] ?? tool['parameters']));
  const said = list(body['contents']).flatMap(({ role, parts }): Said[] => {
    if (role === 'model') return list(parts).some((part) => 'functionCall' in part) ? [{ kind: 'call' }] : [];
    return list(parts).flatMap((part): Said[] => {
      if ('functionResponse' in part) return [{ kind: 'result', text: JSON.stringify(record(part['functionResponse'])['response']) }];
      return typeof part['text'] === 'string' ? [{ kind: 'user', text: part['text'] }] : [];
    });
  });
  return { said, tools };
}

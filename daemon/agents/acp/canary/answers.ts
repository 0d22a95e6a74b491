/** What a scripted model says, in each of the four wires: as server-sent events, or as one JSON document. */
import type { Call } from './script.ts';
import type { ModelRequest, Wire } from './wires.ts';

/** What is to be said: calls, or pieces of text that may take their time. */
export interface Reply {
  id: number;
  model: string;
  calls: readonly Call[];
  texts(): AsyncIterable<string>;
}

/** A server-sent event: its name, which some wires have, and its data. */
export type ServerEvent = [name: string | undefined, data: unknown];

interface Speech {
  events(reply: Reply): AsyncIterable<ServerEvent>;
  document(reply: Reply, text: string): unknown;
}

const TOKENS = { input: 1_200, output: 37, cached: 200 };
const CREATED = 1_767_225_600;

const callId = (reply: Reply, index: number): string => `call_${reply.id}_${index}`;

/** The answer as events, in the words of the request's wire. */
export function speak(request: ModelRequest, reply: Reply): AsyncIterable<ServerEvent> {
  return SPEECHES[request.wire].events(reply);
}

/** The answer as one document. */
export async function speakAtOnce(request: ModelRequest, reply: Reply): Promise<unknown> {
  let text = '';
  for await (const piece of reply.texts()) text += piece;
  return SPEECHES[request.wire].document(reply, text);
}

const anthropicUsage = { input_tokens: TOKENS.input, cache_read_input_tokens: TOKENS.cached, cache_creation_input_tokens: 0 };

const anthropic: Speech = {
  async *events(reply) {
    const usage = { ...anthropicUsage, output_tokens: 1 };
    const head = {
      id: `msg_${reply.id}`,
      type: 'message',
      role: 'assistant',
      model: reply.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    };
    const event = (type: string, more: object): ServerEvent => [type, { type, ...more }];
    yield event('message_start', { message: head });
    if (reply.calls.length === 0) {
      yield event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
      for await (const text of reply.texts()) yield event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
      yield event('content_block_stop', { index: 0 });
    }
    for (const [index, call] of reply.calls.entries()) {
      yield event('content_block_start', {
        index,
        content_block: { type: 'tool_use', id: `toolu_${callId(reply, index)}`, name: call.name, input: {} },
      });
      yield event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: JSON.stringify(call.args) } });
      yield event('content_block_stop', { index });
    }
    const stop = reply.calls.length > 0 ? 'tool_use' : 'end_turn';
    yield event('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: TOKENS.output } });
    yield event('message_stop', {});
  },
  document: (reply, text) => ({
    id: `msg_${reply.id}`,
    type: 'message',
    role: 'assistant',
    model: reply.model,
    content:
      reply.calls.length > 0
        ? reply.calls.map((call, index) => ({ type: 'tool_use', id: `toolu_${callId(reply, index)}`, name: call.name, input: call.args }))
        : [{ type: 'text', text }],
    stop_reason: reply.calls.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { ...anthropicUsage, output_tokens: TOKENS.output },
  }),
};

const chatUsage = {
  prompt_tokens: TOKENS.input + TOKENS.cached,
  completion_tokens: TOKENS.output,
  total_tokens: TOKENS.input + TOKENS.cached + TOKENS.output,
  prompt_tokens_details: { cached_tokens: TOKENS.cached },
};

const chatCalls = (reply: Reply): object[] =>
  reply.calls.map((call, index) => ({
    index,
    id: callId(reply, index),
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.args) },
  }));

const chat: Speech = {
  async *events(reply) {
    const base = { id: `chatcmpl-${reply.id}`, created: CREATED, model: reply.model, object: 'chat.completion.chunk' };
    const chunk = (delta: object, finish_reason: string | null = null): ServerEvent => [
      undefined,
      { ...base, choices: [{ index: 0, delta, finish_reason }] },
    ];
    yield chunk({ role: 'assistant', content: '' });
    if (reply.calls.length > 0) yield chunk({ tool_calls: chatCalls(reply) });
    else for await (const content of reply.texts()) yield chunk({ content });
    yield chunk({}, reply.calls.length > 0 ? 'tool_calls' : 'stop');
    yield [undefined, { ...base, choices: [], usage: chatUsage }];
    yield [undefined, '[DONE]'];
  },
  document: (reply, text) => {
    const calls = chatCalls(reply);
    const message = { role: 'assistant', content: calls.length > 0 ? null : text, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
    const choice = { index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' };
    return {
      id: `chatcmpl-${reply.id}`,
      created: CREATED,
      model: reply.model,
      object: 'chat.completion',
      choices: [choice],
      usage: chatUsage,
    };
  },
};

const responsesUsage = {
  input_tokens: TOKENS.input + TOKENS.cached,
  input_tokens_details: { cached_tokens: TOKENS.cached },
  output_tokens: TOKENS.output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: TOKENS.input + TOKENS.cached + TOKENS.output,
};

function responseCalls(reply: Reply): Record<string, unknown>[] {
  return reply.calls.map((call, index) => {
    const about = { call_id: callId(reply, index), name: call.name };
    if (call.custom === true) return { type: 'custom_tool_call', id: `ctc_${reply.id}_${index}`, ...about, input: call.input ?? '' };
    const namespace = call.namespace === undefined ? {} : { namespace: call.namespace };
    return {
      type: 'function_call',
      id: `fc_${reply.id}_${index}`,
      ...about,
      ...namespace,
      arguments: JSON.stringify(call.args),
      status: 'completed',
    };
  });
}

const responseText = (reply: Reply, text: string): Record<string, unknown> => ({
  type: 'message',
  id: `msg_${reply.id}`,
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

const responseHead = (reply: Reply): object => ({ id: `resp_${reply.id}`, object: 'response', created_at: CREATED, model: reply.model });

const responses: Speech = {
  async *events(reply) {
    const event = (type: string, more: object): ServerEvent => [type, { type, ...more }];
    yield event('response.created', { response: { ...responseHead(reply), status: 'in_progress', output: [] } });
    const items = responseCalls(reply);
    for (const [output_index, item] of items.entries()) {
      const begun = 'arguments' in item ? { ...item, arguments: '' } : item;
      yield event('response.output_item.added', { output_index, item: begun });
      if (!('arguments' in item)) continue;
      const at = { item_id: item['id'], output_index };
      yield event('response.function_call_arguments.delta', { ...at, delta: item['arguments'] });
      yield event('response.function_call_arguments.done', { ...at, arguments: item['arguments'] });
    }
    if (items.length === 0) {
      const at = { item_id: `msg_${reply.id}`, output_index: 0, content_index: 0 };
      yield event('response.output_item.added', {
        output_index: 0,
        item: { ...responseText(reply, ''), status: 'in_progress', content: [] },
      });
      yield event('response.content_part.added', { ...at, part: { type: 'output_text', text: '', annotations: [] } });
      let text = '';
      for await (const delta of reply.texts()) {
        text += delta;
        yield event('response.output_text.delta', { ...at, delta });
      }
      yield event('response.output_text.done', { ...at, text });
      items.push(responseText(reply, text));
    }
    for (const [output_index, item] of items.entries()) yield event('response.output_item.done', { output_index, item });
    yield event('response.completed', { response: { ...responseHead(reply), status: 'completed', output: items, usage: responsesUsage } });
  },
  document: (reply, text) => ({
    ...responseHead(reply),
    status: 'completed',
    output: reply.calls.length > 0 ? responseCalls(reply) : [responseText(reply, text)],
    usage: responsesUsage,
  }),
};

const geminiUsage = {
  promptTokenCount: TOKENS.input + TOKENS.cached,
  cachedContentTokenCount: TOKENS.cached,
  candidatesTokenCount: TOKENS.output,
  totalTokenCount: TOKENS.input + TOKENS.cached + TOKENS.output,
};

const geminiPart = (parts: object[], finishReason?: 'STOP'): object => ({
  candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason === undefined ? {} : { finishReason }) }],
  usageMetadata: geminiUsage,
  modelVersion: 'scripted',
});

const geminiCalls = (reply: Reply): object[] =>
  reply.calls.map((call, index) => ({ functionCall: { id: callId(reply, index), name: call.name, args: call.args } }));

const gemini: Speech = {
  async *events(reply) {
    if (reply.calls.length > 0) yield [undefined, geminiPart(geminiCalls(reply), 'STOP')];
    else {
      for await (const text of reply.texts()) yield [undefined, geminiPart([{ text }])];
      yield [undefined, geminiPart([{ text: '' }], 'STOP')];
    }
  },
  document: (reply, text) => geminiPart(reply.calls.length > 0 ? geminiCalls(reply) : [{ text }], 'STOP'),
};

const SPEECHES: Record<Wire, Speech> = { anthropic, chat, responses, gemini };

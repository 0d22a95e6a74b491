/**
 * A model that does what a script in the prompt says, on a loopback port: it lets a real agent be driven without a key and
 * without a network, through decoys whose effects can be looked at. Nothing of it is used in an ordinary attempt.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { speak, speakAtOnce, type Reply } from './answers.ts';
import { nextStep, resolveStep, type Call, type Step } from './script.ts';
import { readRequest, wireOf, type ModelRequest } from './wires.ts';

const MAX_BODY = 16 * 1024 * 1024;
const TICK_MS = 200;
/** What Gemini's own questions about models and turns take for an answer. */
const ROUTE = JSON.stringify({
  reasoning: 'scripted',
  model_choice: 'flash',
  next_speaker: 'user',
  complexity_reasoning: 'scripted',
  complexity_score: 10,
});

/** One request as it came, for whoever looks at it afterwards. */
export interface ModelCall {
  model: string;
  wire: string;
  tools: string[];
  calls: Call[];
  /** What the tools had said since the last call. */
  results: string[];
}

export interface ModelServer {
  readonly url: string;
  readonly calls: readonly ModelCall[];
  /** Paths of requests that were no question to a model. */
  readonly others: readonly string[];
  close(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startModelServer(): Promise<ModelServer> {
  const calls: ModelCall[] = [];
  const others: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response, { calls, others }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    others,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface Log {
  calls: ModelCall[];
  others: string[];
}

async function answer(request: IncomingMessage, response: ServerResponse, log: Log): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?');
  const body = await readBody(request);
  const wire = wireOf(path);
  if (wire === undefined) return answerOther(path, response, log);
  const asked = readRequest(wire, path, body);
  // Agents ask small things beside the conversation, such as a title, without offering tools.
  const step: Step = asked.json ? { text: ROUTE } : asked.tools.length === 0 ? { text: 'a title' } : nextStep(asked.said);
  if ('status' in step) {
    response.writeHead(step.status, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ type: 'error', error: { type: 'authentication_error', message: 'as the script says', code: step.status } }),
    );
    return;
  }
  const call = 'op' in step ? resolveStep(step, asked.tools) : undefined;
  log.calls.push({
    model: asked.model,
    wire,
    tools: asked.tools.map(({ name }) => name),
    calls: call === undefined ? [] : [call],
    results: lastResults(asked),
  });
  const reply: Reply = {
    id: log.calls.length,
    model: asked.model,
    calls: call === undefined ? [] : [call],
    texts: () => tellTexts(step, response),
  };
  await send(asked, reply, response);
}

async function send(asked: ModelRequest, reply: Reply, response: ServerResponse): Promise<void> {
  if (!asked.stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(await speakAtOnce(asked, reply)));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for await (const [name, data] of speak(asked, reply)) {
    if (response.destroyed) return;
    response.write(`${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  }
  response.end();
}

async function* tellTexts(step: Step, response: ServerResponse): AsyncGenerator<string> {
  if ('hang' in step) {
    for (let left = step.hang; left > 0 && !response.destroyed; left -= TICK_MS) {
      yield 'tick ';
      await delay(TICK_MS);
    }
  } else if ('text' in step) yield* step.text.match(/\S+\s*/g) ?? [];
  else yield 'No tool for that was offered.';
}

function lastResults({ said }: ModelRequest): string[] {
  const last = said.findLastIndex(({ kind }) => kind === 'call');
  return said.slice(last + 1).flatMap((each) => (each.kind === 'result' ? [each.text.slice(0, 4_000)] : []));
}

function answerOther(path: string, response: ServerResponse, { others }: Log): void {
  others.push(path);
  const answers: [RegExp, unknown][] = [
    [/\/count_tokens$/, { input_tokens: 1_000 }],
    [/:countTokens$/, { totalTokens: 1_000 }],
    [
      /\/models$/,
      {
        object: 'list',
        data: [{ id: 'scripted', object: 'model', type: 'model', display_name: 'Scripted', created_at: '2026-01-01T00:00:00Z' }],
        models: [],
        has_more: false,
      },
    ],
    [/^\/?$/, {}],
  ];
  const found = answers.find(([pattern]) => pattern.test(path));
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found ? found[1] : { error: { type: 'not_found_error', message: 'There is no such path.' } }));
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY) throw new Error('The request is too large.');
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

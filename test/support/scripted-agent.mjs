#!/usr/bin/env node
// An agent that speaks ACP on its pipes and does what a script says, also what no agent may do.
// The script is JSON: a list of steps in the prompt, between [[ and ]], or in SCRIPTED_AGENT for what happens before a prompt.
//   {"say":TEXT} {"think":TEXT} {"plan":[..]} {"ask":{..toolCall},"granted":[steps],"refused":[steps]} {"tool":{..update}} {"write":PATH,"text":T}
//   {"clientWrite":PATH,"text":T} {"run":COMMAND} {"update":{..}} {"usage":{..}} {"stop":REASON} {"remember":true}
//   {"hang":true} {"crash":CODE} {"garbage":LINES} {"flood":MESSAGES} {"huge":BYTES} {"answerTwice":true} {"answerDead":true}
//   {"child":true} {"stderr":TEXT} {"error":MESSAGE} {"recall":true}
//   {"call":TOOL,"input":{..},"era":REVISION} calls a tool of the first MCP server of the session; {"http":BODY,"headers":{..}} posts there; {"model":NAME} asks its model
// Before a prompt: {"hangAt":METHOD} {"errorAt":METHOD,"code":N} {"version":N} {"modes":[..]} {"ignoreTerm":true} {"ignoreCancel":true}
//   {"stdio":true} (takes MCP servers as programs only) {"loads":true}: it remembers its sessions in HOME, and tells them again when it loads one; {"lies":true}: it only says so;
//   {"script":[steps]} for prompts that have none; {"replays":UPDATES} more of them; {"asksWhileLoading":TOOLCALL}; {"crashAt":METHOD}
// In place of what a prompt says: {"always":[steps]}
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const setup = JSON.parse(process.env.SCRIPTED_AGENT ?? '{}');
if (setup.ignoreTerm) process.on('SIGTERM', () => {});
if (setup.crashAtStart) process.exit(setup.crashAtStart);

const waiting = new Map();
let ids = 0;
let canceled = () => {};
let session = '';

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const MEMORY = `${process.env.HOME}/scripted-session.json`;
const memory = setup.loads && existsSync(MEMORY) ? JSON.parse(readFileSync(MEMORY, 'utf8')) : [];
const remember = (body) => {
  memory.push(body);
  if (setup.loads) writeFileSync(MEMORY, JSON.stringify(memory));
};
const tell = (body) => send({ method: 'session/update', params: { sessionId: session, update: body } });
const update = (body) => {
  remember(body);
  tell(body);
};
const chunk = (sessionUpdate, text) => update({ sessionUpdate, content: { type: 'text', text } });
const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `agent-${++ids}`;
    waiting.set(id, resolve);
    send({ id, method, params });
  });

const OPTIONS = [
  { optionId: 'always', name: 'Always', kind: 'allow_always' },
  { optionId: 'once', name: 'Once', kind: 'allow_once' },
  { optionId: 'no', name: 'No', kind: 'reject_once' },
];

const STEPS = {
  say: ({ say }) => chunk('agent_message_chunk', say),
  think: ({ think }) => chunk('agent_thought_chunk', think),
  plan: ({ plan }) => update({ sessionUpdate: 'plan', entries: plan }),
  tool: ({ tool }) => update({ sessionUpdate: 'tool_call_update', ...tool }),
  update: ({ update: body }) => update(body),
  async ask({ ask: toolCall, options = OPTIONS, granted = [], refused = [] }) {
    const answer = await ask('session/request_permission', { sessionId: session, toolCall, options });
    const { outcome, optionId } = answer.result?.outcome ?? {};
    chunk('agent_message_chunk', `(${outcome === 'selected' ? optionId : (outcome ?? answer.error?.message)})`);
    return play(outcome === 'selected' && ['once', 'always'].includes(optionId) ? granted : refused);
  },
  recall: () => chunk('agent_message_chunk', `(${memory.filter((each) => each.sessionUpdate === 'user_message_chunk').length} prompts)`),
  write: ({ write, text = '' }) => writeFileSync(write, text),
  async clientWrite({ clientWrite, text = '' }) {
    const answer = await ask('fs/write_text_file', { sessionId: session, path: clientWrite, content: text });
    chunk('agent_message_chunk', answer.error ? `(refused: ${answer.error.message})` : '(written)');
  },
  run: ({ run }) => void spawnSync('sh', ['-c', run]),
  stderr: ({ stderr }) => void process.stderr.write(stderr),
  async call({ call, input = {}, era = '2025-06-18', until }) {
    const ask = () => callTool(mcpServer, { tool: call, input, era });
    let result = await ask();
    while (until !== undefined && result.data?.status !== until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      result = await ask();
    }
    chunk('agent_message_chunk', `(${call}: ${JSON.stringify(result)})`);
  },
  async http({ http, headers = {}, path, times = 1 }) {
    const own = Object.fromEntries(mcpServer.headers.map(({ name, value }) => [name, value]));
    const url = path === undefined ? mcpServer.url : new URL(path, mcpServer.url);
    const answer = await fetch(url, { method: 'POST', headers: { ...JSON_HEADERS, ...own, ...headers }, body: http.repeat(times) });
    chunk('agent_message_chunk', `(http ${answer.status}: ${(await answer.text()).trim()})`);
  },
  async model({ model }) {
    const body = JSON.stringify({ model, max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'x' }] });
    const answer = await fetch(`${process.env.ANTHROPIC_BASE_URL}/v1/messages`, { method: 'POST', headers: JSON_HEADERS, body });
    chunk('agent_message_chunk', `(model ${answer.status} ${(await answer.text()).includes('message_stop')})`);
  },
  // For a test of what is left of it: where the server is, and what opens it.
  where: () => chunk('agent_message_chunk', `(where ${JSON.stringify(mcpServer)})`),
  hang: () => (stopReason === 'cancelled' ? undefined : new Promise((resolve) => (canceled = resolve))),
  crash: ({ crash }) => process.exit(crash),
  garbage: ({ garbage }) => process.stdout.write('this is no message\n'.repeat(garbage)),
  async flood({ flood }) {
    for (let i = 0; i < flood; i += 1) {
      chunk('agent_message_chunk', 'x');
      if (i % 1000 === 0) await new Promise(setImmediate);
    }
  },
  huge: ({ huge }) => void process.stdout.write('y'.repeat(huge)),
  answerTwice: () => send({ id: lastAnswered, result: {} }),
  answerDead: () => send({ id: 9_999, result: {} }),
  child() {
    const child = spawn('sh', ['-c', 'trap "" TERM; sleep 300 & wait; sleep 300'], { detached: true, stdio: 'ignore' });
    child.unref();
  },
};

let mcpServer;
const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const NEW_ERA = '2026-07-28';

/** Calls a tool as clients of that revision do: the older ones begin with a handshake, the newer ones say all of it each time. */
async function callTool(server, { tool, input, era }) {
  const modern = era === NEW_ERA;
  const own = 'io.modelcontextprotocol';
  const _meta = {
    [`${own}/protocolVersion`]: era,
    [`${own}/clientInfo`]: { name: 'scripted', version: '1' },
    [`${own}/clientCapabilities`]: {},
  };
  const hello = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: era, capabilities: {}, clientInfo: { name: 'scripted', version: '1' } },
  };
  const params = { name: tool, arguments: input, ...(modern ? { _meta } : {}) };
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params };
  const messages = modern ? [call] : [hello, { jsonrpc: '2.0', method: 'notifications/initialized' }, call];
  const speak = server.type === 'http' ? speakHttp : speakPipe;
  const answers = await speak(
    server,
    messages,
    modern ? { 'mcp-protocol-version': era, 'mcp-method': 'tools/call', 'mcp-name': tool } : {},
  );
  if (!modern && answers[0].result.protocolVersion !== era) throw new Error(`It speaks ${answers[0].result.protocolVersion}.`);
  const { result, error } = answers.at(-1);
  return error ?? { ...(result.isError ? { isError: true } : {}), text: result.content[0].text, data: result.structuredContent };
}

async function speakHttp({ url, headers }, messages, more) {
  const own = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
  const answers = [];
  for (const message of messages) {
    const answer = await fetch(url, { method: 'POST', headers: { ...JSON_HEADERS, ...own, ...more }, body: JSON.stringify(message) });
    const text = await answer.text();
    if (message.id === undefined) continue;
    const [, data] = /^data: (.+)$/m.exec(text) ?? [];
    answers.push(JSON.parse(data ?? text));
  }
  return answers;
}

async function speakPipe({ command, args, env }, messages) {
  const more = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...more } });
  for (const message of messages) child.stdin.write(`${JSON.stringify(message)}\n`);
  const answers = [];
  for await (const line of createInterface({ input: child.stdout })) {
    answers.push(JSON.parse(line));
    if (answers.at(-1).id === 2) break;
  }
  child.kill();
  return answers;
}

let lastAnswered;
let stopReason = 'end_turn';
let usage;

async function play(steps) {
  for (const step of steps) {
    if ('stop' in step) stopReason = step.stop;
    else if ('usage' in step) usage = step.usage;
    else if ('error' in step) throw new Error(step.error);
    else {
      const [name] = Object.keys(step);
      await STEPS[name](step);
    }
  }
}

async function prompt(params) {
  const text = params.prompt.map((part) => part.text ?? '').join('\n');
  remember({ sessionUpdate: 'user_message_chunk', content: { type: 'text', text } });
  const script = /\[\[((?:(?!\[\[)[\s\S])*)\]\][^\]]*$/.exec(text);
  stopReason = 'end_turn';
  usage = undefined;
  if (setup.always) await play(setup.always);
  else if (!script && setup.script) await play(setup.script);
  else if (!script) chunk('agent_message_chunk', `I was told: ${text}`);
  else await play(JSON.parse(script[1]));
  return { stopReason, ...(usage ? { usage } : {}) };
}

const METHODS = {
  initialize: () => ({
    protocolVersion: setup.version ?? 1,
    agentCapabilities: { loadSession: Boolean(setup.loads || setup.lies), mcpCapabilities: { http: setup.stdio !== true } },
    agentInfo: { name: 'scripted', version: '1.2.3' },
    authMethods: [],
  }),
  'session/new'(params) {
    [mcpServer] = params.mcpServers;
    session = 'session-1';
    send({ method: '_auth/status_update', params: { authStatus: { kind: 'none', label: `in ${params.cwd}` } } });
    const modes = (setup.modes ?? ['default']).map((id) => ({ id, name: id }));
    return { sessionId: session, modes: { currentModeId: modes[0]?.id ?? '', availableModes: modes } };
  },
  async 'session/load'(params) {
    if (setup.lies) return null;
    if (!existsSync(MEMORY)) throw new Error(`there is no session ${params.sessionId}`);
    session = params.sessionId;
    for (const body of memory) tell(body);
    for (let i = 0; i < (setup.replays ?? 0); i += 1) {
      tell({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `old ${i}. ` } });
      if (i % 1000 === 0) await new Promise(setImmediate);
    }
    if (setup.asksWhileLoading) {
      const answer = await ask('session/request_permission', { sessionId: session, toolCall: setup.asksWhileLoading, options: OPTIONS });
      tell({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `(asked: ${answer.result?.outcome?.outcome})` } });
    }
    return { modes: { currentModeId: 'default', availableModes: [{ id: 'default', name: 'default' }] } };
  },
  'session/set_mode': () => ({}),
  'session/prompt': prompt,
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const message = JSON.parse(line);
  if (message.method === undefined) {
    waiting.get(message.id)?.(message);
    return;
  }
  if (message.method === 'session/cancel') {
    if (setup.ignoreCancel) return;
    stopReason = 'cancelled';
    canceled();
    return;
  }
  if (setup.crashAt === message.method) process.exit(5);
  if (message.id === undefined || setup.hangAt === message.method) return;
  if (setup.errorAt === message.method) {
    send({ id: message.id, error: { code: setup.code ?? -32_603, message: 'as the script says' } });
    return;
  }
  try {
    const result = await METHODS[message.method](message.params);
    lastAnswered = message.id;
    send({ id: message.id, result });
  } catch (error) {
    send({ id: message.id, error: { code: -32_603, message: error.message } });
  }
});
process.stdin.on('end', () => {
  if (!setup.ignoreTerm) process.exit(0);
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startModelServer } from '../../../../daemon/agents/acp/canary/model-server.ts';
import { CanaryFailed, runCanary } from '../../../../daemon/agents/acp/canary/run.ts';
import { markScript, type Step } from '../../../../daemon/agents/acp/canary/script.ts';
import { Profile } from '../../../../daemon/agents/acp/profiles.ts';
import type { Adapter, AttemptEvent, AttemptSpec } from '../../../../daemon/agents/agent.ts';
import { describeWanted } from '../../../../daemon/boot/wanted.ts';

const SCRIPT = markScript([{ op: 'bash', command: 'ls' }, { text: 'all done' }]);
const schema = { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] };

/** The first question of a conversation in each wire, and the second, after the tool has answered. */
const WIRES: { name: string; path: string; ask(again: boolean): object }[] = [
  {
    name: 'Anthropic Messages',
    path: '/v1/messages',
    ask: (again) => ({
      stream: true,
      tools: [{ name: 'Bash', input_schema: schema }],
      messages: [{ role: 'user', content: SCRIPT }, ...(again ? [{ role: 'assistant', content: [{ type: 'tool_use' }] }] : [])],
    }),
  },
  {
    name: 'OpenAI chat',
    path: '/v1/chat/completions',
    ask: (again) => ({
      tools: [{ type: 'function', function: { name: 'bash', parameters: schema } }],
      messages: [{ role: 'user', content: SCRIPT }, ...(again ? [{ role: 'assistant', tool_calls: [{}] }] : [])],
    }),
  },
  {
    name: 'OpenAI Responses',
    path: '/v1/responses',
    ask: (again) => ({
      stream: true,
      tools: [{ type: 'function', name: 'shell', parameters: schema }],
      input: [{ role: 'user', content: [{ type: 'input_text', text: SCRIPT }] }, ...(again ? [{ type: 'function_call' }] : [])],
    }),
  },
  {
    name: 'Gemini',
    path: '/v1beta/models/x:streamGenerateContent?alt=sse',
    ask: (again) => ({
      tools: [{ functionDeclarations: [{ name: 'run_shell_command', parametersJsonSchema: schema }] }],
      contents: [{ role: 'user', parts: [{ text: SCRIPT }] }, ...(again ? [{ role: 'model', parts: [{ functionCall: {} }] }] : [])],
    }),
  },
];

async function post(url: string, body: object): Promise<string> {
  return (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).text();
}

/** An agent that asks its model what to do, asks before plain commands, and runs anything else at once. */
const careless = ({ env }: Profile): Adapter => ({
  start(spec, emit) {
    void act(spec, env['MODEL'] ?? '', emit);
    return { cancel: () => Promise.resolve() };
  },
});

async function act(spec: AttemptSpec, url: string, emit: (event: AttemptEvent) => void): Promise<void> {
  emit({ type: 'started' });
  const tools = [{ name: 'Bash', input_schema: schema }];
  const answer = await post(`${url}/v1/messages`, { tools, messages: [{ role: 'user', content: spec.prompt }] });
  const { content } = JSON.parse(answer) as { content: { input?: { command?: string } }[] };
  const line = content[0]?.input?.command;
  if (line?.startsWith('touch') === true) {
    const { action } = await describeWanted(spec, { kind: 'execute', line, argv: [], cwd: '' }, '');
    await new Promise<void>((resolve) => emit({ type: 'wants', wanted: { key: '1', action }, answer: () => resolve() }));
  } else if (line !== undefined) writeFileSync(join(spec.worktree?.path ?? '', 'decoy-compound'), '');
  emit({ type: 'ended', outcome: { status: 'succeeded', values: { version: '7.0.0' } } });
}

describe('agents: canary', () => {
  it('the scripted model speaks four wires, and goes on with its script', async () => {
    const model = await startModelServer();
    try {
      for (const { name, path, ask } of WIRES) {
        const first = await post(model.url + path, ask(false));
        assert.match(first, /ls/, name);
        assert.match((await post(model.url + path, ask(true))).replace(/"[^"]*delta[^"]*"/g, ''), /all /, name);
      }
      assert.deepEqual(
        model.calls.map(({ calls }) => calls.map((call) => call.args['command'])),
        WIRES.flatMap(() => [['ls'], []]),
      );
      assert.equal((await fetch(`${model.url}/nowhere`)).status, 404);
    } finally {
      await model.close();
    }
  });

  const profile = Profile.parse({ agent: 'careless', title: 'Careless', program: 'none', canary: { env: { MODEL: '{stub}' } } });
  const parts = { profile, canary: { env: { MODEL: '{stub}' }, files: {} }, endpoint: '/nowhere/endpoint.json', now: () => 'now' };

  it('tells what was decided from what happened unseen, and from what could not be tried', async () => {
    const report = await runCanary({ ...parts, adapterFor: careless });
    assert.equal(report.version, '7.0.0');
    assert.deepEqual(
      report.rows.map(({ decoy, result }) => `${decoy}: ${result}`),
      [
        'command: decided',
        'compound: unseen',
        'edit: not tried',
        'edit-outside: not tried',
        'command-outside: decided',
        'subagent: not tried',
        'network: not tried',
        'endpoint: refused',
        'hooks: refused',
      ],
    );
  });

  it('does not call an agent proven that did nothing', async () => {
    const dead: Adapter = {
      start(_spec, emit) {
        emit({ type: 'ended', outcome: { status: 'failed', error: { code: 'agent_missing', message: 'It is not there.' }, values: {} } });
        return { cancel: () => Promise.resolve() };
      },
    };
    await assert.rejects(
      runCanary({ ...parts, adapterFor: () => dead }),
      (error) => error instanceof CanaryFailed && /not there/.test(error.message),
    );
  });

  it('keeps a script whole, whatever stands in it', () => {
    const steps: Step[] = [{ text: '[[script:x]] ]] {a.b}' }];
    assert.match(markScript(steps), /^\[\[script:[A-Za-z0-9_-]+\]\]$/);
  });
});

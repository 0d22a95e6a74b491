// Agents call back over MCP: in a real sandbox through the relay, outside of it on a loopback port, over HTTP and on pipes.
// Long because: one daemon and its agents serve all of it; another start would cost more than the lines.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ModelServer, startModelServer } from '../../../../daemon/agents/acp/canary/model-server.ts';
import { inspectMachine } from '../../../../daemon/platform/sandbox/machine.ts';
import type { Connected } from '../../../../daemon/rpc/connect.ts';
import type { RunDetail } from '../../../../shared/protocol/views.ts';
import { finishRun } from '../../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../../support/daemon.ts';
import { CLI, environmentOf } from '../../../support/programs.ts';
import { makeRepo, removeTempFolders } from '../../../support/repos.ts';

const AGENT = fileURLToPath(new URL('../../../support/scripted-agent.mjs', import.meta.url));
const MODERN = '2026-07-28';

const AGENTS = {
  inside: '',
  piped: `env: { SCRIPTED_AGENT: '{"stdio":true}' }\n`,
  outside: 'sandbox: false\n',
  'outside-piped': `sandbox: false\nenv: { SCRIPTED_AGENT: '{"stdio":true}' }\n`,
  deaf: 'mcp: false\n',
};
/** All passes, but for what `outside` wants of these. */
const POLICY = `policy: default
version: 1
default: allow
rules:
  - id: no-work-from-outside
    on: [task.submit]
    when: action.principal == "agent:outside"
    effect: deny
    message: This one gives nobody work.
  - id: no-reading
    on: [agent.mcp]
    when: action.server == "signalbox" && action.tool == "read_artifact" && action.agent == "outside"
    effect: deny
    message: Artifacts are not for this one.
`;

/** One stage: who does it, and the steps of its script. */
interface Scripted {
  agent: string;
  script: readonly unknown[];
  more?: string;
}

/** A script as a prompt; one in it, for another agent, is no end of it. */
function promptOf(script: readonly unknown[]): string {
  const text = JSON.stringify(script).replaceAll('[[', '[\\u005b').replaceAll(']]', ']\\u005d');
  return `Do this: [[${text}]]`;
}

describe('agents call back', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let repo: string;
  let model: ModelServer;
  let sandboxed = false;
  let ids = 0;

  before(async () => {
    home = await makeHome();
    for (const folder of ['agents', 'policies']) await mkdir(join(home, 'config', folder), { recursive: true });
    model = await startModelServer();
    const metered = `meter: { to: '${model.url}', env: { ANTHROPIC_BASE_URL: '{meter}' } }\n`;
    for (const [id, more] of Object.entries({ ...AGENTS, metered }))
      await writeFile(join(home, `config/agents/${id}.yaml`), `agent: ${id}\nprogram: ${AGENT}\nmode: default\n${more}`);
    await writeFile(join(home, 'config/policies/default.yaml'), POLICY);
    sandboxed = (await inspectMachine('auto')).enforcement.level === 'enforced';
    repo = makeRepo({ 'README.md': '# demo\n' });
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    for (const agent of [...Object.keys(AGENTS), 'metered']) await client.call('agent/add', { agent });
  });
  after(async () => {
    client.close();
    await model.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  const start = async (stages: Record<string, Scripted>, rest = ''): Promise<string> => {
    const id = `run-${++ids}`;
    const list = Object.entries(stages).map(
      ([name, { agent, more = '' }]) =>
        `  - id: ${name}\n    agent: ${agent}\n    prompt: '{inputs.${name}}'\n${more === '' ? '' : `    ${more}\n`}`,
    );
    const inputs = Object.keys(stages).map((name) => `  ${name}: { type: string }\n`);
    const text = `workflow: work\nversion: 1\ninputs:\n${inputs.join('')}stages:\n${list.join('')}${rest}`;
    const prompts = Object.entries(stages).map(([name, { script }]) => [name, promptOf(script)]);
    await client.call('run/start', { id, workflow: { file: 'work.yaml', text }, repo, inputs: Object.fromEntries(prompts), again: true });
    return id;
  };
  const play = async (agent: string, script: readonly unknown[]): Promise<{ detail: RunDetail; said: string }> => {
    const detail = await finishRun(client, await start({ work: { agent, script } }));
    return { detail, said: await saidIn(detail, 'work') };
  };
  /** What the agent of a stage said, as its output has it. */
  const saidIn = async ({ attempts, stages }: RunDetail, stage: string): Promise<string> => {
    const task = stages.find(({ id }) => id === stage)?.task;
    const attempt = attempts.findLast((one) => one.task === task)?.id ?? '';
    return (await client.call('spool/read', { attempt })).text;
  };

  for (const [agent, eras] of [
    ['inside', ['2025-06-18', MODERN]],
    ['piped', ['2025-11-25', MODERN]],
    ['outside-piped', ['2025-06-18', MODERN]],
  ] as const)
    it(`${agent}, as clients of ${eras.join(' and ')} do`, async () => {
      const script = eras.map((era, index) => ({ call: 'report_metrics', input: { values: { [`m${index}`]: 80 + index } }, era }));
      const { detail, said } = await play(agent, script);
      assert.equal(detail.run.status, 'success', said);
      for (const name of ['m0', 'm1'])
        assert.ok(said.includes(`{"text":"Recorded ${name}.","data":{"text":"Recorded ${name}.","recorded":["${name}"]}}`), said);
      const [attempt] = detail.attempts;
      assert.deepEqual([detail.stages[0]?.values['m0'], detail.stages[0]?.values['m1']], [80, 81]);
      assert.deepEqual(
        attempt?.tools?.last.map(({ tool, kind, status, answer }) => [tool, kind, status, answer]),
        [
          ['report_metrics', 'mcp', 'completed', 'allowed'],
          ['report_metrics', 'mcp', 'completed', 'allowed'],
        ],
      );
      assert.equal(attempt?.enforcement?.level, sandboxed && !agent.startsWith('outside') ? 'enforced' : 'advisory');
    });

  it('has what its model used counted on the way, whatever it says itself, and reaches the model in no other way', async () => {
    const said = [{ model: 'scripted' }, { model: 'scripted' }, { usage: { inputTokens: 5, outputTokens: 5 } }];
    const { detail, said: told } = await play('metered', said);
    assert.match(told, /\(model 200 true\)\(model 200 true\)/);
    assert.deepEqual(detail.attempts[0]?.usage, { tokens: 2 * 1_437, cost: 0, source: 'metered' });
    assert.deepEqual(
      model.calls.map(({ wire }) => wire),
      ['anthropic', 'anthropic'],
    );
  });

  it('feeds the gate of a stage and its handoff, and reads what an earlier stage made', async () => {
    const metrics = (coverage: number) => ({ call: 'report_metrics', input: { values: { coverage } } });
    const run = await start(
      {
        test: {
          agent: 'inside',
          more: 'outputs: [result.md]\n    gate: ["coverage >= 80%"]',
          script: [
            metrics(40),
            // Asked about first, as some agents do: decided once, and told once.
            {
              ask: { toolCallId: 'm', title: 'x', name: 'mcp__signalbox__report_metrics', rawInput: metrics(91).input },
              granted: [metrics(91)],
            },
            { tool: { toolCallId: 'm', status: 'completed' } },
            { call: 'hand_off', input: { artifacts: [{ name: 'other.md', content: '' }] } },
            { call: 'hand_off', input: { artifacts: [{ name: 'result.md', content: '# Ninety-one\n' }] } },
            { call: 'hand_off', input: { context: { deadline: 'Friday' } } },
          ],
        },
        review: {
          agent: 'piped',
          more: 'needs: [test]',
          script: [{ call: 'read_artifact' }, { call: 'read_artifact', input: { name: 'result.md' } }],
        },
      },
      `handoffs:\n  - id: over\n    from: inside\n    to: piped\n    required_artifacts: [{ name: result.md }]\n    required_context: [deadline]\n`,
    );
    const detail = await finishRun(client, run);
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const said = await saidIn(detail, 'test');
    assert.match(said, /other\.md is no output of the stage test\. Its outputs: result\.md\./);
    assert.match(said, /Handed over\. Still missing: deadline\..*Handed over\. Nothing is missing\./s);
    assert.match(await saidIn(detail, 'review'), /result\.md \(13 bytes\).*# Ninety-one/s);
    const test = detail.stages.find(({ id }) => id === 'test');
    assert.deepEqual([test?.values['coverage'], test?.judged?.map(({ passed }) => passed)], [91, [true]]);
    const { events } = await client.call('events/read', { limit: 1_000, scope: { kind: 'run', run } });
    const ofTest = events.filter(({ data }) => data['stage'] === 'test');
    const decided = ofTest.filter(({ type, data }) => type.includes('policy.decided') && data['kind'] === 'agent.mcp');
    assert.equal(decided.length, 5);
    assert.equal(ofTest.filter(({ type }) => type.includes('agent.tool_called')).length, 5);
  });

  it('tells a person, hears the answer, and does nothing twice for one id', async () => {
    const ask = (id: string, question: string) => ({ call: 'request_approval', input: { id, question, details: 'all of it' } });
    const script = [ask('a', 'Drop the table?'), ask('a', 'Drop the table?'), ask('a', 'Drop another?'), ask('b', 'Keep it?')];
    const run = await start({ work: { agent: 'inside', script } });
    const detail = await finishRun(client, run, { answer: ({ summary }) => (summary === 'Keep it?' ? 'deny' : 'grant') });
    const said = await saidIn(detail, 'work');
    assert.equal(said.match(/: \{"text":"granted: A person said yes/g)?.length, 2, said);
    assert.match(said, /"isError":true,"text":"You used that id for something else/);
    assert.match(said, /denied: Denied by user: the test says so/);
    assert.deepEqual(
      detail.approvals.map(({ summary, status, kind }) => [summary, status, kind]),
      [
        ['Drop the table?', 'used', 'agent.mcp'],
        ['Keep it?', 'denied', 'agent.mcp'],
      ],
    );
  });

  it('denies what the policy denies, lets nobody in without the token, and leaves nothing of the door behind', async () => {
    const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}';
    const { detail, said } = await play('outside', [
      { call: 'read_artifact' },
      { call: 'submit_task', input: { id: 'x', agent: 'inside', prompt: 'work' } },
      { call: 'submit_task', input: { id: 'y', agent: 'command', prompt: 'work' } },
      { call: 'report_metrics', input: { values: { coverage: 1 }, more: true } },
      { call: 'no_such_tool' },
      { http: list, headers: { authorization: 'Bearer nobody' } },
      { http: list, headers: { origin: 'https://example.com' } },
      { http: list, path: '/other' },
      { http: list, times: 50_000 },
      { http: list },
      { where: true },
    ]);
    assert.match(said, /"isError":true,"text":"Denied: Artifacts are not for this one\. Do not try the same again/);
    assert.match(said, /"isError":true,"text":"This one gives nobody work\./);
    assert.match(said, /No agent command takes prompts here\. Those that do: deaf, inside, metered, outside, outside-piped, piped\./);
    assert.match(said, /Unrecognized key: \\"more\\"/);
    assert.match(said, /no_such_tool.*not found/i);
    const answers = [...said.matchAll(/\(http (\d+)/g)].map((match) => match[1]);
    assert.deepEqual(answers, ['401', '403', '404', '413', '200']);
    assert.match(said, /"additionalProperties":false/);
    const server = JSON.parse(/\(where (.+)\)/.exec(said)?.[1] ?? '{}') as { url: string; headers: { value: string }[] };
    const authorization = server.headers[0]?.value ?? '';
    await assert.rejects(fetch(server.url, { method: 'POST', headers: { authorization }, body: list }));
    const log = detail.artifacts.find(({ name }) => name.startsWith('acp-'));
    const { text } = await client.call('artifact/read', { digest: log?.digest ?? '' });
    assert.match(text, /Bearer \[token\]/);
    // What the agent itself says of it is masked there, too.
    assert.ok(!text.includes(authorization.slice(7)));
  });

  it('gives others a part of its task, hears what came of it, and ends them with itself', async () => {
    const inner = promptOf([{ run: 'echo made > made.txt' }, { say: 'I made it.' }]);
    const submit = { call: 'submit_task', input: { id: 'part', agent: 'piped', prompt: inner } };
    const hang = { call: 'submit_task', input: { id: 'hangs', agent: 'deaf', prompt: promptOf([{ where: true }, { hang: true }]) } };
    const run = await start({ work: { agent: 'inside', script: [submit, hang, { ...submit, until: 'completed' }] } });
    const detail = await finishRun(client, run);
    const said = await saidIn(detail, 'work');
    assert.match(said, /completed: I made it\. What it changed is the artifact run-\d+\.0\.sub-part\.diff/);
    const diff = detail.artifacts.find(({ name }) => name === `${run}.0.sub-part.diff`);
    assert.match((await client.call('artifact/read', { digest: diff?.digest ?? '' })).text, /\+made/);
    const tasks = new Map(detail.tasks.map((task) => [task.id, task]));
    assert.equal(tasks.get(`${run}.0.sub-part`)?.parent, `${run}.0`);
    for (;;) {
      const { task } = await client.call('task/get', { task: `${run}.0.sub-hangs` });
      if (task.status === 'canceled') break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });

  it('serves an agent that a person runs himself, with its own task, the same tools, and runs for what it submits', async () => {
    const child = spawn(process.execPath, [CLI, 'mcp', '--as', 'mine'], {
      cwd: repo,
      env: environmentOf(home),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    let id = 0;
    const say = async (method: string, params: unknown): Promise<{ isError?: boolean; text: string; data: Record<string, unknown> }> => {
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })}\n`);
      const { result } = JSON.parse((await lines.next()).value ?? '{}') as { result: unknown };
      const { isError, content, structuredContent } = result as {
        isError?: boolean;
        content?: { text: string }[];
        structuredContent?: Record<string, unknown>;
      };
      return { ...(isError ? { isError } : {}), text: content?.[0]?.text ?? '', data: structuredContent ?? {} };
    };
    const call = (name: string, args: unknown) => say('tools/call', { name, arguments: args });
    await say('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } });
    assert.match((await call('report_metrics', { values: { speed: 3 } })).text, /Recorded speed/);
    const asked = call('request_approval', { id: 'q', question: 'May I rename it?' });
    for (;;) {
      const approval = (await client.call('approval/list', {})).approvals.find(({ agent }) => agent === 'mine');
      if (approval) {
        assert.deepEqual([approval.summary, approval.why[0]], ['May I rename it?', 'mine asks for a yes.']);
        await client.call('approval/answer', { approval: approval.id, answer: 'grant' });
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal((await asked).data['status'], 'granted');
    assert.equal((await call('hand_off', { context: { a: 1 } })).data['code'], 'no_handoff');
    const submit = { id: 'sub', agent: 'outside', prompt: promptOf([{ run: 'echo y > y.txt' }, { say: 'Done it.' }]) };
    let sub = await call('submit_task', submit);
    while (sub.data['status'] === 'queued' || sub.data['status'] === 'running') sub = await call('submit_task', submit);
    assert.match(sub.text, /^success: Done it\. What it changed is on the branch signalbox\/task-/);
    assert.match((await call('read_artifact', {})).text, /acp-/);
    child.stdin.end();
    await once(child, 'exit');
    const { tasks } = await client.call('task/list', {});
    const mine = tasks.find(({ wants }) => wants === 'mine');
    assert.deepEqual([mine?.status, mine?.action, mine?.values], ['completed', 'session', { speed: 3 }]);
    // Its token may not answer for the person.
    const token = await client.call('token/issue', { name: 'mcp:mine', scopes: ['observe', 'submit', 'worker'] });
    const other = await daemon.connect(token.token);
    await assert.rejects(other.call('approval/answer', { approval: 'x', answer: 'grant' }), { code: 'forbidden' });
    await assert.rejects(
      other.call('worker/call', { attempt: mine?.attempt ?? '', token: 1, call: { tool: 'report_progress', input: { text: 'x' } } }),
      { code: 'stale_lease' },
    );
    other.close();
  });
});

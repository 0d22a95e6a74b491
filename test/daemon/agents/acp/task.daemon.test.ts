// Long because: all of its cases share one daemon.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toPicture } from '../../../../daemon/cli/commands/runs.ts';
import { ASCII_GLYPHS, createPaint } from '../../../../daemon/cli/render/paint.ts';
import { renderSessions } from '../../../../daemon/cli/render/sessions.ts';
import { renderToolCalls } from '../../../../daemon/cli/render/tool-calls.ts';
import { describeWork, taskWorkflow } from '../../../../daemon/cli/task-run.ts';
import type { Connected } from '../../../../daemon/rpc/connect.ts';
import { finishRun } from '../../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../../support/daemon.ts';
import { git, makeRepo, removeTempFolders } from '../../../support/repos.ts';

const AGENT = fileURLToPath(new URL('../../../support/scripted-agent.mjs', import.meta.url));
const edit = (path: string, newText: string) => ({
  toolCallId: `e-${path}`,
  title: 'x',
  content: [{ type: 'diff', path, oldText: null, newText }],
});
const command = (line: string) => ({ toolCallId: `c-${line}`, title: 'harmless', kind: 'read', rawInput: { command: line } });

describe('a task of an ACP agent', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let ids = 0;

  before(async () => {
    home = await makeHome();
    await mkdir(join(home, 'config', 'agents'), { recursive: true });
    await mkdir(join(home, 'config', 'policies'), { recursive: true });
    const profile = `agent: scripted\nprogram: ${AGENT}\nmode: default\nuncovered: [Everything.]\ncovers: [.codex]\n`;
    await writeFile(join(home, 'config', 'agents', 'scripted.yaml'), profile);
    await writeFile(join(home, 'config', 'agents', 'denied.yaml'), profile.replace('agent: scripted', 'agent: denied'));
    await writeFile(
      join(home, 'config', 'agents', 'memory.yaml'),
      `${profile.replace('agent: scripted', 'agent: memory')}env: { SCRIPTED_AGENT: '{"loads":true}' }\n`,
    );
    const rules = `policy: no-denied
version: 1
rules:
  - id: never
    on: [agent.register]
    when: action.agent == "denied"
    effect: deny
    message: Not this one.
`;
    await writeFile(join(home, 'config', 'policies', 'no.yaml'), rules);
    daemon = await startDaemon({ home });
    client = await daemon.connect();
  });
  after(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  interface More {
    into?: string;
    agent?: string;
    continues?: string;
  }
  const start = async (repo: string, script: readonly unknown[], { agent = 'scripted', ...more }: More = {}): Promise<string> => {
    const run = `run-${++ids}`;
    const prompt = `Do this: [[${JSON.stringify(script)}]]`;
    const workflow = taskWorkflow(prompt, { agent });
    await client.call('run/start', { id: run, workflow, repo, inputs: { prompt }, again: true, ...more });
    return run;
  };

  /** The daemon ends without a word as soon as the run asks, and begins anew; the question. */
  const killAtQuestion = async (run: string): Promise<string> => {
    for (;;) {
      const [approval] = (await client.call('approval/list', { run })).approvals;
      if (approval) {
        await daemon.end('SIGKILL');
        client.close();
        daemon = await startDaemon({ home });
        client = await daemon.connect();
        return approval.id;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };

  it('finds, examines and registers agents, as far as the policy lets it', async () => {
    const { agents } = await client.call('agent/detect', {});
    assert.deepEqual(
      agents.filter(({ agent }) => agent === 'scripted').map(({ from, registered, uncovered }) => ({ from, registered, uncovered })),
      [{ from: 'path', registered: false, uncovered: ['Everything.'] }],
    );
    const { check } = await client.call('agent/examine', { agent: 'scripted' });
    assert.equal(check.starts, true, check.problem);
    assert.equal(check.version, '1.2.3');
    await assert.rejects(client.call('agent/add', { agent: 'nobody' }), { code: 'not_found' });
    await assert.rejects(client.call('agent/add', { agent: 'denied' }), { code: 'policy_denied', message: 'Not this one.' });
    const added = await client.call('agent/add', { agent: 'scripted' });
    assert.deepEqual([added.existing, added.agent.adapter, added.agent.status], [false, 'acp', 'ready']);
    assert.equal((await client.call('agent/add', { agent: 'scripted' })).existing, true);
    await client.call('agent/add', { agent: 'memory' });
    const { events } = await client.call('events/read', { limit: 1_000 });
    const told = events.filter(({ data }) => data['agent'] === 'scripted').map(({ type }) => type.replace(/^dev\.signalbox\.|\.v1$/g, ''));
    assert.deepEqual(told.slice(0, 4), ['policy.decided', 'approval.requested', 'approval.granted', 'approval.used']);
    await assert.rejects(client.call('agent/remove', { agent: 'command' }), { code: 'invalid_transition' });
  });

  it('lets small edits pass, asks for a command, denies what lies outside, and merges what was granted', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const script = [
      { ask: edit('src/new.txt', 'hello\n'), granted: [{ run: 'mkdir -p src && echo hello > src/new.txt' }] },
      { ask: edit('../outside.txt', 'x'), granted: [{ run: 'touch src/outside-was-allowed' }] },
      { ask: command('npm publish'), granted: [{ run: 'touch src/command-was-allowed' }] },
      { ask: command('rm -rf x'), granted: [{ run: 'touch src/second-was-allowed' }] },
      {
        tool: {
          toolCallId: 'own',
          status: 'completed',
          rawInput: { command: 'curl -H "Authorization: Bearer sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx"' },
        },
      },
      { usage: { inputTokens: 100, outputTokens: 20 } },
      { say: 'done' },
    ];
    const run = await start(repo, script, { into: 'main' });
    const detail = await finishRun(client, run, { answer: ({ summary }) => (/rm -rf/.test(summary) ? 'deny' : 'grant') });
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.equal(git(repo, 'ls-tree', '-r', '--name-only', 'main').trim(), 'README.md\nsrc/command-was-allowed\nsrc/new.txt');
    assert.deepEqual(
      detail.approvals.map(({ kind, status }) => [kind, status]),
      [
        ['agent.execute', 'used'],
        ['agent.execute', 'denied'],
        ['workspace.merge', 'used'],
      ],
    );
    const work = detail.stages.find(({ id }) => id === 'work');
    const told = (await describeWork(client, run, createPaint(true))).join('\n');
    assert.match(told, /^Changed 2 files:\n {2}A src\/command-was-allowed {2}\+0 -0\n/);
    assert.match(told, /\x1b\[32m\+hello\x1b/);
    assert.equal(work?.values['denied'], 2);
    const [attempt] = detail.attempts;
    assert.deepEqual(attempt?.usage, { tokens: 120, cost: 0, source: 'agent' });
    const { last = [], ...counts } = attempt?.tools ?? {};
    assert.deepEqual(counts, { completed: 1, failed: 2, unfinished: 2, unasked: 1, omitted: 0 });
    assert.deepEqual(
      last.map(({ kind, status, answer }) => `${kind} ${status} ${answer}`),
      [
        'execute completed not_asked',
        'edit unfinished allowed',
        'edit failed denied',
        'execute unfinished allowed',
        'execute failed denied',
      ],
    );
    assert.match(last[0]?.summary ?? '', /^curl .*\*\*\*/);
    assert.doesNotMatch(JSON.stringify(attempt), /AbCdEfGhIjKl/);
    assert.match(
      renderToolCalls(toPicture(detail), { width: 80, paint: createPaint(false), glyphs: ASCII_GLYPHS }).join('\n'),
      /^work: 5 tool calls .*, 1 without asking$/m,
    );
    const raw = detail.artifacts.find(({ name }) => name.startsWith('acp-'));
    assert.match((await client.call('artifact/read', { digest: raw?.digest ?? '' })).text, /session\/request_permission/);
    const said = (await client.call('spool/read', { attempt: attempt?.id ?? '' })).text;
    assert.match(said, /\[denied\].*outside of the worktree|\[denied\].*outside the worktree/);
    assert.match(said, /\[told the agent why\]/);
  });

  it('shows all that it did, also where the agent committed by itself', async function () {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const commitOne = 'echo one > one.txt && git add one.txt && git commit -q -m one';
    const detail = await finishRun(client, await start(repo, [{ run: `${commitOne} && echo two > two.txt` }]));
    const told = (await describeWork(client, detail.run.id, createPaint(false))).join('\n');
    assert.match(told, /^Changed 2 files:\n {2}A one\.txt {2}\+1 -0\n {2}A two\.txt/);
    const { base, files } = await client.call('run/changes', { run: detail.run.id });
    assert.deepEqual([base, files.map(({ path }) => path)], [detail.run.base, ['one.txt', 'two.txt']]);
  });

  it('says that nothing was changed, and does not merge', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const detail = await finishRun(client, await start(repo, [{ say: 'All done!' }], { into: 'main' }));
    assert.equal(detail.run.status, 'success');
    assert.equal(detail.stages.find(({ id }) => id === 'merge')?.reason, 'The agent changed nothing.');
  });

  it('keeps what it does without asking inside its worktree, where there is a sandbox', async function () {
    const repo = makeRepo({ 'README.md': '# demo\n', '.codex/config.toml': 'theirs' });
    const outside = join(repo, 'outside.txt');
    const obey = 'cat .codex/config.toml > obeyed.txt; echo x > .codex/config.toml; git rm -rf .codex; git add --all; git commit -qm own';
    const script = [{ run: `echo x > ${outside}; cat ${join(home, 'endpoint.json')} > stolen.txt; echo y > inside.txt; ${obey}` }];
    const detail = await finishRun(client, await start(repo, script));
    const [attempt] = detail.attempts;
    if (attempt?.enforcement?.level !== 'enforced') this.skip();
    assert.equal(existsSync(outside), false);
    const commit = attempt.commits.at(-1)?.commit ?? '';
    assert.equal(git(repo, 'show', `${commit}:inside.txt`), 'y');
    assert.equal(git(repo, 'show', `${commit}:stolen.txt`), '');
    assert.equal(git(repo, 'show', `${commit}:obeyed.txt`), '');
    assert.equal(git(repo, 'show', `${commit}:.codex/config.toml`), 'theirs');
  });

  it('fails the run when the agent crashes, and keeps the worktree with what it had done', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const detail = await finishRun(client, await start(repo, [{ run: 'echo x > half.txt' }, { stderr: 'boom' }, { crash: 9 }]));
    assert.equal(detail.run.status, 'failure');
    assert.match(detail.stages.find(({ id }) => id === 'work')?.reason ?? '', /exit code 9.*boom/);
    const [attempt] = detail.attempts;
    const isKept = async (): Promise<boolean> => {
      const { events } = await client.call('events/read', { limit: 1_000, scope: { kind: 'run', run: detail.run.id } });
      return events.some(({ type, data }) => type.includes('workspace.kept') && data['path'] === attempt?.workspace?.path);
    };
    // The run ends before its worktree is left.
    while (!(await isKept())) await new Promise((resolve) => setTimeout(resolve, 25));
  });

  it('takes a question over a restart: what was granted meanwhile is not asked again', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const run = await start(repo, [{ ask: command('make all'), granted: [{ run: 'touch made.txt' }] }]);
    const approval = await killAtQuestion(run);
    await client.call('approval/answer', { approval, answer: 'grant' });
    const detail = await finishRun(client, run);
    assert.equal(detail.run.status, 'success', detail.run.summary);
    assert.deepEqual(
      detail.approvals.map(({ status }) => status),
      ['used'],
    );
    assert.equal(detail.attempts.length, 2);
  });

  it('goes on with more words in the same worktree and session, and shows what these words led to', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const first = await finishRun(client, await start(repo, [{ run: 'echo one > one.txt' }, { say: 'one is made' }], { agent: 'memory' }));
    assert.equal(first.attempts[0]?.session?.how, 'new');
    const second = await start(repo, [{ recall: true }, { run: 'cat one.txt > two.txt' }], {
      agent: 'memory',
      continues: first.run.id,
      into: 'main',
    });
    const detail = await finishRun(client, second);
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const [attempt] = detail.attempts;
    const { how, from, replayed } = attempt?.session ?? {};
    assert.deepEqual([how, from, replayed], ['loaded', first.attempts[0]?.id, 2]);
    assert.equal(attempt?.workspace?.path, first.attempts[0]?.workspace?.path);
    assert.match(renderSessions(toPicture(detail), createPaint(false)).join(), /^work goes on from run \S+\. It went on in the session/);
    const said = (await client.call('spool/read', { attempt: attempt?.id ?? '' })).text;
    assert.match(said, /\n\| one is made\n[^]*\n\(2 prompts\)/);
    assert.match(
      (await describeWork(client, second, createPaint(false))).join('\n'),
      /^Changed 1 file:\n {2}A two\.txt[^]*in the session that it had/,
    );
    assert.equal(git(repo, 'ls-tree', '-r', '--name-only', 'main').trim(), 'README.md\none.txt\ntwo.txt');
  });

  it('tells another agent what the record says, and refuses two at once and what nobody worked in', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const plan = { plan: [{ content: 'Look around', status: 'completed', priority: 'low' }] };
    const first = await start(repo, [plan, { run: 'echo one > one.txt' }, { say: 'It is nearly done.' }], { agent: 'memory' });
    await finishRun(client, first);
    const second = await start(repo, [{ ask: command('make all') }], { continues: first });
    await assert.rejects(start(repo, [], { continues: first }), { code: 'invalid_transition' });
    const other = makeRepo({ 'README.md': '# other\n' });
    await assert.rejects(start(other, [], { continues: first }), { code: 'invalid_params' });
    await assert.rejects(start(repo, [], { continues: 'nobody' }), { code: 'not_found' });
    const detail = await finishRun(client, second);
    const [attempt] = detail.attempts;
    assert.deepEqual([attempt?.session?.how, attempt?.session?.why], ['summary', 'Another agent, memory, did it.']);
    const raw = detail.artifacts.find(({ name }) => name.startsWith('acp-'));
    const { text } = await client.call('artifact/read', { digest: raw?.digest ?? '' });
    const told = /"session\/prompt".*/.exec(text)?.[0] ?? '';
    for (const words of ['It was asked:\\n> Do this', '[x] Look around', '> It is nearly done.', 'A one.txt  +1 -0', 'you are asked now:'])
      assert.ok(told.includes(words), `${words} is not in ${told}`);
    const none = await finishRun(client, await start(repo, [], { agent: 'nobody' }));
    await assert.rejects(start(repo, [], { continues: none.run.id }), { code: 'invalid_transition' });
  });

  it('goes on after the end of the daemon where it was cut off, in the same session, and asks anew', async () => {
    const repo = makeRepo({ 'README.md': '# demo\n' });
    const make = command('make all');
    const script = [{ run: 'test -e half.txt && cp half.txt whole.txt; echo half > half.txt' }, { recall: true }, { ask: make }];
    const run = await start(repo, script, { agent: 'memory' });
    await killAtQuestion(run);
    const detail = await finishRun(client, run);
    assert.equal(detail.run.status, 'success', detail.run.summary);
    const [first, second] = detail.attempts;
    assert.deepEqual([first?.status, second?.session?.how, second?.session?.from], ['interrupted', 'loaded', first?.id]);
    assert.equal(second?.workspace?.path, first?.workspace?.path);
    assert.deepEqual(
      detail.approvals.map(({ status }) => status),
      ['used'],
    );
    const files = (await client.call('run/changes', { run })).files.map(({ path }) => path);
    assert.deepEqual(files, ['half.txt', 'whole.txt']);
    const said = (await client.call('spool/read', { attempt: second?.id ?? '' })).text;
    assert.match(said, /^\[goes on with its session session-1/);
    assert.match(said, /\n\(2 prompts\)/);
  });

  it('gives a removed agent no more work', async () => {
    await client.call('agent/remove', { agent: 'scripted' });
    const { agents } = await client.call('agent/list', {});
    assert.equal(agents.find(({ id }) => id === 'scripted')?.status, 'offline');
  });
});

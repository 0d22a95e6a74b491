import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startDeadline } from '../../../../daemon/agents/acp/deadline.ts';
import { removeTempFolders, tempFolder } from '../../../support/repos.ts';
import { drive } from './scripted.ts';

const command = (line: string, more: object = {}) => ({
  toolCallId: 'c1',
  title: 'Read a file',
  kind: 'read',
  rawInput: { command: line },
  ...more,
});
const edit = (path: string, newText: string, more: object = {}) => ({
  toolCallId: 'e1',
  title: 'Look around',
  kind: 'read',
  content: [{ type: 'diff', path, oldText: null, newText }],
  ...more,
});

describe('agents: acp adapter', () => {
  afterEach(removeTempFolders);

  it('starts the agent in the worktree with a HOME of its own, streams what it says, and tells how it ended', async () => {
    const plan = [
      { content: 'first', priority: 'high', status: 'completed' },
      { content: 'second', priority: 'low', status: 'in_progress' },
    ];
    const script = [
      { think: 'hm' },
      { say: 'one ' },
      { say: 'two' },
      { plan },
      { plan },
      { usage: { inputTokens: 10, outputTokens: 5, cachedReadTokens: 2 } },
    ];
    const attempt = drive(script);
    const outcome = await attempt.ended;
    assert.equal(outcome.status, 'succeeded', outcome.error?.message);
    assert.deepEqual(outcome.values, {
      stopReason: 'end_turn',
      message: 'one two',
      toolsCompleted: 0,
      toolsFailed: 0,
      denied: 0,
      session: 'session-1',
      version: '1.2.3',
    });
    assert.match(attempt.output('stdout'), /^\(thinking\) hm\none two\n\[plan\]\n {2}\[x\] first\n {2}\[>\] second\n/);
    assert.ok(attempt.events.some((e) => e.type === 'progress' && e.fraction === 0.5));
    const steps = [
      { text: 'first', status: 'completed' },
      { text: 'second', status: 'in_progress' },
    ];
    assert.deepEqual(
      attempt.events.filter((e) => e.type === 'planned'),
      [{ type: 'planned', plan: { done: 1, total: 2, steps } }],
    );
    assert.deepEqual(
      attempt.events.find((e) => e.type === 'used'),
      { type: 'used', tokens: 17, cost: 0, source: 'agent' },
    );
    const raw = attempt.events.find((e) => e.type === 'artifact');
    assert.ok(
      raw?.type === 'artifact' && raw.content.includes('"method":"session/new"') && raw.content.includes(`"cwd":"${attempt.root}"`),
    );
    assert.equal(attempt.events.filter((e) => e.type === 'ended').length, 1);
    assert.equal(await attempt.leftovers(), 0);
  });

  it('asks for what the input says, whatever title and kind claim, and answers once', async () => {
    const attempt = drive([{ ask: command('git push --force'), granted: [{ run: 'echo yes > done.txt' }] }]);
    assert.equal((await attempt.ended).status, 'succeeded');
    const [asked] = attempt.wanted;
    assert.ok(asked?.action.kind === 'agent.execute');
    assert.equal(asked.action.line, 'git push --force');
    assert.equal(asked.action.source, 'agent');
    assert.equal(asked.show?.['command'], 'git push --force');
    assert.match(attempt.output('stdout'), /\(once\)/);
    assert.ok(existsSync(join(attempt.root, 'done.txt')));
  });

  it('tells of each tool call that is over what it was by its input, and whether anybody was asked', async () => {
    const root = tempFolder('tree');
    const read = { toolCallId: 'r', title: 'Rename', kind: 'edit', name: 'Read', rawInput: { file_path: join(root, 'src', 'a.ts') } };
    const steps = [
      { ask: { ...edit('a.txt', 'x'), toolCallId: 'yes' }, granted: [{ tool: { toolCallId: 'yes', status: 'completed' } }] },
      { ask: { ...command('make'), toolCallId: 'no' }, refused: [{ tool: { toolCallId: 'no', status: 'failed' } }] },
      { tool: { ...read, status: 'completed' } },
      { tool: { toolCallId: 'r', status: 'completed' } },
      { tool: { ...command('rm -rf\n /'), toolCallId: 'sly', status: 'in_progress' } },
    ];
    const answer = ({ key }: { key: string }) => (key === 'yes' ? { allowed: true as const } : { allowed: false as const, reason: 'No.' });
    const attempt = drive(steps, { root, answer, profile: { reads: ['Read'] } });
    await attempt.ended;
    assert.deepEqual(
      attempt.events.flatMap((e) => (e.type === 'called' ? [Object.values(e.call).join(' | ')] : [])),
      [
        'yes |  | edit | completed | allowed | a.txt',
        'no |  | execute | failed | denied | make',
        'r | Read | read | completed | not_asked | src/a.ts',
        'sly |  | execute | unfinished | not_asked | rm -rf /',
      ],
    );
    assert.match(attempt.output('stdout'), /^\[completed, not asked\] read src\/a\.ts$/m);
    const many = drive(Array.from({ length: 310 }, (_, i) => ({ tool: { toolCallId: `t${i}`, status: 'completed' } })));
    await many.ended;
    assert.equal(many.events.filter((e) => e.type === 'called').length, 300);
    assert.deepEqual(
      many.events.filter((e) => e.type === 'calls_omitted'),
      [{ type: 'calls_omitted', calls: 10 }],
    );
  });

  it('fills the gaps of a question with what was said of the call before', async () => {
    const root = tempFolder('tree');
    const path = join(root, 'src', 'a.ts');
    const before = { update: { sessionUpdate: 'tool_call', ...edit(path, 'new\n') } };
    const attempt = drive([before, { ask: { toolCallId: 'e1', title: 'x' } }], { root });
    await attempt.ended;
    const [asked] = attempt.wanted;
    assert.ok(asked?.action.kind === 'agent.edit');
    assert.deepEqual(asked.action.paths, [{ path, relative: 'src/a.ts', inside: true, git: false }]);
    assert.equal(asked.action.risk, 'low');
    assert.match(asked.show?.['diff'] ?? '', /^--- \/dev\/null\n\+\+\+ src\/a\.ts\n@@ .* @@\n\+new$/m);
  });

  it('finds paths where they really lead, and takes what it cannot understand as unknown', async () => {
    const root = tempFolder('tree');
    const elsewhere = tempFolder('elsewhere');
    symlinkSync(elsewhere, join(root, 'link'));
    const steps = [
      { ask: { ...edit('link/x.txt', 'x'), toolCallId: '1' } },
      { ask: { ...edit(join(root, '.git', 'hooks', 'pre-commit'), 'x'), toolCallId: '2' } },
      { ask: { ...edit('.github/workflows/ci.yml', 'x'), toolCallId: '3' } },
      { ask: { toolCallId: '4', title: 'cat README.md', kind: 'read' } },
      { ask: { toolCallId: '5', title: 'x', name: 'mcp__github__create_issue', rawInput: { title: 't' } } },
      { ask: { toolCallId: '6', title: 'x', rawInput: { url: 'https://Example.com/a' } } },
      { ask: { toolCallId: '7', title: 'x', rawInput: { command: 'make', filePath: 'a.txt', content: 'x' } } },
    ];
    const attempt = drive(steps, { root });
    await attempt.ended;
    const told = attempt.wanted.map(({ key, action }) => {
      const { kind, risk } = action;
      if (kind === 'agent.edit')
        return [key, kind, risk, ...action.paths.map((p) => `${p.inside ? p.relative : 'outside'}${p.git ? ' git' : ''}`)];
      if (kind === 'agent.fetch') return [key, kind, ...action.hosts];
      if (kind === 'agent.mcp') return [key, kind, action.server, action.tool];
      return [key, kind, risk];
    });
    assert.deepEqual(told, [
      ['1', 'agent.edit', 'high', 'outside'],
      ['2', 'agent.edit', 'high', '.git/hooks/pre-commit git'],
      ['3', 'agent.edit', 'high', '.github/workflows/ci.yml'],
      ['4', 'agent.other', 'high'],
      ['5', 'agent.mcp', 'github', 'create_issue'],
      ['6', 'agent.fetch', 'example.com'],
      ['7', 'agent.execute', 'medium'],
      ['7#2', 'agent.edit', 'low', 'a.txt'],
    ]);
  });

  it('tells the agent why it was denied, in a prompt of its own', async () => {
    const attempt = drive([{ ask: command('rm -rf /'), granted: [{ run: 'touch done.txt' }] }], {
      answer: () => ({ allowed: false, reason: 'Nothing is removed here.' }),
    });
    const outcome = await attempt.ended;
    assert.equal(outcome.status, 'succeeded');
    assert.equal(outcome.values['denied'], 1);
    assert.match(attempt.output('stdout'), /\(no\)/);
    assert.match(attempt.output('stdout'), /I was told: Some of what you asked for was denied[^]*Nothing is removed here\./);
    assert.ok(!existsSync(join(attempt.root, 'done.txt')));
  });

  it('says that it failed when the agent gave up after a denial', async () => {
    const attempt = drive([{ ask: command('make') }, { stop: 'refusal' }], { answer: () => ({ allowed: false, reason: 'No.' }) });
    assert.equal((await attempt.ended).error?.code, 'agent_refused');
  });

  it('never picks an option that decides about later calls', async () => {
    const options = [
      { optionId: 'always', name: 'Always', kind: 'allow_always' },
      { optionId: 'no', name: 'No', kind: 'reject_once' },
    ];
    const attempt = drive([{ ask: command('make'), options, granted: [{ run: 'touch done.txt' }] }]);
    const outcome = await attempt.ended;
    assert.equal(outcome.values['denied'], 1);
    assert.ok(!existsSync(join(attempt.root, 'done.txt')));
  });

  it('writes a file for the agent when the edit was allowed, asks when it was not, and never outside', async () => {
    const root = tempFolder('tree');
    const elsewhere = tempFolder('elsewhere');
    symlinkSync(elsewhere, join(root, 'link'));
    mkdirSync(join(root, '.git'));
    const path = join(root, 'deep', 'a.txt');
    const steps = [
      { ask: edit(path, 'new\n'), granted: [{ clientWrite: path, text: 'new\n' }] },
      { clientWrite: join(root, 'b.txt'), text: 'not asked before' },
      { clientWrite: join(root, 'c.txt'), text: 'denied' },
      { clientWrite: join(root, 'link', 'd.txt'), text: 'outside' },
      { clientWrite: join(root, '.git', 'config'), text: 'outside' },
    ];
    const attempt = drive(steps, {
      root,
      answer: ({ show }) => (/denied/.test(show?.['diff'] ?? '') ? { allowed: false, reason: 'Not c.' } : { allowed: true }),
    });
    await attempt.ended;
    assert.deepEqual(
      attempt.wanted.map(({ action }) => action.kind),
      ['agent.edit', 'agent.edit', 'agent.edit', 'agent.edit', 'agent.edit'],
    );
    assert.equal(readFileSync(path, 'utf8'), 'new\n');
    assert.equal(readFileSync(join(root, 'b.txt'), 'utf8'), 'not asked before');
    for (const file of [join(root, 'c.txt'), join(elsewhere, 'd.txt'), join(root, '.git', 'config')]) assert.ok(!existsSync(file), file);
    assert.match(attempt.output('stdout'), /refused: Denied: Not c\./);
    assert.match(attempt.output('stdout'), /lies outside of the worktree/);
  });

  it('lets the time of the attempt stand still while a person is asked', async () => {
    const deadline = startDeadline(40);
    deadline.pause();
    deadline.pause();
    deadline.resume();
    const waited = await Promise.race([deadline.passed.then(() => 'passed'), new Promise((resolve) => setTimeout(resolve, 120, 'still'))]);
    assert.equal(waited, 'still');
    deadline.resume();
    await deadline.passed;
    deadline.stop();
  });

  it('cancels through the protocol first, also with a question open', async () => {
    const hanging = drive([{ say: 'on it' }, { hang: true }]);
    await hanging.saw((e) => e.type === 'output');
    await hanging.running.cancel('enough');
    const outcome = await hanging.ended;
    assert.equal(outcome.status, 'canceled');
    assert.equal(outcome.error?.message, 'Canceled: enough.');
    assert.equal(outcome.values['stopReason'], 'cancelled');

    const asking = drive([{ ask: command('make') }, { hang: true }], { answer: () => undefined });
    await asking.saw((e) => e.type === 'wants');
    await asking.running.cancel('enough');
    assert.equal((await asking.ended).status, 'canceled');
    assert.match(asking.output('stdout'), /\(cancelled\)/);
  });
});

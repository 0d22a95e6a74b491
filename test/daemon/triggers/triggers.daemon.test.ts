// Each kind of trigger at work in one real daemon, which is killed in between: what fired starts one run.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { makeRepo } from '../../support/repos.ts';

const workflow = (name: string, triggers: string, word: string): string =>
  `workflow: ${name}\nversion: 1\ninputs: { word: { type: string } }\ntriggers:\n${triggers}\nstages:\n  - { id: say, agent: command, command: [echo, "${word}"], worktree: none }\n`;
const SECRET = 'a secret of some length';
const ALLOW =
  'policy: default\nversion: 1\ndefault: allow\nrules: [{id: r, on: [daemon.configure], effect: require_approval, message: m}]\n';

/** Looks until there is something; the test's own time limit is the only one. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(50);
  }
}

describe('triggers in the daemon', () => {
  let home: string;
  let repo: string;
  let daemon: DaemonProcess;
  let client: Connected;

  const start = async (): Promise<void> => {
    daemon = await startDaemon({ home, env: { SIGNALBOX_SANDBOX: 'off', HOOK_SECRET: SECRET } });
    client = await daemon.connect();
  };
  before(async function () {
    this.timeout(60_000);
    home = await makeHome();
    repo = makeRepo({
      '.signalbox/workflows/nightly.yaml': workflow(
        'nightly',
        '  - { cron: "0 3 * * *", inputs: { word: "{trigger.time}" } }',
        '{inputs.word}',
      ),
      '.signalbox/workflows/after.yaml': workflow(
        'after',
        '  - { event: run.succeeded, when: trigger.run.workflow == "nightly", inputs: { word: "{trigger.event.run}" } }',
        '{inputs.word}',
      ),
      '.signalbox/workflows/docs.yaml': workflow(
        'docs',
        '  - { files: "docs/**/*.md", ignore: "docs/no/**", settle: 1s, inputs: { word: "{trigger.path}" } }',
        '{inputs.word}',
      ),
      '.signalbox/workflows/hook.yaml': workflow(
        'hook',
        '  - webhook: { secret: { env: HOOK_SECRET }, signature: github }\n    when: trigger.event == "push"\n    inputs: { word: "{trigger.body.ref}" }',
        '{inputs.word}',
      ),
      '.signalbox/workflows/inbox.yaml': workflow(
        'inbox',
        '  - { source: { folder: inbox, every: 1s }, inputs: { word: "{trigger.item.name} {trigger.item.text}" } }',
        '{inputs.word}',
      ),
      '.signalbox/workflows/tickets.yaml': workflow(
        'tickets',
        '  - source: { command: [node, tickets.mjs], acknowledge: [node, tickets.mjs, "{item}", "{outcome}"], every: 1s }\n    inputs: { word: "{trigger.item.title}" }',
        '{inputs.word}',
      ),
      // Prints what nobody has acknowledged; where its home is, it may write.
      'tickets.mjs': `import { appendFileSync, existsSync, readFileSync } from 'node:fs';
const told = process.env.HOME + '/told';
if (process.argv[2]) appendFileSync(told, process.argv[2] + ' ' + process.argv[3] + '\\n');
const done = existsSync(told) ? readFileSync(told, 'utf8') : '';
console.log(JSON.stringify([{ id: 7, title: 'seven' }, { id: 'x', title: 'x' }].filter(({ id }) => !done.includes(id + ' '))));
`,
      'inbox/first.txt': 'one',
      'inbox/.hidden': 'none',
      'docs/a.md': 'a',
    });
    await mkdir(join(home, 'config', 'policies'), { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'config', 'policies', 'default.yaml'), ALLOW);
    await start();
  });
  after(async () => {
    await daemon.end();
    await removeHome(home);
    rmSync(repo, { recursive: true, force: true });
  });

  const idOf = async (name: string): Promise<string> => {
    const { triggers } = await client.call('trigger/list', {});
    return triggers.find((one) => one.id.startsWith(name))?.id ?? '';
  };
  const runsOf = async (name: string): Promise<RunDetail['run'][]> => {
    const { runs } = await client.call('run/list', {});
    return runs.filter((run) => run.workflow.name === name && run.status === 'success').reverse();
  };
  const untilRuns = (name: string, count: number) =>
    eventually(async () => {
      const runs = await runsOf(name);
      return runs.length >= count ? runs : undefined;
    });

  it('start nothing until the repository is trusted, and what it says from then on', async () => {
    assert.deepEqual((await client.call('trigger/list', {})).triggers, []);
    const { digest } = await client.call('trust/show', { repo });
    await client.call('trust/grant', { repo, digest });
    const { triggers } = await client.call('trigger/list', {});
    assert.deepEqual(
      triggers.map((one) => [one.id.replace(/-[0-9a-f]{6}$/, ''), one.origin]),
      [
        ['after.event', 'repository'],
        ['docs.files', 'repository'],
        ['hook.webhook', 'repository'],
        ['inbox.source', 'repository'],
        ['nightly.cron', 'repository'],
        ['tickets.source', 'repository'],
      ],
    );
    assert.ok(Date.parse(triggers[4]?.next ?? '') > Date.now());
  });

  it('fire by hand, and for the events of other runs, each once; the run says by what it was started', async function () {
    this.timeout(20_000);
    const trigger = await idOf('nightly.cron');
    const fired = await client.call('trigger/fire', { trigger, id: 'first' });
    assert.deepEqual(await client.call('trigger/fire', { trigger, id: 'first' }), { ...fired, existing: true });
    const [after] = await untilRuns('after', 1);
    assert.deepEqual(after?.inputs, { word: fired.run });
    assert.deepEqual(
      [after?.principal, after?.startedBy?.depth, after?.startedBy?.kind],
      [`trigger:${await idOf('after.event')}`, 1, 'event'],
    );
  });

  it('start what had fired when the daemon died, once', async function () {
    this.timeout(30_000);
    const trigger = await idOf('nightly.cron');
    const { run } = await client.call('trigger/fire', { trigger, id: 'second' });
    await daemon.end('SIGKILL');
    await start();
    const [, second] = await untilRuns('nightly', 2);
    assert.equal(second?.id, run);
    assert.equal((await untilRuns('after', 2)).length, 2);
    assert.deepEqual(await client.call('trigger/fire', { trigger, id: 'second' }), { run, waits: false, existing: true });
  });

  it('fire for changed files', async function () {
    this.timeout(20_000);
    // Whether somebody watches yet cannot be asked: the file is written until it was seen, and a batch is one run.
    const seen = await eventually(async () => {
      await mkdir(join(repo, 'docs/no'), { recursive: true });
      await writeFile(join(repo, 'docs/no/b.md'), 'b');
      await writeFile(join(repo, 'docs/a.md'), `changed`);
      await delay(1_500);
      const runs = await runsOf('docs');
      return runs.length > 0 ? runs : undefined;
    });
    assert.deepEqual(seen[0]?.inputs, { word: 'docs/a.md' });
  });

  it('fire for a signed webhook, once, and for nobody else', async function () {
    this.timeout(20_000);
    const { triggers } = await client.call('trigger/list', {});
    const url = triggers.find(({ id }) => id.startsWith('hook.'))?.url ?? '';
    const body = '{"ref":"refs/heads/main"}';
    const signature = { 'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}` };
    const post = async (headers: Record<string, string>, to = url, sent: string | Uint8Array = body) => {
      const response = await fetch(to, { method: 'POST', headers, body: sent });
      return { status: response.status, answer: (await response.json()) as { run?: string; reason?: string } };
    };
    assert.deepEqual(await post({ ...signature, 'x-github-event': 'issues' }), { status: 202, answer: { run: null, reason: 'when' } });
    const first = await post({ ...signature, 'x-github-event': 'push' });
    assert.equal(first.status, 202);
    assert.deepEqual((await post({ ...signature, 'x-github-event': 'push' })).answer, { run: first.answer.run, existing: true });
    const [run] = await untilRuns('hook', 1);
    assert.deepEqual([run?.id, run?.inputs], [first.answer.run, { word: 'refs/heads/main' }]);
    const refused = [
      await post({}),
      await post(signature, `${url}x`),
      await post({ ...signature, origin: 'https://example.org' }),
      await post(signature, url, new Uint8Array(1024 * 1024 + 1)),
    ];
    assert.deepEqual(
      refused.map(({ status }) => status),
      [401, 401, 403, 413],
    );
    for (let i = 0; i < 100; i += 1) if ((await post({})).status === 429) return;
    assert.fail('a hundred deliveries at once were all looked at');
  });

  it('take each item of a source once, and tell the source when its run has ended', async function () {
    this.timeout(30_000);
    const [inbox] = await untilRuns('inbox', 1);
    assert.deepEqual(inbox?.inputs, { word: 'first.txt one' });
    await eventually(async () => (await readdir(join(repo, 'inbox'))).includes('done') || undefined);
    assert.deepEqual((await readdir(join(repo, 'inbox'))).sort(), ['.hidden', 'done']);
    assert.deepEqual(await readdir(join(repo, 'inbox/done')), ['first.txt']);
    const tickets = await untilRuns('tickets', 2);
    assert.deepEqual(tickets.map(({ inputs }) => String(inputs['word'])).sort(), ['seven', 'x']);
    const told = join(home, 'homes', await idOf('tickets.source'), 'told');
    const lines = await eventually(async () => {
      const text = await readFile(told, 'utf8').catch(() => '');
      // What the kill cut off between the telling and its record is told again.
      const different = new Set(text.trim().split('\n'));
      return different.size > 1 ? [...different].sort() : undefined;
    });
    assert.deepEqual(lines, ['7 success', 'x success']);
    await eventually(async () => {
      const { triggers } = await client.call('trigger/list', {});
      return triggers.every(({ open }) => open.length === 0) || undefined;
    });
    assert.deepEqual([(await runsOf('inbox')).length, (await runsOf('tickets')).length], [1, 2]);
  });

  it('end with the trust', async () => {
    await client.call('trust/revoke', { repo });
    assert.deepEqual((await client.call('trigger/list', {})).triggers, []);
  });
});
